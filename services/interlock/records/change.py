"""The signed order that routers obey, and their answers."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from interlock.records.bounds import require
from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import Order, RouteId
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import Micros
from interlock.wire.codec import encode_item


class Trigger(StrEnum):
    """Why a route is changed."""

    OTHER = "other"
    POLICY = "policy"
    RECOVERED = "recovered"
    UNAVAILABLE = "unavailable"
    ERRORS = "errors"
    THROTTLED = "throttled"
    LATENCY = "latency"
    QUALITY = "quality"
    REFUSALS = "refusals"
    LOW_CONFIDENCE = "low_confidence"
    SCHEMA_FAILURES = "schema_failures"
    COST = "cost"
    CREDENTIAL = "credential"
    WRONG_MODEL = "wrong_model"
    GUARD_MISSING = "guard_missing"
    DISABLED = "disabled"
    DENIED = "denied"
    EVIDENCE_EXPIRED = "evidence_expired"
    POLICY_EXPIRED = "policy_expired"
    NOT_ADMISSIBLE = "not_admissible"
    SUSPENDED = "suspended"
    UNNOTIFIED = "unnotified"
    REJECTED = "rejected"
    APPROVED = "approved"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVAL_TIMED_OUT = "approval_timed_out"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    READ_ONLY = "read_only"
    NOT_SETTLED = "not_settled"
    CANARY = "canary"
    CANARY_PASSED = "canary_passed"
    CANARY_FAILED = "canary_failed"
    CANARY_INCONCLUSIVE = "canary_inconclusive"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, about which model, in words, and the event ids of the records that justify it."""

    trigger: Trigger
    model: str | None
    detail: str
    evidence: tuple[bytes, ...] = ()


@dataclass(frozen=True)  # without slots, for its bytes: one check stands in the changes of many routes
class Check:
    """One check of one rung, and its result."""

    model: str
    check: str
    passed: bool
    detail: str

    @cached_property
    def encoded(self) -> bytes:
        """As it stands in a change."""
        fields = {"model": self.model, "check": self.check, "passed": self.passed, "detail": self.detail}
        return encode_item("RoutingChange", "verification", fields)


@dataclass(frozen=True, slots=True)
class Delta:
    """One difference of the target from the source."""

    dimension: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class RoutingChange(Statement):
    """The signed order: from `issued_at` on, this route is served by `target`, or is in its safe state where one is named.

    Attributes:
        target: The model; None in every safe state but `read_only`, whose rung it then names.
        safe_state: The safe state; None while the route is served.
        weight: Per cent of the requests that go to the target; below 100 the others stay with `source`.
        canary: Id of the canary; empty where the weight is 100.
        proposal: What `approve` and `reject` name: the id of the change that proposed a model; empty: none waits for approval.
        proposed: The model that waits for approval; None: none.
        proposal_until: When the proposal times out; 0: there is none.
        delta: What the target, or the proposed model, has otherwise than the source.
        material_in: What makes that model a material change from the primary; empty: it is none.
        expected_us: How long like incidents have lasted that outlasted what this one has lasted so far, their median, microseconds;
            0: there were none.
        expected_from: How many incidents that rests on; with `expected_us` 0: how many like ones this one has outlasted.
        expected_like: What like incidents have in common with this one, in words; empty: no incident is in progress.
    """

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
    weight: int
    canary: str
    proposal: str
    proposed: str | None
    proposal_until: Micros
    cause: Cause
    verification: tuple[Check, ...]
    delta: tuple[Delta, ...]
    material_in: tuple[str, ...]
    team: str
    accepted_by: str
    review_due: Micros
    expected_us: Micros
    expected_from: int
    expected_like: str
    issued_at: Micros
    not_after: Micros

    @property
    def material(self) -> bool:
        """Whether it is a material change."""
        return bool(self.material_in)

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

    def __post_init__(self) -> None:
        require(len(self.reason) <= TEXT_CHARS_MAX and len(self.change_id) <= TEXT_CHARS_MAX, "a text is too long")

    def said_by(self) -> str:
        """The router speaks for itself only."""
        return self.router
