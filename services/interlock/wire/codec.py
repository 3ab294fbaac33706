"""Avro single-object encoding: two magic bytes, the schema's fingerprint, the datum.

Decoding is total. Bytes from a topic are hostile until verified: whatever they are, the answer is a record or a `Reason`.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fastavro
from fastavro.types import Schema

from interlock.vocabulary.reasons import Reason
from interlock.wire.schemas import by_fingerprint, known_schemas, split

_MAGIC = b"\xc3\x01"
HEADER_BYTES = 10
"""Two magic bytes and the fingerprint; the datum follows."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A record as plain values, and the name of its schema."""

    name: str
    fields: dict[str, Any]


def encode(name: str, fields: Mapping[str, Any]) -> bytes:
    """Encode a record of ours under the current schema of that name."""
    schema = known_schemas()[name]
    out = io.BytesIO(header(name))
    out.seek(HEADER_BYTES)
    fastavro.schemaless_writer(out, schema.parsed, fields)
    return out.getvalue()


def header(name: str) -> bytes:
    """How every record under the current schema of that name begins: `HEADER_BYTES`."""
    return _MAGIC + known_schemas()[name].fingerprint


def encode_item(name: str, array: str, fields: Mapping[str, Any]) -> bytes:
    """Encode one item of a record's array by itself, for `encode_around`."""
    return _written(split(name, array).item, fields)


def encode_around(name: str, fields: Mapping[str, Any], array: str, items: Sequence[bytes]) -> bytes:
    """Encode a record of which one array was encoded before, item by item; the same bytes as `encode` makes of the whole."""
    parts = split(name, array)
    block = [_written("long", len(items)), *items] if items else []
    before, after = _written(parts.before, fields), _written(parts.after, fields)
    return b"".join([header(name), before, *block, b"\x00", after])


def _written(schema: Schema, datum: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, datum)
    return out.getvalue()


def decode(data: bytes) -> Decoded | Reason:
    """Decode one record, whichever of the known schemas wrote it. Never raises."""
    if not data:
        return Reason.EMPTY
    if len(data) < HEADER_BYTES or data[:2] != _MAGIC:
        return Reason.UNREADABLE
    schema = by_fingerprint().get(data[2:HEADER_BYTES])
    if schema is None:
        return Reason.UNKNOWN_FINGERPRINT
    source = io.BytesIO(data[HEADER_BYTES:])
    try:
        fields = fastavro.schemaless_reader(source, schema.parsed, schema.parsed)
    except Exception:  # noqa: BLE001 - fastavro raises many unrelated types on hostile bytes; all mean the same here
        return Reason.UNREADABLE
    if source.read(1) or not isinstance(fields, dict):
        return Reason.UNREADABLE
    return Decoded(schema.name, fields)
