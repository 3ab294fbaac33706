"""What a step follows from, as traces tell it."""

from dataclasses import replace

import pytest

from interlock.decision import causes as module
from interlock.decision.causes import Causes
from interlock.decision.core.decide import Outcome
from interlock.decision.core.events import Tick
from interlock.records.audit import Entry
from interlock.records.change import AckKind, Acknowledgement, Cause, Trigger
from interlock.records.documents import Denial
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Record
from interlock.runtime.clock import SystemClock
from interlock.runtime.tracing import CHANGES, UNTRACED, Tracing
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.time import Micros
from interlock.wire.topics import ACKS, AUDIT, POLICIES, ROUTES

DEPLOYMENT = Deployment()
TICK = Tick()
TAKEN = Micros(NOW)


class Spans(list):
    put = list.append

    def named(self, name):
        return [span for span in self if span.name == name]


@pytest.fixture
def spans():
    return Spans()


@pytest.fixture
def causes(spans):
    return Causes(Tracing(SystemClock(), spans), 2)


def trace(number):
    return f"00-{number:032x}-{number:016x}-01"


def record(number, topic=POLICIES.name, value=b""):
    return Record(topic, 0, number, b"key", value, NOW // 1_000, trace(number))


def event(number):
    """A verified record, and its identity."""
    opened = open_sealed(DEPLOYMENT.seal(Denial(f"d{number}", "atlas", "a leak", NOW), "sam"), DEPLOYMENT.root, Denial)
    return opened, opened.event_id


def outcome(*evidence):
    """An outcome with one change for each cause's evidence; b"": a cause that names none."""
    changes = tuple(
        replace(
            DEPLOYMENT.change(version=number),
            cause=Cause(Trigger.UNAVAILABLE, "atlas", "", (each,) if each else ()),
        )
        for number, each in enumerate(evidence, start=1)
    )
    return Outcome(None, (Entry("verdict/atlas", b""),), changes)


def id_of(told):
    return told[3:35]


def test_a_step_without_changes_passes_on_the_trace_of_its_first_input_and_has_no_span(causes, spans):
    for number in (5, 6):
        causes.note(outcome(), event(number)[0], record(number), TAKEN)
    with causes.step() as traced:
        assert (traced.audit, traced.orders) == (trace(5), [])
    assert spans == []


def test_a_decision_that_is_not_journalled_leaves_nothing(causes):
    causes.note(Outcome(None), event(5)[0], record(5), TAKEN)
    with causes.step() as traced:
        assert traced.audit == ""


def test_each_order_bears_the_trace_of_its_cause_and_the_log_that_of_the_first_linked_to_the_others(causes, spans):
    causes.note(outcome(b""), event(5)[0], record(5), TAKEN)
    causes.note(outcome(b"", b""), event(6)[0], record(6), TAKEN)
    with causes.step() as traced:
        assert id_of(traced.audit) == id_of(trace(5))
        traced.appended(77)
        assert [id_of(each) for each in traced.orders] == [id_of(trace(number)) for number in (5, 6, 6)]
    (logged,) = spans.named(f"send {AUDIT.name}")
    first, second = spans.named(f"process {POLICIES.name}")
    assert (first.parent, second.parent) == (trace(5), trace(6))
    assert (logged.parent, logged.links) == (first.trace, (second.trace,))
    assert (logged.attributes[CHANGES], logged.attributes["messaging.kafka.offset"]) == (3, 77)
    assert [span.parent for span in spans.named(f"send {ROUTES.name}")] == [first.trace, second.trace, second.trace]


def test_what_time_brings_follows_from_the_record_that_it_names(causes, spans):
    said, name = event(5)
    causes.note(outcome(), said, record(5), TAKEN)
    with causes.step():
        pass
    causes.note(outcome(name, b"unheard of"), TICK, None, TAKEN)
    with causes.step() as traced:
        traced.appended(78)
        named, unnamed = traced.orders
    assert id_of(named) == id_of(trace(5))
    assert id_of(unnamed) != id_of(trace(5))
    (waited,), (tick,) = spans.named(f"process {POLICIES.name}"), spans.named("tick")
    assert (waited.parent, waited.attributes["messaging.kafka.offset"]) == (trace(5), 5)
    assert tick.parent == ""


def test_a_step_that_fails_says_so_and_the_next_one_begins_anew(causes, spans):
    causes.note(outcome(b""), event(5)[0], record(5), TAKEN)
    with pytest.raises(RuntimeError), causes.step():
        raise RuntimeError
    assert {span.fault for span in spans} == {"RuntimeError"}
    with causes.step() as traced:
        assert (traced.audit, traced.orders) == ("", [])


def test_no_more_is_kept_than_a_fixed_number_of_records(causes, monkeypatch):
    monkeypatch.setattr(module, "EVIDENCE_KEPT", 3)
    monkeypatch.setattr(module, "ORDERED_KEPT", 3)
    for number in range(10, 20):
        causes.note(outcome(b""), event(number)[0], record(number), TAKEN)
    assert [each.offset for each in causes._evidence.values()] == [17, 18, 19]
    assert len(causes._ordered) == 3


def acknowledged(number, by="gateway-1"):
    word = Acknowledgement("gateway-1", AckKind.ACK, "support/main/*@1.0.1", bytes(32), "", NOW)
    return record(number, ACKS.name, DEPLOYMENT.seal(word, by))


def test_a_routers_word_ends_the_story_of_an_order_and_of_nothing_else(causes, spans):
    causes.note(outcome(b""), event(5)[0], record(5), TAKEN)
    with causes.step():
        pass
    spans.clear()
    causes.heard(acknowledged(6), DEPLOYMENT.root)
    causes.heard(acknowledged(5, by="stranger"), DEPLOYMENT.root)
    causes.heard(record(5, ACKS.name, b"anything"), DEPLOYMENT.root)
    assert spans == []
    causes.heard(acknowledged(5), DEPLOYMENT.root)
    assert [(span.name, span.parent) for span in spans] == [(f"process {ACKS.name}", trace(5))]


def test_where_nobody_collects_orders_bear_the_trace_as_it_came(spans):
    silent = Causes(UNTRACED, 2)
    silent.note(outcome(b""), event(5)[0], record(5), TAKEN)
    with silent.step() as traced:
        traced.appended(1)
        assert (traced.audit, traced.orders) == (trace(5), [trace(5)])
    assert silent._ordered == {}
