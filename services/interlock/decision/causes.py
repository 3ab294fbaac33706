"""Which record caused a change, as a trace tells it. For people who look; what is decided never depends on it.

A step's changes may have several causes. Each order then bears the trace of its own cause, and the audit record that of the first one; its
span is linked to the others. A change that time alone brings, such as the end of a trigger's `for`, follows from the record that it names
as its evidence, if that was read in this term; else a trace of its own begins.

    with causes.step() as traced:
        ... publish the audit record with traced.audit, and the orders with traced.orders
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from interlock.decision.core.decide import Outcome
from interlock.decision.core.events import Event
from interlock.records.change import Acknowledgement, RoutingChange
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Record
from interlock.runtime.tracing import CHANGE, CHANGES, ROUTE, SHARD, Span, Tracing
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.time import Micros
from interlock.wire.topics import AUDIT, ROUTES
from interlock.wire.trace import NO_TRACE

K = TypeVar("K")
V = TypeVar("V")

EVIDENCE_KEPT = 1_024
"""Records that a later change may name, by shard: verdicts that changed their level, of less than a kilobyte each."""

ORDERED_KEPT = 4_096
"""Traces of orders whose acknowledgements are still looked at."""


class StepTrace:
    """The spans of one step, from the reading of its inputs until its orders are published.

    Attributes:
        audit: What the audit record bears.
        orders: What each order bears, in the order of the step's changes.
    """

    def __init__(
        self, tracing: Tracing, causes: Sequence[Span], changes: Sequence[tuple[RoutingChange, str]], trace: str
    ):
        self._tracing = tracing
        self._causes = causes
        self._changes = changes
        self._sending: list[Span] = []
        self.audit = trace
        self.orders: list[str] = []

    def __enter__(self) -> Self:
        if self._causes:
            first, *others = (cause.trace for cause in self._causes)
            self._sending = [self._tracing.send(AUDIT.name, first, {CHANGES: len(self._changes)}, links=others)]
            self.audit = self._sending[0].trace
        return self

    def appended(self, offset: int) -> None:
        """The audit record stands in the log: its orders are on their way."""
        for span in self._sending:
            span.add({"messaging.kafka.offset": offset})
            span.end()
        self._sending = [
            self._tracing.send(ROUTES.name, cause, {ROUTE: change.route.key, CHANGE: change.id})
            for change, cause in self._changes
        ]
        self.orders = [span.trace for span in self._sending]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fault = kind.__name__ if kind is not None else ""
        for span in (*self._sending, *self._causes):
            span.end(fault)


@dataclass(slots=True)
class Causes:
    """What the step in the making follows from.

    Attributes:
        tracing: Makes the spans.
        shard: Whose step it is.
    """

    tracing: Tracing
    shard: int
    _evidence: dict[bytes, Record] = field(default_factory=dict)
    _ordered: dict[str, None] = field(default_factory=dict)
    _spans: dict[tuple[str, int, int] | None, Span] = field(default_factory=dict)
    _changes: list[tuple[RoutingChange, str]] = field(default_factory=list)
    _trace: str = NO_TRACE

    def note(self, outcome: Outcome, event: Event, record: Record | None, taken: Micros) -> None:
        """Note a decision that the step holds.

        Args:
            outcome: What it came to.
            event: What was decided on.
            record: Where that stood; None: it is time that passed.
            taken: When it was taken in hand.
        """
        if not outcome.to_journal:
            return
        if record is not None and record.trace:
            self._trace = self._trace or record.trace
            if isinstance(event, Verified):
                _keep(self._evidence, event.event_id, record, EVIDENCE_KEPT)
        for change in outcome.changes:
            cause = next((self._evidence[name] for name in change.cause.evidence if name in self._evidence), record)
            trace = self._dealing(cause, taken).trace
            self._changes.append((change, trace))
            if self.tracing.collected:
                _keep(self._ordered, trace[3:35], None, ORDERED_KEPT)

    def heard(self, record: Record, trust: TrustRoot) -> None:
        """End the story of an order: a router's word on it was read. Only a word on an order of this term is looked at."""
        if record.trace[3:35] not in self._ordered:
            return
        opened = open_sealed(record.value, trust, Acknowledgement)
        if not isinstance(opened, Refused):
            said = opened.value
            self.tracing.process(
                record, {SHARD: self.shard, CHANGE: said.change_id, "interlock.router": said.router}
            ).end()

    def step(self) -> StepTrace:
        """Hand over what was noted, and begin anew."""
        traced = StepTrace(self.tracing, list(self._spans.values()), self._changes, self._trace)
        self._spans, self._changes, self._trace = {}, [], NO_TRACE
        return traced

    def _dealing(self, cause: Record | None, taken: Micros) -> Span:
        """The span in which a record is dealt with, until the step's orders are published: one for each record and step."""
        where = (cause.topic, cause.partition, cause.offset) if cause is not None else None
        if where not in self._spans:
            told = {SHARD: self.shard}
            self._spans[where] = (
                self.tracing.span("tick", NO_TRACE, told, began=taken)
                if cause is None
                else self.tracing.process(cause, told, began=taken)
            )
        return self._spans[where]


def _keep(held: dict[K, V], key: K, value: V, most: int) -> None:
    """Keep something, and no more than so many: what was kept longest goes."""
    if len(held) >= most:
        del held[next(iter(held))]
    held[key] = value
