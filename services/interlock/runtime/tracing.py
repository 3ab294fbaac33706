"""Spans: which piece of work followed from which, so that one trace tells a change's whole story.

A trace begins with a batch of telemetry and goes on in the header of every record that follows from it (`interlock.wire.trace`). The
rules:

1. A trace is for people who look. Nothing is decided by it, it stands in no record's value, and a header that somebody made up changes
   the picture and nothing else.
2. What a span tells are names that policy or the protocol gave: topics, offsets, routes, models, ids of changes. Never what was asked of
   a model, nor what it answered.
3. The work does not wait for the picture: a span that ends is put on a queue (`span_export`), and all that costs more is done elsewhere.
4. Where nobody collects, no span is kept: a trace that came in goes out as it is, and one that would begin here begins all the same,
   so that the headers of one story have one trace everywhere.

    with tracing.send(VERDICTS.name, record.trace, {MODEL: verdict.model}) as span:
        await publisher.publish(VERDICTS.name, verdict.key, sealed, trace=span.trace)

Names and attributes are those of OpenTelemetry's semantic conventions for messaging.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Final, Protocol, Self

from opentelemetry.trace import SpanKind

from interlock.runtime.bus import Record
from interlock.runtime.clock import Clock
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import NEVER, Micros
from interlock.wire.trace import NO_TRACE

ROUTE: Final = "interlock.route"
CHANGE: Final = "interlock.change"
CHANGES: Final = "interlock.changes"
MODEL: Final = "interlock.model"
OBJECTIVE: Final = "interlock.objective"
LEVEL: Final = "interlock.level"
SHARD: Final = "interlock.shard"
REASON: Final = "interlock.reason"

Attributes = Mapping[str, str | int]
NOTHING: Final[Attributes] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Span:
    """A piece of work: a context manager, or ended by `end`. Made by `Tracing`.

    Attributes:
        name: What is done: the operation, and the topic where there is one.
        kind: Whether it takes a record, makes one, or neither.
        trace: Its own `traceparent`: what a record that follows from it bears.
        parent: That of the span it follows from; empty: it is the first of its trace.
        attributes: What it is about.
        began: When, civil time; and `ended`.
        links: Further spans that it follows from.
        fault: What went wrong; empty: nothing.
    """

    name: str
    kind: SpanKind
    trace: str
    parent: str
    attributes: Attributes
    began: Micros
    ended: Micros = NEVER
    links: tuple[str, ...] = ()
    fault: str = ""
    _tracing: "Tracing | None" = field(default=None, repr=False)

    def add(self, attributes: Attributes) -> None:
        """Say more of what it is about."""
        self.attributes = {**self.attributes, **attributes}

    def end(self, fault: str = "") -> None:
        """It is done."""
        if self._tracing is not None:
            self.fault = fault or self.fault
            self._tracing.finish(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(kind.__name__ if kind is not None else "")


class Sink(Protocol):
    """Where spans go that have ended."""

    def put(self, span: Span) -> None:
        """Take a span. Never waits, never raises."""
        ...


class Tracing:
    """Makes the spans of one service.

    Args:
        clock: Says when they begin and end; not asked where nobody collects.
        sink: Where they go; None: nobody collects.
    """

    def __init__(self, clock: Clock | None = None, sink: Sink | None = None) -> None:
        assert sink is None or clock is not None, "spans that are collected have times"
        self._clock = clock
        self._sink = sink

    @property
    def collected(self) -> bool:
        """Whether anybody collects, so that it is worth while to look for more to tell."""
        return self._sink is not None

    def of(self, trace: str) -> "Tracing":
        """The spans of what belongs to a story; what belongs to none gets no span, or after a start each route would have one."""
        return self if trace else UNTRACED

    def span(  # noqa: PLR0913 - those beyond the third are given by name
        self,
        name: str,
        parent: str = NO_TRACE,
        attributes: Attributes = NOTHING,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        began: Micros | None = None,
        links: Iterable[str] = (),
    ) -> Span:
        """Begin a piece of work.

        Args:
            name: What is done.
            parent: The trace that it follows from; a new one begins if there is none.
            attributes: What it is about.
            kind: Whether it takes a record, makes one, or neither.
            began: When it began, if not now.
            links: What else it follows from.
        """
        if self._sink is None:
            return _unseen(parent)
        when = self._now() if began is None else began
        return Span(name, kind, _child_of(parent), parent, attributes, when, links=tuple(links), _tracing=self)

    def send(self, topic: str, parent: str, attributes: Attributes, *, links: Iterable[str] = ()) -> Span:
        """Begin to publish a record, which bears the span's trace."""
        if self._sink is None:
            return _unseen(parent)
        told = {**_messaging("send", topic), **attributes}
        return self.span(f"send {topic}", parent, told, kind=SpanKind.PRODUCER, links=links)

    def process(self, record: Record, attributes: Attributes, *, began: Micros | None = None) -> Span:
        """Begin to deal with a record; it follows from the span that sent it."""
        if self._sink is None:
            return _unseen(record.trace)
        told = {**_messaging("process", record.topic), **_place(record), **attributes}
        return self.span(f"process {record.topic}", record.trace, told, kind=SpanKind.CONSUMER, began=began)

    def finish(self, span: Span) -> None:
        """Hand on a span whose work is done."""
        if self._sink is not None:
            span.ended = self._now()
            span.attributes = {name: _short(told) for name, told in span.attributes.items()}
            self._sink.put(span)

    def _now(self) -> Micros:
        assert self._clock is not None
        return self._clock.now().wall


UNTRACED: Final = Tracing()
"""Of a service whose spans nobody collects."""


def _messaging(operation: str, topic: str) -> dict[str, str | int]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }


def _short(told: str | int) -> str | int:
    """The beginning of a text is enough: who can sign a change may give it any name, and spans wait in thousands."""
    return told[:TEXT_CHARS_MAX] if isinstance(told, str) else told


def _place(record: Record) -> dict[str, str | int]:
    return {"messaging.destination.partition.id": str(record.partition), "messaging.kafka.offset": record.offset}


def _child_of(parent: str) -> str:
    """The `traceparent` of a new span: in its parent's trace, or in a new one. It is recorded, and its flags say so."""
    chance = os.urandom(24).hex()
    return f"00-{parent[3:35] if parent else chance[:32]}-{chance[32:]}-01"


def _unseen(parent: str) -> Span:
    """Work that nobody looks at. It passes the trace on, or begins one, though nobody records its first span."""
    if parent:
        return Span("", SpanKind.INTERNAL, parent, parent, NOTHING, NEVER)
    chance = os.urandom(24).hex()
    return Span("", SpanKind.INTERNAL, f"00-{chance[:32]}-{chance[32:]}-00", NO_TRACE, NOTHING, NEVER)
