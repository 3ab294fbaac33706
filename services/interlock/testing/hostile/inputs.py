"""How each input of the table is made, out of what a topic really carries.

A `Case` holds what would have an effect if it were believed (`sample`), and what genuine records stand on the topic. What each input
is, its row in `table` says.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from interlock.records import codec
from interlock.records.audit import AuditRecord
from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.documents import RoutePolicy
from interlock.records.sealing import decode_envelope, encode_envelope, seal
from interlock.runtime.bus import Record
from interlock.signing import p256
from interlock.signing.envelope import Envelope, Signature
from interlock.signing.keys import KeyKind, SigningKey, sign
from interlock.signing.statement import Statement
from interlock.testing.builders import Deployment, key_of
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX, RECORD_BYTES_MAX, SIGNATURES_MAX
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.codec import HEADER_BYTES, header

ELSEWHERE = "elsewhere"
"""Another deployment, whose people and services have other keys."""

MARKER = "7e57ab1e"
"""Stands in every sample: no finding may repeat it."""

_HOUR = 3_600 * SECOND
_CURVE_ORDER = 2**252 + 27742317777372353535851937790883648493
_ROOM_BYTES = 400
_LEAST = -(2**63)


class Put(NamedTuple):
    """A record to be put on the topic: where the sample would stand, unless it says otherwise."""

    value: bytes | None
    key: bytes | None = None
    event_id: bytes = b""


@dataclass(frozen=True, slots=True)
class Case:
    """What an input is made from.

    Attributes:
        deployment: Whose keys are known to the attacker where a row says "rightly signed".
        sample: A record that would have an effect if it were believed.
        by: Who must sign it.
        wrong: Somebody whose role may not.
        impostor: The sample in another's name; None where it names nobody.
        first: The first genuine record of the topic, of the sample's key and partition where that matters; and `last` the last one.
        another: A genuine record of another route, model or shard.
        foreign: A genuine record of another topic.
        older: What an older, or the same, order bears, in a record of its own; None where there is no order.
    """

    deployment: Deployment
    sample: Statement
    by: tuple[str, ...]
    wrong: str
    impostor: Statement | None
    first: Record
    last: Record
    another: Record
    foreign: Record
    rival: Statement | None

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """Who must sign."""
        return tuple(self.deployment.key(owner) for owner in self.by)

    @property
    def kind(self) -> PayloadType:
        """The sample's kind."""
        return codec.TYPE_OF[type(self.sample)]

    def signed(self, payload: bytes | None = None) -> Envelope:
        """The sample, or other bytes in its place, rightly signed."""
        return sign(self.kind, codec.encode(self.sample) if payload is None else payload, *self.keys)

    def sealed(self, **fields: Any) -> bytes:
        """The sample with other values, rightly signed."""
        return seal(replace(self.sample, **fields), *self.keys)  # type: ignore[type-var]  # every record is a dataclass

    def change(self, **fields: Any) -> bytes:
        """The sample, a change, with other values; its id follows its order."""
        changed = replace(self._change, **fields)
        changed = replace(changed, id=f"{changed.route.key}@{changed.order}")
        return seal(changed, *self.keys)

    @property
    def _change(self) -> RoutingChange:
        assert isinstance(self.sample, RoutingChange)
        return self.sample

    def genuine(self) -> Envelope:
        """The last genuine record, as it was signed."""
        envelope = decode_envelope(self.last.value)
        assert isinstance(envelope, Envelope)
        return envelope


INPUTS: dict[str, Callable[[Case], Put]] = {}
"""How each input is made, by the name of its row in the table."""


def _input(made: Callable[[Case], Put]) -> Callable[[Case], Put]:
    INPUTS[made.__name__.removeprefix("_")] = made
    return made


# The bytes.


@_input
def _random_bytes(_: Case) -> Put:
    return Put(b"".join(digest(bytes([number])) for number in range(10))[:300])


@_input
def _empty(_: Case) -> Put:
    return Put(b"")


@_input
def _tombstone(_: Case) -> Put:
    return Put(None)


@_input
def _truncated(case: Case) -> Put:
    return Put(encode_envelope(case.signed())[:-7])


@_input
def _oversized(_: Case) -> Put:
    envelope = encode_envelope(Envelope("", b"", ()))
    return Put(envelope + bytes(ENVELOPE_BYTES_MAX + 1 - len(envelope)))


@_input
def _as_large_as_the_broker_takes(case: Case) -> Put:
    return Put(encode_envelope(case.signed(bytes(RECORD_BYTES_MAX - 2 * _ROOM_BYTES - len(case.by) * 200))))


@_input
def _deeply_nested(case: Case) -> Put:
    envelope = case.signed()
    for _ in range(200):
        envelope = case.signed(encode_envelope(envelope))
    return Put(encode_envelope(envelope))


@_input
def _unknown_fingerprint(case: Case) -> Put:
    genuine = encode_envelope(case.signed())
    return Put(genuine[:2] + b"unheard_" + genuine[HEADER_BYTES:])


@_input
def _unknown_fingerprint_inside(case: Case) -> Put:
    payload = codec.encode(case.sample)
    return Put(encode_envelope(case.signed(payload[:2] + b"unheard_" + payload[HEADER_BYTES:])))


@_input
def _length_bomb(case: Case) -> Put:
    return Put(header("Envelope") + _text(case.kind) + _number(2**62))


@_input
def _count_bomb(case: Case) -> Put:
    return Put(header("Envelope") + _text(case.kind) + _text("") + _number(2**62))


@_input
def _crowd(case: Case) -> Put:
    many = (ENVELOPE_BYTES_MAX - _ROOM_BYTES) // 2
    return Put(header("Envelope") + _text(case.kind) + _text("") + _number(many) + bytes(2 * many + 1))


@_input
def _endless_number(case: Case) -> Put:
    return Put(encode_envelope(case.signed(header(type(case.sample).__name__) + b"\x80" * 500_000)))


@_input
def _length_bomb_inside(case: Case) -> Put:
    return Put(encode_envelope(case.signed(header(type(case.sample).__name__) + _number(2**62))))


@_input
def _trailing_bytes(case: Case) -> Put:
    return Put(encode_envelope(case.signed(codec.encode(case.sample) + b"\x00")))


@_input
def _out_of_bounds(case: Case) -> Put:
    return Put(case.sealed(**{_moments(case.sample)[0]: Micros(-1)}))


# Who says it.


@_input
def _unknown_kind(case: Case) -> Put:
    return Put(encode_envelope(sign("interlock.v9.Nonsense", codec.encode(case.sample), *case.keys)))


@_input
def _of_another_topic(case: Case) -> Put:
    return Put(case.foreign.value)


@_input
def _signed_as_another_kind(case: Case) -> Put:
    other = PayloadType.EVIDENCE
    signatures = sign(other, codec.encode(case.sample), *case.keys).signatures
    return Put(encode_envelope(replace(case.signed(), signatures=signatures)))


@_input
def _unsigned(case: Case) -> Put:
    return Put(encode_envelope(replace(case.signed(), signatures=())))


@_input
def _many_signatures(case: Case) -> Put:
    envelope = case.signed()
    return Put(encode_envelope(replace(envelope, signatures=envelope.signatures[:1] * (SIGNATURES_MAX + 1))))


@_input
def _by_a_stranger(case: Case) -> Put:
    return Put(seal(case.sample, *(case.deployment.key(f"mallory-{owner}") for owner in case.by)))


@_input
def _wrong_signature(case: Case) -> Put:
    return _with_first_signature(case.signed(), lambda sig: bytes([sig[0] ^ 1]) + sig[1:])


@_input
def _malleated(case: Case) -> Put:
    def moved(sig: bytes) -> bytes:
        scalar = int.from_bytes(sig[32:], "little") + _CURVE_ORDER
        return sig[:32] + scalar.to_bytes(32, "little")

    return _with_first_signature(case.signed(), moved)


@_input
def _malleated_p256(case: Case) -> Put:
    def mirrored(sig: bytes) -> bytes:
        return sig[:32] + (p256.ORDER - int.from_bytes(sig[32:])).to_bytes(32)

    keys = (key_of(owner, case.deployment.name, KeyKind.P256) for owner in case.by)
    return _with_first_signature(sign(case.kind, codec.encode(case.sample), *keys), mirrored)


@_input
def _wrong_role(case: Case) -> Put:
    return Put(seal(case.sample, case.deployment.key(case.wrong)))


@_input
def _for_somebody_else(case: Case) -> Put:
    assert case.impostor is not None
    return Put(seal(case.impostor, *case.keys))


@_input
def _one_owner_twice(case: Case) -> Put:
    return Put(case.deployment.seal(case.sample, "oscar", "oscar-too"))


@_input
def _one_key_under_two_ids(case: Case) -> Put:
    envelope = case.signed() if isinstance(case.sample, RoutePolicy) else case.genuine()
    first = envelope.signatures[0]
    twice = (first, Signature("0" * 64, first.sig))
    return Put(encode_envelope(replace(envelope, signatures=twice)), case.last.key)


@_input
def _signature_twice(case: Case) -> Put:
    envelope = case.genuine()
    return Put(encode_envelope(replace(envelope, signatures=envelope.signatures * 2)), case.last.key)


# What it is about.


@_input
def _exact_duplicate(case: Case) -> Put:
    return Put(case.last.value, case.last.key)


@_input
def _older(case: Case) -> Put:
    return Put(case.first.value, case.first.key)


@_input
def _another_of_one_order(case: Case) -> Put:
    assert case.rival is not None
    return Put(seal(case.rival, *case.keys))


@_input
def _of_another_under_this_key(case: Case) -> Put:
    return Put(case.another.value)


@_input
def _another_audience(case: Case) -> Put:
    return Put(case.sealed(deployment=ELSEWHERE))


@_input
def _of_another_deployment(case: Case) -> Put:
    return Put(Deployment(ELSEWHERE, now=case.deployment.now).seal(case.sample, *case.by))


@_input
def _an_hour_ahead(case: Case) -> Put:
    return _moved(case, _HOUR)


@_input
def _an_hour_behind(case: Case) -> Put:
    return _moved(case, -_HOUR)


# Whether policy allows it.


@_input
def _of_an_older_policy(case: Case) -> Put:
    return Put(case.change(policy_version=1))


@_input
def _of_another_policy(case: Case) -> Put:
    return Put(case.change(policy_digest=b"\x07" * 32))


@_input
def _before_its_policy(case: Case) -> Put:
    return Put(case.change(policy_version=9, policy_digest=b"\x09" * 32))


@_input
def _negative_term(case: Case) -> Put:
    return Put(encode_envelope(case.signed(_of_term(case, -1))))


@_input
def _boundless_term(case: Case) -> Put:
    return Put(encode_envelope(case.signed(_of_term(case, _LEAST - 1))))


@_input
def _term_one_too_high(case: Case) -> Put:
    return Put(encode_envelope(case.signed(_of_term(case, -_LEAST))))


@_input
def _off_the_ladder(case: Case) -> Put:
    return Put(case.change(target="mallory"))


@_input
def _to_a_broader_model(case: Case) -> Put:
    return Put(case.change(weight=0))


@_input
def _of_an_unknown_route(case: Case) -> Put:
    return Put(case.change(slot="cellar"))


def _of_term(case: Case, term: int) -> bytes:
    """The sample with a term of however many bits: no writer of ours makes it."""
    assert isinstance(case.sample, AuditRecord | RoutingChange | Heartbeat)
    payload = codec.encode(replace(case.sample, term=_LEAST))
    assert payload.count(_number(_LEAST)) == 1
    return payload.replace(_number(_LEAST), _number(term))


def _with_first_signature(envelope: Envelope, made: Callable[[bytes], bytes]) -> Put:
    first, *rest = envelope.signatures
    return Put(encode_envelope(replace(envelope, signatures=(Signature(first.keyid, made(first.sig)), *rest))))


def _moved(case: Case, by: int) -> Put:
    moved = {name: Micros(getattr(case.sample, name) + by) for name in _moments(case.sample)}
    return Put(case.change(**moved) if isinstance(case.sample, RoutingChange) else case.sealed(**moved))


def _moments(record: Statement) -> list[str]:
    """The fields of a record that hold a point in time."""
    named = ("at", "now", "issued_at", "not_after", "since", "valid_until", "window_start", "window_end", "expires_at")
    return [each.name for each in fields(record) if each.name in named]  # type: ignore[arg-type]  # a dataclass


def _text(text: str) -> bytes:
    return _number(len(text)) + text.encode()


def _number(value: int) -> bytes:
    """An Avro long, of however many bits."""
    left, out = (value << 1) ^ (-1 if value < 0 else 0), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes((*out, left))
