"""What every decoder of the wire owes: an answer for any bytes, one meaning, nothing verified that nobody signed, and no more memory than bytes."""

import tracemalloc
from collections.abc import Callable
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.chance import Dice, damaged
from fuzz.shapes import HEADER_BYTES, vary_record
from fuzz.targets.records import header
from fuzz.targets.world import DEPLOYMENT, genuine, payloads, sealed_seeds
from interlock.records import codec
from interlock.records.codec import CLASS_OF
from interlock.records.sealing import decode_envelope, encode_envelope, open_sealed
from interlock.signing.envelope import Envelope, event_id
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.reasons import Reason
from interlock.wire.codec import decode, encode
from interlock.wire.schemas import known_schemas

KINDS = tuple(CLASS_OF.values())
SEALED = sealed_seeds()
dices = st.integers(0, 2**64 - 1).map(Dice)
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def envelope_of(sealed: bytes) -> Envelope:
    envelope = decode_envelope(sealed)
    assert isinstance(envelope, Envelope)
    return envelope


SIGNED = {event_id(envelope_of(sealed).payload_type, envelope_of(sealed).payload) for sealed in SEALED}


def believed(sealed: bytes | None) -> Verified[Any] | Refused:
    """What a reader makes of a record, who would take any kind of it."""
    opened = open_sealed(sealed, DEPLOYMENT.root, *KINDS)
    assert isinstance(opened, Verified | Refused)
    if isinstance(opened, Verified):
        assert opened.event_id in SIGNED, "nobody signed that"
    else:
        assert isinstance(opened.reason, Reason)
    return opened


def test_the_genuine_records_are_verified_one_of_each_class_at_least():
    assert {type(opened.value) for opened in map(believed, SEALED) if isinstance(opened, Verified)} == set(KINDS)


@settings(max_examples=400)
@given(st.binary(max_size=300))
def test_bytes_of_chance_are_refused(data: bytes):
    assert isinstance(believed(data), Refused)


@pytest.mark.parametrize("change", [damaged, vary_record], ids=["damaged", "changed along the schema"])
@settings(max_examples=400)
@given(sealed=st.sampled_from(SEALED), dice=dices)
def test_nothing_that_was_changed_is_verified_as_something_that_nobody_signed(
    change: Callable[[bytes, Dice], bytes], sealed: bytes, dice: Dice
):
    believed(change(sealed, dice))


@settings(max_examples=200)
@given(st.sampled_from(SEALED), st.data())
def test_a_bit_of_the_payload_or_of_the_signature_that_flips_is_a_refusal(sealed: bytes, data: st.DataObject):
    envelope = envelope_of(sealed)
    part = data.draw(st.sampled_from([envelope.payload, *(signature.sig for signature in envelope.signatures)]))
    at = sealed.index(part) + data.draw(st.integers(0, len(part) - 1))
    flipped = bytearray(sealed)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    assert believed(bytes(flipped)) in {Refused(Reason.BAD_SIGNATURE, said) for said in _owners()}


def _owners() -> list[str]:
    return [f"key of {key.owner}" for key in DEPLOYMENT.root.keys]


@settings(max_examples=200)
@given(st.sampled_from(SEALED), st.sampled_from(SEALED), st.data())
def test_the_head_of_one_record_and_the_tail_of_another_are_no_third_one(
    first: bytes, second: bytes, data: st.DataObject
):
    cut, end = data.draw(st.integers(0, len(first))), data.draw(st.integers(0, len(second)))
    believed(first[:cut] + second[end:])


@settings(max_examples=100)
@given(st.sampled_from(SEALED), st.sampled_from(SEALED))
def test_the_signatures_of_one_record_do_not_hold_for_another(first: bytes, second: bytes):
    mine, other = envelope_of(first), envelope_of(second)
    swapped = [
        Envelope(mine.payload_type, mine.payload, other.signatures),
        Envelope(other.payload_type, mine.payload, mine.signatures),
    ]
    for envelope in swapped:
        opened = believed(encode_envelope(envelope))
        assert isinstance(opened, Refused) or envelope in {mine, other}


@settings(max_examples=100)
@given(st.sampled_from(SEALED), st.data())
def test_a_record_that_is_cut_off_or_goes_on_is_refused(sealed: bytes, data: st.DataObject):
    assert isinstance(believed(sealed[: data.draw(st.integers(0, len(sealed) - 1))]), Refused)
    assert believed(sealed + data.draw(st.binary(min_size=1, max_size=20))).reason is Reason.NOT_AN_ENVELOPE


@by_kind
@settings(max_examples=60)
@given(dice=dices)
def test_a_payload_that_says_anything_is_a_record_that_can_be_written_again_or_a_reason(kind: type[Any], dice: Dice):
    payload = dice.one_of([codec.encode(record) for record in genuine()[kind.__name__]])
    for _ in range(1 + dice.below(3)):
        payload = vary_record(payload, dice)
    found = codec.decode(payload, kind)
    assert found in {Reason.UNREADABLE, Reason.OUT_OF_BOUNDS} if isinstance(found, Reason) else isinstance(found, kind)
    if not isinstance(found, Reason):
        assert codec.decode(codec.encode(found), kind) == found


@by_kind
def test_a_payload_is_read_as_its_own_class_and_as_no_other(kind: type[Any]):
    payload = codec.encode(genuine()[kind.__name__][0])
    assert {other for other in KINDS if not isinstance(codec.decode(payload, other), Reason)} == {kind}


class Speller:
    """Writes a datum as Avro allows, but as no writer of ours would: long numbers, arrays and maps in counted blocks of one item."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def spell(self, schema: Any, value: Any) -> bytes:
        kind = schema["type"] if isinstance(schema, dict) else schema
        match kind:
            case list():
                branch = (
                    kind.index("null") if value is None else next(i for i, part in enumerate(kind) if part != "null")
                )
                return self._number(branch) + self.spell(kind[branch], value)
            case dict():
                return self.spell(kind, value)
            case "record":
                return b"".join(self.spell(field["type"], value[field["name"]]) for field in schema["fields"])
            case "array":
                return self._blocks([self.spell(schema["items"], item) for item in value])
            case "map":
                pairs = value.items()
                return self._blocks(
                    [self.spell("string", name) + self.spell(schema["values"], item) for name, item in pairs]
                )
            case "enum":
                return self._number(schema["symbols"].index(value))
            case "int" | "long":
                return self._number(value)
            case "string" | "bytes":
                raw = value.encode() if isinstance(value, str) else value
                return self._number(len(raw)) + raw
        out = BytesIO()
        fastavro.schemaless_writer(out, schema, value)
        return out.getvalue()

    def _number(self, value: int) -> bytes:
        zigzag = value << 1 if value >= 0 else (-value << 1) - 1
        digits = [zigzag & 0x7F]
        while zigzag := zigzag >> 7:
            digits.append(zigzag & 0x7F)
        digits += [0] * self._dice.below(10 - len(digits) + 1)
        return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])

    def _blocks(self, items: list[bytes]) -> bytes:
        blocks = [
            self._number(-1) + self._number(len(item)) + item if self._dice.once_in(2) else self._number(1) + item
            for item in items
        ]
        return b"".join(blocks) + self._number(0)


def respelled(data: bytes, dice: Dice) -> bytes:
    """Other bytes that mean the same."""
    decoded = decode(data)
    assert not isinstance(decoded, Reason)
    schema = known_schemas()[decoded.name].raw
    return data[:HEADER_BYTES] + Speller(dice).spell(schema, decoded.fields)


@settings(max_examples=200)
@given(st.sampled_from(SEALED), dices)
def test_an_envelope_in_another_spelling_is_the_same_record_with_the_same_identity(sealed: bytes, dice: Dice):
    """The bytes around what is signed are malleable, and nothing is known by them."""
    other = respelled(sealed, dice)
    first, second = believed(sealed), believed(other)
    assert envelope_of(other) == envelope_of(sealed)
    assert isinstance(first, Verified)
    assert first == second
    assert first.value == second.value


@settings(max_examples=200)
@given(st.sampled_from(SEALED), dices)
def test_a_payload_in_another_spelling_means_the_same_and_is_not_signed(sealed: bytes, dice: Dice):
    """Identity is of the signed bytes: who would spell them anew needs the key, and then it is another record."""
    envelope = envelope_of(sealed)
    payload = respelled(envelope.payload, dice)
    assert decode(payload) == decode(envelope.payload)
    opened = believed(encode_envelope(Envelope(envelope.payload_type, payload, envelope.signatures)))
    assert isinstance(opened, Verified) == (payload == envelope.payload)


def _claims() -> list[tuple[str, bytes]]:
    """Data that claim far more than there is: for each class its genuine datum with one length after the other made huge."""
    huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    found = []
    for name in known_schemas():
        datum = payloads(name)[0][HEADER_BYTES:] if name in genuine() else b""
        found += [(name, datum[:cut] + huge + datum[cut:]) for cut in range(0, min(len(datum), 300) + 1, 3)]
    return found


def peak_of(work: Callable[[], Any]) -> int:
    """The most memory that a piece of work held at one time, bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_length_that_is_claimed_costs_no_memory():
    claims = [header(name) + datum for name, datum in _claims()]
    longest = max(map(len, claims))
    list(map(decode, claims[:50]))
    assert peak_of(lambda: [decode(claim) and None for claim in claims]) < 200 * longest


def least_bytes(schema: Any) -> int:
    """How few bytes a value of a schema takes."""
    kind = schema["type"] if isinstance(schema, dict) else schema
    match kind:
        case list():
            return 1 + min(least_bytes(branch) for branch in kind)
        case dict():
            return least_bytes(kind)
        case "record":
            return sum(least_bytes(field["type"]) for field in schema["fields"])
        case "null":
            return 0
        case "float":
            return 4
        case "double":
            return 8
    return 1


def repeated(schema: Any) -> list[Any]:
    """The schemas of everything that stands in an array or a map."""
    if isinstance(schema, list):
        return [found for part in schema for found in repeated(part)]
    if not isinstance(schema, dict):
        return []
    inner = [schema[name] for name in ("items", "values") if name in schema]
    fields = [field["type"] for field in schema.get("fields", [])]
    below = [schema["type"]] if isinstance(schema["type"], dict | list) else []
    return inner + [found for part in (*inner, *fields, *below) for found in repeated(part)]


@pytest.mark.parametrize("name", sorted(known_schemas()))
def test_nothing_that_is_repeated_takes_no_bytes(name: str):
    """Otherwise a few bytes could claim, and truly hold, items without end: the one bomb that Avro has."""
    assert all(least_bytes(items) >= 1 for items in repeated(known_schemas()[name].raw))


def test_some_schema_repeats_something():
    assert any(repeated(schema.raw) for schema in known_schemas().values())


@settings(max_examples=50)
@given(st.sampled_from(SEALED))
def test_what_was_decoded_is_encoded_as_the_same_bytes(sealed: bytes):
    envelope = envelope_of(sealed)
    decoded = decode(envelope.payload)
    assert not isinstance(decoded, Reason)
    assert encode(decoded.name, decoded.fields) == envelope.payload
    assert encode_envelope(envelope) == sealed
