"""What was seen of two models around a change, from the telemetry of a few hours: what a person reviews a substitution by.

Counts by outcome are added up over reporters, and so are latencies, bucket by bucket: no figure of one reporter is averaged with
another's. Each batch counts once, by its reporter, model and number. Calls of the route itself and calls of probes stand apart, since
a probe asks another question than an agent does; calls of other routes are left out. A batch whose window reaches across the change
belongs to neither side of it and is only counted.

Sums believe every reporter alike, so one that lies moves them: who reported how many calls stands beside. What is *not* handled here:
quality and cost, of which no reporter tells, and any judgement. It says how many calls there were and what they showed, and
`interval` how little that may mean.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.records.health import PROVIDER_FAULTS, Cell, Outcome, TelemetryBatch
from interlock.records.interval import quantile_between, share_between
from interlock.records.sketch import quantile
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import NEVER, Micros


class Period(StrEnum):
    """On which side of the change."""

    BEFORE = "before"
    AFTER = "after"


class CallsOf(StrEnum):
    """Whose calls."""

    ROUTE = "route"
    PROBES = "probes"


class Kind(StrEnum):
    """What is counted as a share of calls."""

    ERRORS = "errors"
    THROTTLED = "throttled"
    REFUSALS = "refusals"
    SCHEMA_FAILURES = "schema_failures"


_COUNTED: Mapping[Kind, tuple[frozenset[Outcome], frozenset[Outcome]]] = {
    Kind.ERRORS: (PROVIDER_FAULTS, PROVIDER_FAULTS | {Outcome.OK}),
    Kind.THROTTLED: (frozenset({Outcome.THROTTLED}), PROVIDER_FAULTS | {Outcome.OK, Outcome.THROTTLED}),
    Kind.REFUSALS: (frozenset({Outcome.POLICY_REFUSAL}), frozenset({Outcome.OK, Outcome.POLICY_REFUSAL})),
    Kind.SCHEMA_FAILURES: (frozenset({Outcome.SCHEMA_FAILURE}), frozenset({Outcome.OK, Outcome.SCHEMA_FAILURE})),
}
"""Which outcomes are counted, of which: the shares that the health-monitor judges (docs/health.md)."""


@dataclass(frozen=True, slots=True)
class Share:
    """Some of some calls; `between`: its 95 % interval, None without calls."""

    count: int
    of: int
    between: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Latency:
    """A quantile of the latency of answered calls, seconds, and its 95 % interval; None: not known, or not bounded."""

    of: int
    value: float | None
    between: tuple[float | None, float | None]


@dataclass(slots=True)
class Seen:
    """What was seen of one model on one side of a change.

    Attributes:
        outcomes: Calls by outcome class.
        latency: Answered calls by latency bucket.
        reporters: Calls by who reported them.
        since: When the first window began that counts; 0: none does.
        until: When the last one ended.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    latency: Counter[int] = field(default_factory=Counter)
    reporters: Counter[str] = field(default_factory=Counter)
    since: Micros = NEVER
    until: Micros = NEVER

    @property
    def calls(self) -> int:
        """How many calls."""
        return self.outcomes.total()

    def share(self, kind: Kind) -> Share:
        """The calls of a kind, among those that it can be told of."""
        counted, among = (sum(self.outcomes[each] for each in some) for some in _COUNTED[kind])
        return Share(counted, among, share_between(counted, among))

    def slower(self, q: float) -> Latency:
        """The q-quantile of the latency."""
        return Latency(self.latency.total(), quantile(self.latency, q), quantile_between(self.latency, q))

    def add(self, batch: TelemetryBatch, cell: Cell) -> None:
        """Count a cell."""
        self.outcomes.update(cell.outcomes)
        self.latency.update(cell.latency)
        self.reporters[batch.reporter] += sum(cell.outcomes.values())
        self.since = min(self.since or batch.window_start, batch.window_start)
        self.until = max(self.until, batch.window_end)


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared.

    Attributes:
        models: Source and target; one of them alone where the other is the safe state.
        at: When the change was ordered.
        within_us: How far to look on each side.
        probes: The reporters that are probes.
    """

    route: RouteId
    models: tuple[str, ...]
    at: Micros
    within_us: Micros
    probes: Collection[str]


@dataclass(slots=True)
class Comparison:
    """What was seen, by model, whose calls, and side of the change.

    Attributes:
        across: Calls in windows that reach across the change, which are in none of these.
    """

    seen: dict[tuple[str, CallsOf, Period], Seen]
    across: int = 0


def compare(question: Question, batches: Iterable[TelemetryBatch]) -> Comparison:
    """Sort what was reported; the order of the batches does not matter."""
    seen = {(model, who, when): Seen() for model in question.models for who in CallsOf for when in Period}
    found, known = Comparison(seen), set[tuple[str, str, int]]()
    for batch in batches:
        name = (batch.reporter, batch.model, batch.sequence)
        if batch.model not in question.models or name in known or not _near(question, batch):
            continue
        known.add(name)
        _count(found, question, batch)
    return found


def _near(question: Question, batch: TelemetryBatch) -> bool:
    far = question.within_us
    ordered = batch.window_start <= batch.window_end
    return ordered and batch.window_start >= question.at - far and batch.window_end <= question.at + far


def _count(found: Comparison, question: Question, batch: TelemetryBatch) -> None:
    when = _period(question, batch)
    who = CallsOf.PROBES if batch.reporter in question.probes else CallsOf.ROUTE
    for cell in batch.cells:
        if who is CallsOf.ROUTE and (cell.agent, cell.slot, cell.scope) != question.route:
            continue
        if when is None:
            found.across += sum(cell.outcomes.values())
        else:
            found.seen[batch.model, who, when].add(batch, cell)


def _period(question: Question, batch: TelemetryBatch) -> Period | None:
    if batch.window_end <= question.at:
        return Period.BEFORE
    return Period.AFTER if batch.window_start >= question.at else None
