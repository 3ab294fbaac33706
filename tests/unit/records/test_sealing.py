import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.records.codec import TYPE_OF, encode
from interlock.records.commands import Command
from interlock.records.documents import Denial
from interlock.records.sealing import decode_envelope, encode_envelope, event_id_of, open_sealed, seal
from interlock.signing.envelope import Envelope, Signature
from interlock.signing.keys import sign
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, Deployment, key_of
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX
from interlock.vocabulary.reasons import Reason
from interlock.wire import codec as wire

DEPLOYMENT = Deployment()
TRUST = DEPLOYMENT.root
DENIAL = Denial("d-1", "atlas", "unsafe", NOW)
SEALED = DEPLOYMENT.seal(DENIAL, "sam")


def reason(sealed: bytes | None) -> Reason | None:
    opened = open_sealed(sealed, TRUST, Denial)
    return opened.reason if isinstance(opened, Refused) else None


def test_what_is_sealed_is_opened_again():
    opened = open_sealed(SEALED, TRUST, Denial)
    assert isinstance(opened, Verified)
    assert (opened.value, opened.signers, opened.event_id) == (DENIAL, {"sam"}, event_id_of(DENIAL))


def test_a_crowd_of_empty_signatures_is_refused_before_any_is_read(monkeypatch):
    def crowd(kind: bytes, payload: bytes) -> bytes:
        return wire.header("Envelope") + kind + payload + b"\x80\xd1\x2f" + bytes(2 * 390_000)

    text = b"\x02x"
    assert isinstance(decode_envelope(encode_envelope(Envelope("x", bytes(700_000), ()))), Envelope)
    monkeypatch.setattr(wire, "decode", lambda _: Reason.UNREADABLE)  # what reads the signatures, too
    assert decode_envelope(crowd(text, text)) is Reason.TOO_MANY_SIGNATURES
    for length in (b"\xff" * 9 + b"\x01", b"\x01", b"\xff" * 700, b"\xfe" + b"\xff" * 8 + b"\x01"):
        assert decode_envelope(crowd(text, length)) is Reason.NOT_AN_ENVELOPE
        assert decode_envelope(crowd(length, text)) is Reason.NOT_AN_ENVELOPE


def test_the_identity_of_a_record_is_known_before_it_is_signed():
    payload = encode(DENIAL)
    kind = b"interlock.v1.Denial"
    assert event_id_of(DENIAL) == hashlib.sha256(b"DSSEv1 19 %s %d %s" % (kind, len(payload), payload)).digest()


@pytest.mark.parametrize("nothing", [None, b""])
def test_a_tombstone_is_empty(nothing: bytes | None):
    assert reason(nothing) is Reason.EMPTY


def test_too_large_is_one_byte_above_the_limit():
    overhead = len(encode_envelope(Envelope("", bytes(ENVELOPE_BYTES_MAX // 2), ()))) - ENVELOPE_BYTES_MAX // 2
    largest = encode_envelope(Envelope("", bytes(ENVELOPE_BYTES_MAX - overhead), ()))
    assert len(largest) == ENVELOPE_BYTES_MAX
    assert reason(largest) is Reason.NO_SIGNATURE
    assert reason(largest + b"\0") is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "sealed",
    [b"\0", b"{}", SEALED[:-1], SEALED + b"\0", SEALED[:10], encode(DENIAL)],
    ids=["one byte", "json", "cut", "longer", "header", "unsigned record"],
)
def test_not_an_envelope(sealed: bytes):
    assert reason(sealed) is Reason.NOT_AN_ENVELOPE


def test_unknown_fingerprint_of_the_envelope():
    assert reason(SEALED[:2] + bytes(8) + SEALED[10:]) is Reason.UNKNOWN_FINGERPRINT


def test_unknown_fingerprint_of_the_payload():
    payload = encode(DENIAL)
    renamed = sign(TYPE_OF[Denial], payload[:2] + bytes(8) + payload[10:], key_of("sam"))
    assert reason(encode_envelope(renamed)) is Reason.UNKNOWN_FINGERPRINT


def test_unreadable_is_a_payload_of_another_class_than_its_type_says():
    command = DEPLOYMENT.seal(DENIAL, "sam")
    assert reason(command) is None
    mislabelled = sign(TYPE_OF[Denial], encode(TRUST), key_of("sam"))
    assert reason(encode_envelope(mislabelled)) is Reason.UNREADABLE


def test_out_of_bounds_is_a_signed_record_with_a_value_beyond_its_limits():
    decoded = wire.decode(encode(DENIAL))
    assert isinstance(decoded, wire.Decoded)
    payload = wire.encode("Denial", {**decoded.fields, "model": "*"})
    assert reason(encode_envelope(sign(TYPE_OF[Denial], payload, key_of("sam")))) is Reason.OUT_OF_BOUNDS


def test_only_what_is_expected_may_stand_there():
    opened = open_sealed(SEALED, TRUST, Command)
    assert opened == Refused(Reason.UNEXPECTED_PAYLOAD_TYPE, "interlock.v1.Denial")
    assert isinstance(open_sealed(SEALED, TRUST, Command, Denial), Verified)


def test_an_envelope_survives_its_bytes():
    envelope = Envelope("any type", b"any payload", (Signature("any id", b"any"), Signature("", b"")))
    assert decode_envelope(encode_envelope(envelope)) == envelope


def test_sealing_with_several_keys_puts_every_signature_in():
    envelope = decode_envelope(seal(DENIAL, key_of("sam"), key_of("olga")))
    assert isinstance(envelope, Envelope)
    assert [signature.keyid for signature in envelope.signatures] == [key_of("sam").keyid, key_of("olga").keyid]


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_no_bytes_make_opening_raise(sealed: bytes):
    assert isinstance(open_sealed(sealed, TRUST, Denial), Refused)
    assert isinstance(open_sealed(SEALED[:10] + sealed, TRUST, Denial), Refused)


@settings(max_examples=150)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_damaged_record_is_refused_or_says_exactly_what_was_signed(place: int, change: int):
    damaged = bytearray(SEALED)
    damaged[place] ^= change
    opened: Any = open_sealed(bytes(damaged), TRUST, Denial)
    assert isinstance(opened, Refused) or (opened.value, opened.event_id) == (DENIAL, event_id_of(DENIAL))
