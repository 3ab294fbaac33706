"""Adds calls up until they are sent: counts by outcome, latencies by bucket, one cell for each (model, route).

A batch costs the same for one call as for a hundred thousand. Pure: the time of each call is an argument.

Limits: a cell tells at most `NAMES_PER_CELL_MAX` of the names that a provider gave for the model, the others as one; at most
`CELLS_MAX` cells are held, and calls beyond them are only counted in `dropped`.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

from interlock.records.health import Cell, Outcome, TelemetryBatch
from interlock.records.sketch import bucket
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.limits import IDENTIFIER_CHARS_MAX
from interlock.vocabulary.time import NEVER, Micros

CELLS_MAX = 10_000
"""Pairs of model and route between two flushes; a gateway serves some hundreds."""

CELLS_PER_BATCH = 32
"""A cell with a count in every bucket between `LATENCY_S_MIN` and `LATENCY_S_MAX` has 20 kB, and 32 of them have less than
`ENVELOPE_BYTES_MAX`."""

NAMES_PER_CELL_MAX = 8
"""A provider answers under a handful of names; more is noise, or an attempt to fill our memory."""

OTHER_NAMES = "(other names)"
"""Stands for the names beyond `NAMES_PER_CELL_MAX`."""

LATENCY_S_MIN = 0.001
"""No model answers faster; what claims to is counted as this."""

LATENCY_S_MAX = 86_400.0
"""No call takes longer than a day; what claims to is counted as this."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model, as its caller saw it.

    Attributes:
        route: On whose behalf.
        model: The registry entry that was called.
        outcome: How it ended.
        latency_s: From sending the request to the end of the reply, in seconds.
        first_token_s: To the first token; None if nobody measured it.
        model_named: The model's name in the reply; None if it gave none.
    """

    route: RouteId
    model: str
    outcome: Outcome
    latency_s: float
    first_token_s: float | None = None
    model_named: str | None = None


@dataclass(slots=True)
class _Sums:
    outcomes: Counter[str] = field(default_factory=Counter)
    latency: Counter[int] = field(default_factory=Counter)
    first_token: Counter[int] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)

    def add(self, call: Call) -> None:
        self.outcomes[call.outcome] += 1
        if call.outcome is Outcome.OK:
            self.latency[_bucket(call.latency_s)] += 1
        if call.first_token_s is not None:
            self.first_token[_bucket(call.first_token_s)] += 1
        if call.model_named is not None:
            # JSON may hold a lone surrogate, which no Avro string can
            name = call.model_named[:IDENTIFIER_CHARS_MAX].encode("utf-8", "replace").decode()
            known = name in self.names or len(self.names) < NAMES_PER_CELL_MAX
            self.names[name if known else OTHER_NAMES] += 1

    def cell(self, route: RouteId) -> Cell:
        return Cell(*route, dict(self.outcomes), dict(self.latency), dict(self.first_token), dict(self.names))


class Accumulator:
    """What was seen since the last `drain`.

    Args:
        reporter: Who reports: the owner of the signing key.
        sequence: Number of the first batch. It must be above every number this reporter used before, so a shell passes the
            time of its start in microseconds.
    """

    def __init__(self, reporter: str, sequence: int) -> None:
        self.dropped = 0
        self._reporter = reporter
        self._sequence = sequence
        self._cells: dict[tuple[str, RouteId], _Sums] = {}
        self._since: Micros | None = None
        self._until = NEVER

    @property
    def since(self) -> Micros | None:
        """When the first call came that is held now; None while there is none."""
        return self._since

    def note(self, call: Call, now: Micros) -> None:
        """Add one call, which ended now."""
        sums = self._cells.get((call.model, call.route))
        if sums is None and len(self._cells) >= CELLS_MAX:
            self.dropped += 1
            return
        if sums is None:
            sums = self._cells[call.model, call.route] = _Sums()
        sums.add(call)
        self._since = now if self._since is None else min(self._since, now)
        self._until = max(self._until, now)

    def drain(self) -> list[TelemetryBatch]:
        """Give everything held and hold nothing: a batch for each model, more if it has over `CELLS_PER_BATCH` routes.

        Its window reaches from the first call to the last.
        """
        by_model: dict[str, list[Cell]] = {}
        for (model, route), sums in self._cells.items():
            by_model.setdefault(model, []).append(sums.cell(route))
        start, end = self._since or NEVER, self._until
        self._cells, self._since, self._until = {}, None, NEVER
        return [
            self._batch(model, start, end, cells[first : first + CELLS_PER_BATCH])
            for model, cells in by_model.items()
            for first in range(0, len(cells), CELLS_PER_BATCH)
        ]

    def _batch(self, model: str, start: Micros, end: Micros, cells: list[Cell]) -> TelemetryBatch:
        self._sequence += 1
        return TelemetryBatch(self._reporter, model, start, end, self._sequence, tuple(cells))


def _bucket(latency_s: float) -> int:
    return bucket(min(max(latency_s, LATENCY_S_MIN), LATENCY_S_MAX) if math.isfinite(latency_s) else LATENCY_S_MAX)
