"""The first settings of every service of a founded deployment, for `Workspace.write_settings`.

They hold what a service cannot start without; everything else has a default that its settings class tells. Paths are relative
to the folder `settings/`.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

OPERATOR = "operator"
"""Not a service: where people's commands find the bus and the trust root."""

OWNERS = {
    "decision": "decision-1",
    "health-monitor": "health-1",
    "probe": "probe-1",
    "notifier": "notifier-1",
    "watch": "watch-1",
    "gateway": "gateway-1",
}
"""By service, whose key its first instance has."""


_NUMBERED = re.compile(r"-\d+$")


def service_of(instance: str) -> str:
    """The service that an instance of it runs: `decision-2` is a decision."""
    return _NUMBERED.sub("", instance)


def first_settings(
    deployment: str, bootstrap: str, agent_keys: Mapping[str, str], further: Iterable[str] = ()
) -> dict[str, dict[str, Any]]:
    """Settings by service.

    Args:
        deployment: The deployment's name.
        bootstrap: Kafka bootstrap servers.
        agent_keys: By agent, the API key with which it calls the gateway; only the hash is written.
        further: Further instances of services, such as `decision-2`: each has a key of its own name.

    Returns:
        The values of each service's TOML file, of each further instance's, and of `operator`'s. Health and metrics listen on any free port.
    """
    shared = {"bootstrap": bootstrap, "deployment": deployment, "trust_root": "../trust/root-1.sealed"}
    agents = [
        {"agent": agent, "key_sha256": sha256(key.encode()).hexdigest()} for agent, key in sorted(agent_keys.items())
    ]
    settings: dict[str, dict[str, Any]] = {}
    for instance, owner in {**OWNERS, **{name: name for name in further}}.items():
        settings[instance] = {**shared, "owner": owner, "key": f"../keys/{owner}.pem"}
        if service_of(instance) == "gateway":
            settings[instance] |= {"state": f"../state/{owner}.sqlite", "agents": agents}
    settings[OPERATOR] = shared
    return settings
