"""The signed order that routers obey, and their answers."""

from dataclasses import dataclass
from enum import StrEnum

from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import Order, RouteId
from interlock.vocabulary.time import Micros


class Trigger(StrEnum):
    """Why a route is changed."""

    OTHER = "other"
    POLICY = "policy"
    RECOVERED = "recovered"
    UNAVAILABLE = "unavailable"
    ERRORS = "errors"
    THROTTLED = "throttled"
    LATENCY = "latency"
    DISABLED = "disabled"
    DENIED = "denied"
    EVIDENCE_EXPIRED = "evidence_expired"
    POLICY_EXPIRED = "policy_expired"
    NOT_ADMISSIBLE = "not_admissible"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, about which model, in words, and the event ids of the records that justify it."""

    trigger: Trigger
    model: str | None
    detail: str
    evidence: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one rung, and its result."""

    model: str
    check: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Delta:
    """One difference of the target from the source."""

    dimension: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class RoutingChange(Statement):
    """The signed order: from `issued_at` on, this route is served by `target`, or by its safe state where that is None."""

    id: str
    deployment: str
    shard: int
    root_version: int
    term: int
    version: int
    agent: str
    slot: str
    scope: str
    policy_version: int
    policy_digest: bytes
    source: str | None
    target: str | None
    safe_state: str | None
    cause: Cause
    verification: tuple[Check, ...]
    delta: tuple[Delta, ...]
    material: bool
    team: str
    accepted_by: str
    review_due: Micros
    issued_at: Micros
    not_after: Micros

    @property
    def route(self) -> RouteId:
        """The route that it changes."""
        return RouteId(self.agent, self.slot, self.scope)

    @property
    def order(self) -> Order:
        """Its place among the changes of the route."""
        return Order(self.root_version, self.term, self.version)


@dataclass(frozen=True, slots=True)
class Heartbeat(Statement):
    """Decision's sign of life for one shard: it renews the routers' lease if they hold what the heads say."""

    deployment: str
    shard: int
    root_version: int
    term: int
    beat: int
    issued_at: Micros
    policies_head: bytes
    routes_head: bytes

    @property
    def order(self) -> Order:
        """Its place among the heartbeats of the shard."""
        return Order(self.root_version, self.term, self.beat)


class AckKind(StrEnum):
    """What a router says."""

    OTHER = "other"
    HELLO = "hello"
    ACK = "ack"
    NACK = "nack"


@dataclass(frozen=True, slots=True)
class Acknowledgement(Statement):
    """A router's word: hello, or that it applied (ACK) or refused (NACK, with the reason) a change."""

    router: str
    kind: AckKind
    change_id: str
    event_id: bytes
    reason: str
    at: Micros

    def said_by(self) -> str:
        """The router speaks for itself only."""
        return self.router
