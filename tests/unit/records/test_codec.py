from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.records.codec import CLASS_OF, TYPE_OF, decode, encode
from interlock.records.health import Cell, TelemetryBatch
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
