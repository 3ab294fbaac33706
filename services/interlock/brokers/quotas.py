"""Quotas of clients: how fast one may write. A cluster keeps a client to its quota by answering it later and later.

Set with Kafka's own command from the same jars: the clients for Python have no word for it.
"""

import subprocess

from interlock.brokers.jars import find_jars, find_java
from interlock.vocabulary.errors import InfrastructureError

_S_MAX = 60.0
_QUOTA = "producer_byte_rate"

_ABSENT = f"Invalid config(s): {_QUOTA}"
"""How Kafka's command says that there is no quota to be taken away."""


def bound_writes(bootstrap: str, client: str, bytes_per_second: int | None) -> None:
    """Bound how fast a client may write, at each broker.

    Args:
        bootstrap: Where the cluster is.
        client: The client's name (`client.id`): a service's own in the trust root, such as `decision-1`.
        bytes_per_second: The bound; None takes it away, if there is one.

    Raises:
        ConfigurationError: Java or Maven is missing.
        InfrastructureError: The cluster cannot be reached, or refuses.
    """
    wanted = ["--delete-config", _QUOTA]
    if bytes_per_second is not None:
        wanted = ["--add-config", f"{_QUOTA}={bytes_per_second}"]
    whom = ["--bootstrap-server", bootstrap, "--entity-type", "clients", "--entity-name", client]
    java = [find_java(), "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{find_jars()}/*"]
    try:
        done = subprocess.run(  # noqa: S603 - the command is made here
            [*java, "kafka.admin.ConfigCommand", "--alter", *whom, *wanted],
            capture_output=True,
            text=True,
            timeout=_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _failure(bootstrap, f"no answer within {_S_MAX:g} s") from error
    said = (done.stdout + done.stderr).strip()
    if done.returncode and not (bytes_per_second is None and _ABSENT in said):
        raise _failure(bootstrap, said.partition("\n")[0] or "no reason was given")


def _failure(bootstrap: str, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"The quota at {bootstrap} could not be set: {why}.",
        "Check that the cluster runs there and that you may change its configuration.",
    )
