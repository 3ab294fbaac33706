"""The first settings of every service of a founded deployment, for `Workspace.write_settings`.

They hold what a service cannot start without; everything else has a default that its settings class tells. Paths are relative
to the folder `settings/`.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

OPERATOR = "operator"
"""Not a service: where people's commands find the bus and the trust root."""

_OWNERS = {
    "decision": "decision-1",
    "health-monitor": "health-1",
    "probe": "probe-1",
    "notifier": "notifier-1",
    "watch": "watch-1",
    "gateway": "gateway-1",
}


def first_settings(deployment: str, bootstrap: str, agent_keys: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Settings by service.

    Args:
        deployment: The deployment's name.
        bootstrap: Kafka bootstrap servers.
        agent_keys: By agent, the API key with which it calls the gateway; only the hash is written.

    Returns:
        The values of each service's TOML file, and of `operator`'s. Health and metrics listen on any free port.
    """
    shared = {"bootstrap": bootstrap, "deployment": deployment, "trust_root": "../trust/root-1.sealed"}
    settings: dict[str, dict[str, Any]] = {
        service: {**shared, "owner": owner, "key": f"../keys/{owner}.pem"} for service, owner in _OWNERS.items()
    }
    settings["gateway"] |= {
        "state": "../state/gateway-1.sqlite",
        "agents": [
            {"agent": agent, "key_sha256": sha256(key.encode()).hexdigest()}
            for agent, key in sorted(agent_keys.items())
        ],
    }
    settings[OPERATOR] = shared
    return settings
