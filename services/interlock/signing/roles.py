"""Which role may say what. The binding is here, in code: no document can widen it.

A `Rule` lists alternatives; an alternative is a set of roles that must all have signed, by distinct people.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from interlock.vocabulary.payloads import PayloadType


class Role(StrEnum):
    """The roles of DESIGN 4 that are in use."""

    ROOT = "root"
    GOVERNANCE = "governance"
    AGENT_OWNER = "agent_owner"
    VALIDATOR = "validator"
    SAFETY = "safety"
    OPERATOR = "operator"
    DECISION = "decision"
    HEALTH = "health"
    REPORTER = "reporter"
    PROBE = "probe"
    ROUTER = "router"
    NOTIFIER = "notifier"
    WATCH = "watch"
    GUARD = "guard"


Rule = tuple[frozenset[Role], ...]


def _rule(*alternatives: set[Role]) -> Rule:
    return tuple(frozenset(alternative) for alternative in alternatives)


SIGNED_BY: Mapping[PayloadType, Rule] = MappingProxyType(
    {
        PayloadType.TRUST_ROOT: _rule({Role.ROOT}),
        PayloadType.REGISTRATION: _rule({Role.GOVERNANCE}),
        PayloadType.EVIDENCE: _rule({Role.VALIDATOR}),
        PayloadType.ROUTE_POLICY: _rule({Role.GOVERNANCE, Role.AGENT_OWNER}),
        PayloadType.DENIAL: _rule({Role.SAFETY}),
        PayloadType.COMMAND: _rule({Role.OPERATOR}, {Role.AGENT_OWNER}, {Role.SAFETY}, {Role.WATCH}),
        PayloadType.TELEMETRY: _rule({Role.REPORTER}, {Role.PROBE}),
        PayloadType.GUARD_BEAT: _rule({Role.GUARD}),
        PayloadType.VERDICT: _rule({Role.HEALTH}),
        PayloadType.AUDIT_RECORD: _rule({Role.DECISION}),
        PayloadType.ROUTING_CHANGE: _rule({Role.DECISION}),
        PayloadType.HEARTBEAT: _rule({Role.DECISION}),
        PayloadType.ACKNOWLEDGEMENT: _rule({Role.ROUTER}),
        PayloadType.STATE_RECORD: _rule({Role.DECISION}),
        PayloadType.STATE_MARK: _rule({Role.DECISION}),
        PayloadType.TICKET: _rule({Role.ROUTER}),
        PayloadType.NOTICE: _rule({Role.NOTIFIER}),
        PayloadType.BREACH: _rule({Role.WATCH}),
        PayloadType.FINDING: _rule(
            {Role.DECISION}, {Role.HEALTH}, {Role.REPORTER}, {Role.PROBE}, {Role.ROUTER}, {Role.NOTIFIER}, {Role.WATCH}
        ),
    }
)
