"""Sealing and opening: the two ends of every topic.

`seal` makes the bytes that go on a topic; `open_sealed` is the only way back, and gives a `Verified` record or a reason.
"""

from itertools import count
from typing import Any, TypeVar

from interlock.records import codec
from interlock.signing.envelope import Envelope, Signature, event_id
from interlock.signing.keys import SigningKey, sign
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified, verify
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX, SIGNATURES_MAX
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason
from interlock.wire import codec as wire
from interlock.wire.codec import HEADER_BYTES, header

T = TypeVar("T", bound=Statement)

_SIGNATURES_BYTES_MAX = 256 * SIGNATURES_MAX
"""A signature with its key's id takes some 130 bytes. Nobody has vouched for an envelope yet, and 390,000 empty signatures fit into one:
it takes seconds to read them all."""

_LONG_BYTES = 10


def encode_envelope(envelope: Envelope) -> bytes:
    """The envelope as it stands on a topic."""
    signatures = [{"keyid": signature.keyid, "sig": signature.sig} for signature in envelope.signatures]
    fields = {"payload_type": envelope.payload_type, "payload": envelope.payload, "signatures": signatures}
    return wire.encode("Envelope", fields)


def decode_envelope(sealed: bytes | None) -> Envelope | Reason:
    """Read an envelope without believing anything in it. Never raises."""
    if not sealed:
        return Reason.EMPTY
    if len(sealed) > ENVELOPE_BYTES_MAX:
        return Reason.TOO_LARGE
    if _crowded(sealed):
        return Reason.TOO_MANY_SIGNATURES
    decoded = wire.decode(sealed)
    if isinstance(decoded, Reason):
        return Reason.NOT_AN_ENVELOPE if decoded is Reason.UNREADABLE else decoded
    if decoded.name != "Envelope":
        return Reason.NOT_AN_ENVELOPE
    signatures = tuple(Signature(item["keyid"], item["sig"]) for item in decoded.fields["signatures"])
    return Envelope(decoded.fields["payload_type"], decoded.fields["payload"], signatures)


def _crowded(sealed: bytes) -> bool:
    """Whether an envelope has more room behind its payload than the signatures of any role take. Never raises."""
    if len(sealed) <= _SIGNATURES_BYTES_MAX or not sealed.startswith(header("Envelope")):
        return False
    pos = HEADER_BYTES
    for _kind_then_payload in range(2):
        length, pos = _length_at(sealed, pos)
        if length < 0:
            return False
        pos += length
    return len(sealed) - pos > _SIGNATURES_BYTES_MAX


def _length_at(data: bytes, pos: int) -> tuple[int, int]:
    """An Avro long and where it ends; -1 if there is none that makes a length."""
    value = 0
    for shift, byte in zip(count(step=7), data[pos : pos + _LONG_BYTES], strict=False):
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), pos + shift // 7 + 1
    return -1, pos


def seal(record: Statement, *keys: SigningKey) -> bytes:
    """Encode, sign with each key, and wrap a record: what goes on the topic."""
    return seal_encoded(type(record), codec.encode(record), *keys)


def seal_encoded(kind: type[Statement], payload: bytes, *keys: SigningKey) -> bytes:
    """Sign with each key, and wrap, what was encoded already."""
    return encode_envelope(sign(codec.TYPE_OF[kind], payload, *keys))


def event_id_of(record: Statement) -> bytes:
    """The identity that a record will have once it is signed, 32 bytes."""
    return event_id_of_encoded(type(record), codec.encode(record))


def event_id_of_encoded(kind: type[Statement], payload: bytes) -> bytes:
    """The identity of what was encoded already."""
    return event_id(codec.TYPE_OF[kind], payload)


def event_id_of_sealed(sealed: bytes | None) -> bytes:
    """The identity of what was signed, whoever signed it; empty where that cannot be read."""
    envelope = decode_envelope(sealed)
    return event_id(envelope.payload_type, envelope.payload) if isinstance(envelope, Envelope) else b""


def open_sealed(sealed: bytes | None, trust: TrustRoot, *expected: type[T]) -> Verified[T] | Refused:
    """Verify bytes from a topic and read them as one of the expected records. Never raises.

    Args:
        sealed: The value of the Kafka record; None is a tombstone.
        trust: The trust root that is held.
        expected: The classes of record that may stand there.
    """
    envelope = decode_envelope(sealed)
    if isinstance(envelope, Reason):
        return Refused(envelope)

    def read(kind: str, payload: bytes) -> Any:
        return codec.decode(payload, codec.CLASS_OF[PayloadType(kind)])

    return verify(envelope, trust, [codec.TYPE_OF[record] for record in expected], read)
