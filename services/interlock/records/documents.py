"""What people sign: evidence, policies, denials, commands.

A `RoutePolicy` is a compiled, self-contained snapshot: everything that decision and routers need to judge a rung is in it, so
that both judge by the same bytes.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import ANY, RouteId, is_name, is_scope
from interlock.vocabulary.limits import DURATION_US_MAX, LADDER_RUNGS_MAX, ROUTES_PER_POLICY_MAX, TEXT_CHARS_MAX
from interlock.vocabulary.time import Micros, duration_text


def require(holds: bool, fault: str) -> None:
    """Refuse a record whose values are out of bounds; the decoder answers with `Reason.OUT_OF_BOUNDS`."""
    if not holds:
        raise ValueError(fault)


def require_duration(duration: Micros) -> None:
    """Refuse a duration that is negative, or so long that a time of today and it would make no time."""
    require(0 <= duration <= DURATION_US_MAX, "a duration is out of bounds")


class WatchedTrigger(StrEnum):
    """The kinds of trigger that health verdicts bring."""

    OTHER = "other"
    UNAVAILABLE = "unavailable"
    ERRORS = "errors"
    THROTTLED = "throttled"
    LATENCY = "latency"


class SafeState(StrEnum):
    """What happens when no rung may be used."""

    SUSPEND = "suspend"


class Verb(StrEnum):
    """What an operator can order."""

    OTHER = "other"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Evidence(Statement):
    """A validator's word that a model version was validated for a task profile."""

    model: str
    model_version: str
    profile: str
    capability_boundaries: bool
    safety: bool
    governance_compliance: bool
    report: str
    issued_at: Micros
    expires_at: Micros

    @property
    def complete(self) -> bool:
        """Whether all three parts of the validation were passed."""
        return self.capability_boundaries and self.safety and self.governance_compliance


@dataclass(frozen=True, slots=True)
class Model:
    """One registry entry as approved: a model version as served at one endpoint under one identity."""

    name: str
    version: str
    provider: str
    endpoint: str
    served_as: str
    aliases: tuple[str, ...]
    identity: str
    secret_ref: str
    scopes: tuple[str, ...]
    tools: tuple[str, ...]
    code_execution: bool
    regions: tuple[str, ...]

    def __post_init__(self) -> None:
        require(is_name(self.name), f"{self.name!r} cannot name a model")

    def answers_to(self, name: str) -> bool:
        """Whether a reply that bears this name is the model's own."""
        return name == self.served_as or name in self.aliases


@dataclass(frozen=True, slots=True)
class Rung:
    """One approved model of a ladder, who accepted it, and the validator's sealed evidence for it."""

    model: Model
    accepted_by: str
    evidence: bytes


@dataclass(frozen=True, slots=True)
class TriggerRule:
    """What makes a route leave its model.

    Attributes:
        trigger: The kind.
        threshold: errors, throttled: share of calls, 0 to 1. latency: seconds. unavailable: 0.
        for_us: How long it must last before it counts.
    """

    trigger: WatchedTrigger
    threshold: float
    for_us: Micros

    def __post_init__(self) -> None:
        require(0 <= self.threshold < math.inf, "a threshold is a number of 0 or more")
        require_duration(self.for_us)

    @property
    def objective(self) -> str:
        """Name of what the health-monitor judges for this rule: kind and threshold, without the `for`."""
        if self.trigger is WatchedTrigger.UNAVAILABLE:
            return "unavailable"
        unit = "s" if self.trigger is WatchedTrigger.LATENCY else ""
        return f"{self.trigger}>{self.threshold:g}{unit}"


@dataclass(frozen=True, slots=True)
class RouteRule:
    """The ladder of one route and how it is walked."""

    slot: str
    scope: str
    profile: str
    ladder: tuple[Rung, ...]
    triggers: tuple[TriggerRule, ...]
    blind_us: Micros
    stable_us: Micros
    grace_us: Micros
    safe_state: SafeState

    def __post_init__(self) -> None:
        require(is_name(self.slot) and is_scope(self.scope), f"{self.slot}/{self.scope} cannot name a route")
        require(1 <= len(self.ladder) <= LADDER_RUNGS_MAX, f"a ladder has 1 to {LADDER_RUNGS_MAX} rungs")
        names = [rung.model.name for rung in self.ladder]
        require(len(set(names)) == len(names), "a ladder names a model twice")
        for duration in (self.blind_us, self.stable_us, self.grace_us):
            require_duration(duration)

    def index(self, model: str) -> int | None:
        """Place of a model on the ladder, 0 the primary; None if it is not on it."""
        return next((place for place, rung in enumerate(self.ladder) if rung.model.name == model), None)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the governance function is told."""

    url: str
    allow_private: bool


@dataclass(frozen=True, slots=True)
class RoutePolicy(Statement):
    """One agent's policy, signed by governance and by the agent's owner."""

    agent: str
    version: int
    deployment: str
    team: str
    issued_at: Micros
    expires_at: Micros
    review_within_us: Micros
    routes: tuple[RouteRule, ...]
    notify: tuple[Webhook, ...]

    def __post_init__(self) -> None:
        require(
            is_name(self.agent) and self.version >= 1, f"{self.agent!r} version {self.version} cannot name a policy"
        )
        require(1 <= len(self.routes) <= ROUTES_PER_POLICY_MAX, f"a policy has 1 to {ROUTES_PER_POLICY_MAX} routes")
        require(
            len({(rule.slot, rule.scope) for rule in self.routes}) == len(self.routes), "a policy names a route twice"
        )
        require_duration(self.review_within_us)
        require(bool(self.notify), "a policy names nobody to tell")

    def concerns(self) -> str:
        """The agent: its owner must have signed."""
        return self.agent

    def route_ids(self) -> tuple[RouteId, ...]:
        """Every route that the policy rules."""
        return tuple(RouteId(self.agent, rule.slot, rule.scope) for rule in self.routes)

    def uses(self) -> list[tuple[RouteId, str]]:
        """Every pair of a route and a model on its ladder."""
        return [
            (RouteId(self.agent, rule.slot, rule.scope), rung.model.name)
            for rule in self.routes
            for rung in rule.ladder
        ]

    def rule(self, slot: str, scope: str) -> RouteRule | None:
        """The rule of one route; None if the policy has none."""
        return next((rule for rule in self.routes if (rule.slot, rule.scope) == (slot, scope)), None)

    def models(self) -> frozenset[str]:
        """Every model on any of its ladders."""
        return frozenset(rung.model.name for rule in self.routes for rung in rule.ladder)


@dataclass(frozen=True, slots=True)
class Denial(Statement):
    """The safety role's word that a model may not be used by anybody."""

    id: str
    model: str
    reason: str
    issued_at: Micros

    def __post_init__(self) -> None:
        require(is_name(self.id) and is_name(self.model), "a denial names itself and a model")
        require(len(self.reason) <= TEXT_CHARS_MAX, "the reason is too long")


@dataclass(frozen=True, slots=True)
class Command(Statement):
    """An operator's word: it narrows within the policy and never widens."""

    id: str
    deployment: str
    verb: Verb
    agent: str
    model: str
    reason: str
    issued_at: Micros
    expires_at: Micros

    def __post_init__(self) -> None:
        require(
            is_name(self.id) and is_scope(self.agent) and is_name(self.model),
            "a command names itself, an agent, a model",
        )
        require(len(self.reason) <= TEXT_CHARS_MAX, "the reason is too long")

    def concerns(self) -> str:
        """The agent: an agent owner may command only his own."""
        return self.agent

    def describe(self) -> str:
        """The command in words."""
        return f"{self.verb} {self.model} for {'every agent' if self.agent == ANY else self.agent} during {duration_text(Micros(self.expires_at - self.issued_at))}"
