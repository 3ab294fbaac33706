"""Spans: what follows from what, what records bear, and that nothing is kept where nobody collects."""

import pytest
from opentelemetry.semconv._incubating.attributes import messaging_attributes as semconv
from opentelemetry.trace import SpanKind

from interlock.runtime.bus import Record
from interlock.runtime.tracing import CHANGE, MODEL, UNTRACED, Span, Tracing
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import Micros, Reading
from interlock.wire.topics import ROUTES, VERDICTS
from interlock.wire.trace import NO_TRACE, known

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HOSTILE = "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-00"


class Ticking:
    """A clock that goes on by a microsecond whenever it is read."""

    def __init__(self):
        self.reads = 0

    def now(self):
        self.reads += 1
        return Reading(Micros(self.reads), Micros(self.reads))


class Kept(list[Span]):
    def put(self, span: Span) -> None:
        self.append(span)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def tracing(kept: Kept) -> Tracing:
    return Tracing(Ticking(), kept)


def record(trace: str) -> Record:
    return Record(ROUTES.name, 3, 7, b"key", b"value", 0, trace)


def test_a_span_is_in_its_parents_trace_and_has_an_id_of_its_own(tracing: Tracing, kept: Kept):
    with tracing.send(VERDICTS.name, PARENT, {MODEL: "atlas"}) as span:
        assert known(span.trace)
        assert span.trace[3:35] == PARENT[3:35]
        assert span.trace[36:52] != PARENT[36:52]
        assert kept == []
    assert kept == [span]
    assert (span.name, span.kind, span.parent, span.fault) == (
        f"send {VERDICTS.name}",
        SpanKind.PRODUCER,
        PARENT,
        "",
    )
    assert (span.began, span.ended) == (1, 2)


@pytest.mark.parametrize("collected", [True, False])
def test_without_a_parent_a_trace_begins_that_nobody_else_has(tracing: Tracing, collected: bool):
    mine = tracing if collected else UNTRACED
    first, second = mine.span("tick"), mine.span("tick")
    assert known(first.trace)
    assert known(second.trace)
    assert first.trace[3:35] != second.trace[3:35]
    assert first.parent == NO_TRACE


def test_where_nobody_collects_a_trace_goes_out_as_it_came_in_and_no_clock_is_read():
    silent = Tracing(None)
    with silent.process(record(HOSTILE), {}) as span, silent.send(VERDICTS.name, span.trace, {}) as sent:
        assert sent.trace == HOSTILE
    assert not silent.collected


def test_flags_that_ask_for_silence_silence_nobody(tracing: Tracing, kept: Kept):
    with tracing.process(record(HOSTILE), {}) as span:
        assert span.trace.endswith("-01")
    assert [each.parent for each in kept] == [HOSTILE]


def test_attributes_are_those_of_the_semantic_conventions(tracing: Tracing):
    told = tracing.process(record(PARENT), {MODEL: "atlas"}).attributes
    assert told == {
        semconv.MESSAGING_SYSTEM: "kafka",
        semconv.MESSAGING_OPERATION_NAME: "process",
        semconv.MESSAGING_OPERATION_TYPE: "process",
        semconv.MESSAGING_DESTINATION_NAME: ROUTES.name,
        semconv.MESSAGING_DESTINATION_PARTITION_ID: "3",
        semconv.MESSAGING_KAFKA_OFFSET: 7,
        MODEL: "atlas",
    }


def test_what_goes_wrong_is_named_by_its_kind_alone(tracing: Tracing, kept: Kept):
    with pytest.raises(ValueError, match="secret"), tracing.span("work"):
        raise ValueError("secret")
    assert [span.fault for span in kept] == ["ValueError"]


def test_a_fault_that_was_told_stays_and_more_can_be_told_while_the_work_goes_on(tracing: Tracing, kept: Kept):
    with tracing.span("POST", PARENT, {"a": 1}, links=[HOSTILE]) as span:
        span.add({"b": 2})
        span.fault = "it answered 500"
    assert [(each.attributes, each.fault, each.links) for each in kept] == [
        ({"a": 1, "b": 2}, "it answered 500", (HOSTILE,))
    ]


def test_of_a_name_that_somebody_made_very_long_only_the_beginning_is_kept(tracing: Tracing, kept: Kept):
    with tracing.process(record(PARENT), {CHANGE: "c" * 600_000}) as span:
        span.add({MODEL: "m" * 600_000})
    assert [len(kept[0].attributes[name]) for name in (CHANGE, MODEL)] == [TEXT_CHARS_MAX] * 2
    assert kept[0].attributes["messaging.kafka.offset"] == 7
