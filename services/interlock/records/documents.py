"""What people sign beforehand: policies and denials.

A `RoutePolicy` is a compiled, self-contained snapshot: everything that decision and routers need to judge a rung is in it, so
that both judge by the same bytes.
"""

from dataclasses import dataclass
from enum import StrEnum

from interlock.records.bounds import require, require_duration
from interlock.records.rules import RouteRule, guard_subject
from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import RouteId, is_name
from interlock.vocabulary.limits import (
    ROUTES_PER_POLICY_MAX,
    TEXT_CHARS_MAX,
)
from interlock.vocabulary.time import Micros


class Workflow(StrEnum):
    """What kind of work the agent does: rule 8 derives from it what its policy must say."""

    OTHER = "other"
    DRAFTING = "drafting"
    CUSTOMER_FACING = "customer_facing"
    MONEY_MOVING = "money_moving"
    TRADING = "trading"
    CLINICAL = "clinical"
    LIVE_SYSTEM = "live_system"
    SAFETY_CRITICAL = "safety_critical"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the governance function is told."""

    url: str
    allow_private: bool


class Unnotified(StrEnum):
    """What happens to a route when nobody of the governance function is known to have accepted the notice of its change in time.

    The breach is recorded in any case; `suspend` stops the route, too, until a `resume`.
    """

    OTHER = "other"
    RECORD = "record"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class Departure:
    """One demand on its kind of work that a policy does not meet, and why: looser only in as many words.

    Attributes:
        demand: The demand's name.
        because: Why, for whoever reviews it.
    """

    demand: str
    because: str

    def __post_init__(self) -> None:
        require(is_name(self.demand) and 0 < len(self.because) <= TEXT_CHARS_MAX, "a departure says from what, and why")


@dataclass(frozen=True, slots=True)
class RoutePolicy(Statement):
    """One agent's policy, signed by governance and by the agent's owner.

    Attributes:
        unnotified: What happens when a notice is not accepted in time.
        last_channel: Where the deadline watch itself then tells it; None: nowhere.
        departures: Demands on its kind of work that it does not meet, each once.
    """

    agent: str
    version: int
    deployment: str
    workflow: Workflow
    team: str
    issued_at: Micros
    expires_at: Micros
    review_within_us: Micros
    routes: tuple[RouteRule, ...]
    notify: tuple[Webhook, ...]
    unnotified: Unnotified = Unnotified.RECORD
    last_channel: Webhook | None = None
    departures: tuple[Departure, ...] = ()

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
        named = {departure.demand for departure in self.departures}
        require(len(named) == len(self.departures), "a policy departs from a demand twice")

    def concerns(self) -> str:
        """The agent: its owner must have signed."""
        return self.agent

    def route_ids(self) -> tuple[RouteId, ...]:
        """Every route that the policy rules."""
        return tuple(RouteId(self.agent, rule.slot, rule.scope) for rule in self.routes)

    def uses(self) -> list[tuple[RouteId, str]]:
        """Every pair of a route and what verdicts may speak of: a model on its ladder, or a guard that it requires."""
        return [
            (RouteId(self.agent, rule.slot, rule.scope), name)
            for rule in self.routes
            for name in (*(rung.model.name for rung in rule.ladder), *map(guard_subject, rule.guards))
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
