"""Kafka's record batches (magic 2) as no client of ours would write them: what a broker takes on trust can be chosen."""

import struct
from dataclasses import dataclass

from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.util import calc_crc32c

_AT_MS = 1_700_000_000_000
_BEYOND = 0x70
"""Bits of a fifth byte that are beyond the 32 that a length has."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a batch.

    Attributes:
        offset: In the batch, as the writer says; None: its place.
        value: What is in it.
        attributes: One byte, which means nothing.
        long_lengths: Whether the lengths of key and value are written in five bytes, with bits that no broker looks at.
    """

    offset: int | None = None
    value: bytes = b""
    attributes: int = 0
    long_lengths: bool = False


def batch(*entries: Entry, base_offset: int = 0, at_ms: int = _AT_MS) -> bytes:
    """A batch that a broker takes: its own numbers are right, whatever is said in the records."""
    records = b"".join(_record(entry, place) for place, entry in enumerate(entries))
    header = _DefaultRecordBatchPy.HEADER_STRUCT
    last = len(entries) - 1
    length = header.size - _DefaultRecordBatchPy.AFTER_LEN_OFFSET + len(records)
    fields = (base_offset, length, -1, 2, 0, 0, last, at_ms, at_ms, -1, -1, -1, len(entries))
    encoded = bytearray(header.pack(*fields) + records)
    crc = calc_crc32c(bytes(encoded[_DefaultRecordBatchPy.ATTRIBUTES_OFFSET :]))
    struct.pack_into(">I", encoded, _DefaultRecordBatchPy.CRC_OFFSET, crc)
    return bytes(encoded)


def _record(entry: Entry, place: int) -> bytes:
    size = _long_varint if entry.long_lengths else _varint
    offset = place if entry.offset is None else entry.offset
    body = bytes([entry.attributes]) + _varint(0) + _varint(offset)
    body += size(3) + b"key" + size(len(entry.value)) + entry.value + _varint(0)
    return _varint(len(body)) + body


def _varint(value: int) -> bytes:
    bits = (value << 1) ^ (value >> 63)
    out = bytearray()
    while bits > 0x7F:
        out.append(bits & 0x7F | 0x80)
        bits >>= 7
    return bytes([*out, bits])


def _long_varint(value: int) -> bytes:
    bits = value << 1
    return bytes([*(bits >> 7 * place & 0x7F | 0x80 for place in range(4)), bits >> 28 & 0x0F | _BEYOND])
