import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.vocabulary.reasons import Reason
from interlock.wire.codec import Decoded, decode, encode
from interlock.wire.schemas import by_fingerprint, known_schemas

ENTRY = {"level": "healthy", "since": 5, "against_since": 0, "detail": "fine", "event_id": b"\x01"}
DATA = encode("VerdictEntry", ENTRY)
HEADER = DATA[:10]


def test_what_is_encoded_is_decoded_again():
    assert decode(DATA) == Decoded("VerdictEntry", ENTRY)


def test_the_bytes_are_magic_then_fingerprint_then_datum():
    assert b"\xc3\x01" + known_schemas()["VerdictEntry"].fingerprint == HEADER
    assert DATA[10:] == b"\x02" + b"\x0a" + b"\x00" + b"\x08fine" + b"\x02\x01"


def test_empty():
    assert decode(b"") is Reason.EMPTY


@pytest.mark.parametrize("cut", range(1, len(DATA)))
def test_unreadable_if_cut_anywhere(cut: int):
    assert decode(DATA[:cut]) is Reason.UNREADABLE


@pytest.mark.parametrize("more", [b"\0", DATA])
def test_unreadable_if_anything_follows(more: bytes):
    assert decode(DATA + more) is Reason.UNREADABLE


@pytest.mark.parametrize("magic", [b"\xc3\x02", b"\x01\xc3", b"\0\0", b"{}"])
def test_unreadable_if_it_does_not_begin_as_single_object_encoding(magic: bytes):
    assert decode(magic + DATA[2:]) is Reason.UNREADABLE


@pytest.mark.parametrize("fingerprint", [bytes(8), b"\xff" * 8, HEADER[:1:-1]])
def test_unknown_fingerprint(fingerprint: bytes):
    assert decode(b"\xc3\x01" + fingerprint + DATA[10:]) is Reason.UNKNOWN_FINGERPRINT


@pytest.mark.parametrize(
    "datum",
    [
        b"\x08\x0a\x00\x00",  # a symbol that the enum does not have
        b"\x02\x0a\x02\xff\x00",  # text that is not UTF-8
        b"\x02\x0a\x01\x00",  # a text of negative length
        b"\x02\x0a\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01x",  # a text of 2**62 bytes
        b"\x80" * 40,  # an integer that does not end
    ],
)
def test_unreadable_if_the_datum_does_not_fit_its_schema(datum: bytes):
    assert decode(HEADER + datum) is Reason.UNREADABLE


def test_a_list_that_claims_more_items_than_there_are_bytes_is_unreadable_and_takes_no_time():
    header = b"\xc3\x01" + known_schemas()["Envelope"].fingerprint
    assert decode(header + b"\0\0" + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01") is Reason.UNREADABLE


@settings(max_examples=200)
@given(st.binary(max_size=120))
def test_no_bytes_make_it_raise(data: bytes):
    assert isinstance(decode(data), Reason)


@pytest.mark.parametrize("name", sorted(known_schemas()))
@settings(max_examples=60)
@given(st.binary(max_size=120))
def test_no_bytes_behind_a_genuine_header_make_it_raise(name: str, body: bytes):
    decoded = decode(b"\xc3\x01" + known_schemas()[name].fingerprint + body)
    assert decoded is Reason.UNREADABLE or (isinstance(decoded, Decoded) and decoded.name == name)


def test_no_two_schemas_share_a_fingerprint():
    assert len(by_fingerprint()) == len(known_schemas())
    assert all(len(fingerprint) == 8 for fingerprint in by_fingerprint())
