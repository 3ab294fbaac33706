"""The Avro codec and the envelope: what stands between a topic and everything else.

fastavro's C reader gives no coverage, so its twin in Python guides the fuzzer and is the judge: both must say the same.
"""

import math
from io import BytesIO
from typing import Any

from fastavro import _read_py

from fuzz.shapes import HEADER_BYTES, MAGIC, vary_record
from fuzz.target import Target, broken
from fuzz.targets.world import DEPLOYMENT, OF_P256, payloads, sealed, sealed_seeds
from interlock.records.codec import CLASS_OF
from interlock.records.sealing import decode_envelope, encode_envelope, open_sealed
from interlock.signing.envelope import Envelope, event_id
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.reasons import Reason
from interlock.wire.codec import decode, encode
from interlock.wire.schemas import by_fingerprint
from interlock.wire.trace import NO_TRACE, from_headers, to_headers

_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1
_LONG_BYTES_MAX = 10
_BYTES_MAX = 1_024
_KINDS = tuple(CLASS_OF.values())


def _decode(data: bytes) -> None:
    found = decode(data)
    if isinstance(found, Reason):
        if found not in {Reason.EMPTY, Reason.UNREADABLE, Reason.UNKNOWN_FINGERPRINT}:
            raise broken(f"decode answered {found}")
    elif decode(encode(found.name, found.fields)) != found and not _has(found.fields, _is_nan):
        raise broken("what was decoded is encoded as something else")
    schema = by_fingerprint().get(data[2:HEADER_BYTES])
    if schema is None or len(data) < HEADER_BYTES:
        return
    try:
        other = _read_by_the_other(schema.parsed, data[HEADER_BYTES:])
    except _NoLongError:
        return  # a number that 64 bits cannot hold: the C reader drops what is too much, which changes nothing that is signed
    ours = None if isinstance(found, Reason) else found.fields
    if data[:2] == MAGIC and repr(ours) != repr(other):
        raise broken("two readers of the same format read different things")


class _NoLongError(Exception):
    """A number of more than ten bytes, or of more than 64 bits; or the least of 64 bits, which the C reader takes for no items where it counts them."""


class _Bounded(_read_py.BinaryDecoder):
    def read_long(self) -> int:
        before = self.fo.tell()
        value: int = super().read_long()
        if self.fo.tell() - before > _LONG_BYTES_MAX or not _LONG_MIN < value <= _LONG_MAX:
            raise _NoLongError
        return value

    read_int = read_long


def _read_by_the_other(schema: Any, datum: bytes) -> Any:
    source, usual = BytesIO(datum), _read_py.BinaryDecoder
    _read_py.BinaryDecoder = _Bounded
    try:
        fields = _read_py.schemaless_reader(source, schema, schema)
    except _NoLongError:
        raise
    except Exception:  # noqa: BLE001 - it raises many types on hostile bytes
        return None
    finally:
        _read_py.BinaryDecoder = usual  # others read with it, too
    return None if source.read(1) else fields


def _has(value: Any, odd: Any) -> bool:
    if isinstance(value, dict):
        return any(_has(item, odd) for item in value.values())
    if isinstance(value, list):
        return any(_has(item, odd) for item in value)
    return bool(odd(value))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _wire_seeds() -> list[bytes]:
    names = [kind.__name__ for kind in CLASS_OF.values()]
    all_of_them = [*payloads(*names, "RouteEntry", "HistoryEntry", "ClimbsEntry"), *sealed_seeds()]
    return [seed for seed in all_of_them if len(seed) <= _BYTES_MAX]


def _open(data: bytes) -> None:
    envelope = decode_envelope(data)
    if isinstance(envelope, Envelope) and decode_envelope(encode_envelope(envelope)) != envelope:
        raise broken("an envelope is encoded as another one")
    for trust in (DEPLOYMENT.root, OF_P256.root):
        opened = open_sealed(data, trust, *_KINDS)
        if isinstance(opened, Verified):
            if opened.event_id not in _signed() or not isinstance(opened.value, _KINDS):
                raise broken("something that nobody signed is Verified")
        elif not isinstance(opened, Refused) or not isinstance(opened.reason, Reason):
            raise broken(f"open_sealed answered {opened!r}")


def _envelope_seeds() -> list[bytes]:
    verdict, policy = (sealed(payloads(name)[0], name, OF_P256) for name in ("Verdict", "RoutePolicy"))
    return [*sealed_seeds(), verdict, policy]


_SIGNED: set[bytes] = set()


def _signed() -> set[bytes]:
    if not _SIGNED:
        for each in _envelope_seeds():
            envelope = decode_envelope(each)
            assert isinstance(envelope, Envelope)
            _SIGNED.add(event_id(envelope.payload_type, envelope.payload))
    return _SIGNED


def _trace(data: bytes) -> None:
    headers = [("traceparent" if part[:1] == b"t" else "other", part[1:] or None) for part in data.split(b"\n")]
    found = from_headers(headers)
    if found != NO_TRACE and from_headers(to_headers(found)) != found:
        raise broken("a trace is told as another one")


_TRACE = b"t00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

TARGETS = (
    Target("wire", _decode, _wire_seeds, vary_record, guide=("fastavro._read_py", "fastavro.io"), bytes_max=_BYTES_MAX),
    Target(
        "envelope",
        _open,
        _envelope_seeds,
        vary_record,
        guide=("interlock.signing", "interlock.records.codec"),
        bytes_max=4_096,
    ),
    Target("trace-header", _trace, lambda: [_TRACE, b"o\n" + _TRACE, _TRACE + b"\n" + _TRACE], tokens=(_TRACE, b"\nt")),
)
