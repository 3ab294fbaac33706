"""What reporters saw, and what the health-monitor makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from interlock.records.bounds import require
from interlock.records.rules import guard_subject
from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import is_name, is_scope
from interlock.vocabulary.limits import (
    BATCH_CELLS_MAX,
    CALLS_MAX,
    SKETCH_BUCKETS_MAX,
    TEXT_CHARS_MAX,
    VERDICT_VALID_US_MAX,
)
from interlock.vocabulary.time import Micros


class Outcome(StrEnum):
    """How a call ended, as its caller saw it."""

    OK = "ok"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    STREAM_STALL = "stream_stall"
    CREDENTIAL = "credential"
    QUOTA = "quota"
    MODEL_GONE = "model_gone"
    CALLER_FAULT = "caller_fault"
    CANCELLED = "cancelled"
    POLICY_REFUSAL = "policy_refusal"
    SCHEMA_FAILURE = "schema_failure"


PROVIDER_FAULTS = frozenset(
    {
        Outcome.TIMEOUT,
        Outcome.CONNECTION,
        Outcome.SERVER_ERROR,
        Outcome.STREAM_STALL,
        Outcome.CREDENTIAL,
        Outcome.QUOTA,
        Outcome.MODEL_GONE,
    }
)
"""Faults that count against a model's availability. A throttled reply shows that the endpoint is alive: it has its own objective."""


class Level(StrEnum):
    """A judgement. Unknown is not healthy."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


AGAINST = frozenset({Level.DEGRADED, Level.UNAVAILABLE})
"""Levels that speak against a model."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What was seen for one route: counts by outcome class and by latency bucket (`records.sketch`)."""

    agent: str
    slot: str
    scope: str
    outcomes: Mapping[str, int]
    latency: Mapping[int, int]
    first_token: Mapping[int, int]
    models_named: Mapping[str, int]

    def __post_init__(self) -> None:
        tallies = (self.outcomes, self.latency, self.first_token, self.models_named)
        require(
            all(0 <= count <= CALLS_MAX for tally in tallies for count in tally.values()), "a count is out of bounds"
        )
        require(len(self.latency) + len(self.first_token) <= SKETCH_BUCKETS_MAX, "too many latency buckets")
        require(
            all(abs(place) < SKETCH_BUCKETS_MAX for place in (*self.latency, *self.first_token)),
            "a latency that nobody can measure",
        )


@dataclass(frozen=True, slots=True)
class TelemetryBatch(Statement):
    """What one reporter saw of one model in one window."""

    reporter: str
    model: str
    window_start: Micros
    window_end: Micros
    sequence: int
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        require(is_name(self.reporter) and is_name(self.model), "a batch names its reporter and a model")
        require(len(self.cells) <= BATCH_CELLS_MAX, "too many cells")

    def said_by(self) -> str:
        """The reporter speaks for itself only."""
        return self.reporter


@dataclass(frozen=True, slots=True)
class Verdict(Statement):
    """The judgement of one model under one objective."""

    model: str
    scope: str
    objective: str
    level: Level
    detail: str
    calls: int
    reporters: tuple[str, ...]
    since: Micros
    issued_at: Micros
    valid_until: Micros

    def __post_init__(self) -> None:
        require(is_name(self.model) and is_scope(self.scope), "a verdict names a model and a scope")
        require(len(self.detail) <= TEXT_CHARS_MAX and len(self.objective) <= TEXT_CHARS_MAX, "a text is too long")
        lasts = self.valid_until - self.issued_at
        require(lasts <= VERDICT_VALID_US_MAX, "a verdict is not valid for so long")

    @property
    def key(self) -> str:
        """Its Kafka key: model, scope and objective."""
        return f"{self.model}/{self.scope}/{self.objective}"


@dataclass(frozen=True, slots=True)
class GuardBeat(Statement):
    """A guardrail's or verification tool's sign of life."""

    guard: str
    at: Micros

    def __post_init__(self) -> None:
        require(is_name(self.guard) and is_name(guard_subject(self.guard)), "a beat names its guard")

    def said_by(self) -> str:
        """The guard speaks for itself only."""
        return self.guard
