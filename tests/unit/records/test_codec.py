from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.records.change import RoutingChange
from interlock.records.codec import CLASS_OF, TYPE_OF, decode, encode
from interlock.records.documents import RoutePolicy
from interlock.records.health import Cell, TelemetryBatch
from interlock.records.rules import RouteRule, TriggerRule, WatchedTrigger, once
from interlock.testing.builders import Deployment
from interlock.testing.strategies import CLASSES, anything
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire import codec as wire
from interlock.wire.schemas import known_schemas

by_name = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


def test_every_payload_type_has_a_class_of_the_same_name_and_no_class_has_two():
    assert set(CLASS_OF) == set(PayloadType)
    assert all(kind == f"interlock.v1.{record.__name__}" for kind, record in CLASS_OF.items())
    assert {record: kind for kind, record in CLASS_OF.items()} == TYPE_OF


@by_name
@settings(max_examples=25)
@given(st.data())
def test_what_is_encoded_is_decoded_again(kind: Any, data: st.DataObject):
    record = data.draw(anything(kind))
    assert decode(encode(record), kind) == record


@by_name
@settings(max_examples=10)
@given(st.data())
def test_equal_records_have_equal_bytes(kind: Any, data: st.DataObject):
    record = data.draw(anything(kind))
    again = decode(encode(record), kind)
    assert encode(again) == encode(record)


@by_name
@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_whatever_follows_a_genuine_header_the_answer_is_a_record_or_a_reason(kind: Any, body: bytes):
    header = b"\xc3\x01" + known_schemas()[kind.__name__].fingerprint
    assert decode(header + body, kind) in {Reason.UNREADABLE, Reason.OUT_OF_BOUNDS} or isinstance(
        decode(header + body, kind), kind
    )


@by_name
@settings(max_examples=25)
@given(st.data())
def test_a_damaged_record_is_a_record_or_a_reason(kind: Any, data: st.DataObject):
    damaged = bytearray(encode(data.draw(anything(kind))))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(10, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    decoded = decode(bytes(damaged), kind)
    assert isinstance(decoded, kind) or decoded in {Reason.UNREADABLE, Reason.OUT_OF_BOUNDS}


@settings(max_examples=100)
@given(st.binary(max_size=100), st.sampled_from(CLASSES))
def test_no_bytes_make_the_decoder_raise(data: bytes, kind: Any):
    assert isinstance(decode(data, kind), Reason)


def test_a_record_of_another_class_is_unreadable_even_if_its_bytes_would_fit():
    batch = encode(TelemetryBatch("probe-1", "atlas", Micros(1), Micros(2), 1, ()))
    assert [kind.__name__ for kind in CLASSES if decode(batch, kind) is not Reason.UNREADABLE] == ["TelemetryBatch"]


@pytest.mark.parametrize("key", ["", "one", "1.5", "9" * 5_000])
def test_a_latency_bucket_that_is_no_number_is_out_of_bounds(key: str):
    cell = Cell("support", "main", "*", {}, {}, {}, {})
    batch = TelemetryBatch("probe-1", "atlas", Micros(1), Micros(2), 1, (cell,))
    decoded = wire.decode(encode(batch))
    assert isinstance(decoded, wire.Decoded)
    decoded.fields["cells"][0]["latency"] = {key: 1}
    assert decode(wire.encode("TelemetryBatch", decoded.fields), TelemetryBatch) is Reason.OUT_OF_BOUNDS


def rule_of(**fields: Any) -> RouteRule:
    deployment = Deployment()
    policy = deployment.policy_of("support", deployment.rule(["atlas", "birch"], **fields))
    read = decode(encode(policy), RoutePolicy)
    assert isinstance(read, RoutePolicy)
    return read.routes[0]


def test_rules_that_are_equal_are_one_object_however_often_they_are_read():
    first, second, other = rule_of(), rule_of(), rule_of(slot="draft")
    assert first is second
    assert other is not first
    assert other.slot == "draft"


def test_zero_has_one_sign_so_that_equal_rules_are_written_alike():
    minus = (
        TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0)),
        TriggerRule(WatchedTrigger.ERRORS, -0.0, Micros(0)),
    )
    assert [watched.objective for watched in rule_of(triggers=minus).triggers] == ["unavailable", "errors>0"]


def test_rules_whose_hashes_collide_are_kept_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(RouteRule, "__hash__", lambda _: 7)
    assert [rule_of(slot=slot).slot for slot in ("one", "two", "one")] == ["one", "two", "one"]


def test_what_was_worked_out_of_a_rule_goes_with_it():
    rule, worked = rule_of(scope="eu"), []
    for _ in range(3):
        assert once(rule, ("twice", 2), lambda: worked.append(1) or "done") == "done"
    assert worked == [1]
    assert "twice" not in {key[0] for key in replace(rule, scope="us").memo}
    assert rule == replace(rule)


@given(anything(RoutingChange))
def test_a_change_is_encoded_around_its_checks_as_it_is_as_a_whole(change: RoutingChange):
    assert encode(change) == wire.encode("RoutingChange", asdict(change))
