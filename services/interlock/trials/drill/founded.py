"""The deployment that is founded for a run: registry, evidence and policies, as people would write them, from the casts.

The times in the policies suit a run of minutes; production's are some ten times as long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from interlock.runtime.founding import Plan
from interlock.trials.drill.cast import DEPLOYMENT, Actor, Agent, Cast, Validation
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import SECOND, Micros, to_text

OWNER = "oscar"
"""Who owns the agents, and accepted the models."""

VERSION = "2026-08-01"
_DAY_US = 86_400 * SECOND
_VALIDITY_DAYS = 90

ENTRY: Mapping[str, Any] = {
    "entry": 1,
    "version": VERSION,
    "identity": {"owner": OWNER, "scopes": ["records.read"], "assurance": 2},
    "data": {
        "classes": ["internal"],
        "regions": ["eu-central"],
        "retention_days": 0,
        "logging": "metadata",
    },
    "capability": {
        "tools": ["search_records"],
        "code_execution": False,
        "network": "internal",
        "modalities": ["text"],
        "context_tokens": 128_000,
        "outputs": ["json", "text", "tool_calls"],
        "autonomy": "act_with_approval",
        "deterministic": False,
    },
    "approvals": ["internal-review"],
    "integrity": 1,
    "usd_per_mtok": 2.5,
}
"""What every model is, unless its actor says otherwise."""

ROUTE: Mapping[str, Any] = {
    "slot": "main",
    "triggers": {"unavailable": {"for": "100ms"}},
    "blind": "10s",
    "recovery": {"stable": "3s", "dwell": "0s"},
    "grace": "2s",
    "safe_state": "suspend",
}
"""What every route says, unless its agent says otherwise."""

POLICY: Mapping[str, Any] = {"version": 1, "deployment": DEPLOYMENT, "workflow": "drafting", "review_within": "5d"}
"""What every policy says, unless its agent says otherwise."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the outside world listens.

    Attributes:
        endpoints: By server, the endpoint of its models.
        governance: The webhook of the governance function.
        last_channel: Where the deadline watch tells it itself.
    """

    endpoints: Mapping[str, str]
    governance: str
    last_channel: str


def plan(cast: Cast, places: Places, now: Micros) -> Plan:
    """What to found.

    Args:
        cast: Everybody.
        places: Where the outside world listens.
        now: The time of the founding: evidence and policies are valid for 90 days from the day before.
    """
    said = dict.fromkeys(Validation(model, agent.tasks) for agent in cast.agents for model in agent.ladder)
    said |= dict.fromkeys(cast.validations)
    return Plan(
        deployment=DEPLOYMENT,
        registry=_yaml({"models": {actor.model: _entry(actor, places, now) for actor in cast.models}}),
        evidence={evidence_file(each): _evidence(each, now) for each in said},
        policies={agent.name: policy_text(agent, places, now) for agent in cast.agents},
    )


def policy_text(
    agent: Agent, places: Places, now: Micros, *, version: int = 1, ladders: Mapping[str, Sequence[str]] | None = None
) -> str:
    """An agent's policy as it would be written.

    Args:
        agent: The agent.
        places: Where governance is told.
        now: The policy is valid for 90 days from now.
        version: Its version.
        ladders: By scope, the ladder of one route each; None: one route with the agent's own ladder.
    """
    routes = [_route(agent, scope, ladder) for scope, ladder in (ladders or {ANY: agent.ladder}).items()]
    notify = [{"webhook": places.governance, "allow_private": True}]
    written = {
        "agent": agent.name,
        "team": f"team-{agent.name}",
        "expires_at": _date(now, _VALIDITY_DAYS),
        **POLICY,
        "version": version,
        "routes": routes,
        "notify": notify,
    }
    if agent.last_channel:
        written["last_channel"] = {"webhook": places.last_channel, "allow_private": True}
    return _yaml(_merged(written, agent.policy))


def _route(agent: Agent, scope: str, ladder: Sequence[str]) -> dict[str, Any]:
    rungs = [{"model": each, "accepted_by": OWNER, "accepted_in_advance": True} for each in ladder]
    return _merged({**ROUTE, "scope": scope, "task_profile": agent.tasks, "ladder": rungs}, agent.route)


def variable(server: str) -> str:
    """The environment variable that holds the credential of a server's models."""
    return f"{server.upper().replace('-', '_').replace('.', '_')}_KEY"


def evidence_file(said: Validation) -> str:
    """The name of a piece of evidence."""
    return f"{said.model}-for-{said.profile}"


def _entry(actor: Actor, places: Places, now: Micros) -> dict[str, Any]:
    own = {
        "provider": actor.at,
        "endpoint": places.endpoints[actor.at],
        "served_as": actor.at,
        "identity": {
            "id": f"spiffe://drill.example/agents/{actor.model}",
            "secret_ref": f"env:{variable(actor.at)}",
            "rotation_due": _date(now, _VALIDITY_DAYS),
        },
    }
    return _merged(_merged(ENTRY, own), actor.differs)


def _evidence(said: Validation, now: Micros) -> str:
    return _yaml(
        {
            "model": said.model,
            "model_version": VERSION,
            "profile": said.profile,
            "by": "vera",
            "levels": {"capability_boundaries": 1, "safety": 1, "governance_compliance": 1},
            "report": f"https://reports.example.org/{said.model}/{said.profile}",
            "validated_at": _date(now, -30),
            "expires_at": _date(now, said.ends_in_days),
        }
    )


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The first with what the second says otherwise. Triggers and safe states are replaced, the others' parts merged."""
    merged = dict(first)
    for name, value in second.items():
        before = merged.get(name)
        parts = isinstance(before, Mapping) and isinstance(value, Mapping) and name != "triggers"
        merged[name] = _merged(before, value) if parts and isinstance(before, Mapping) else value
    return merged


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(_plain(document), sort_keys=False, default_flow_style=None, width=120)


def _plain(value: Any) -> Any:
    """The value in lists and dictionaries of its own: shared ones would be written as anchors, which a policy may not have."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _date(now: Micros, days: int) -> str:
    return to_text(Micros(now + days * _DAY_US))[:10]
