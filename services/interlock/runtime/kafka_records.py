"""Nothing that a writer can put on a topic keeps its readers from what stands there.

A broker looks at less of a batch than aiokafka does, and takes some of it on trust. So who may write one record could end every reader
of its partition, for good, since the record is still there after a restart; or lead them astray by an offset that is none. Here:

1. A header's name that is no text, an attribute or a number written in more bits than Kafka keeps: aiokafka would raise out of its fetch. Such a
   batch is read once more as the broker reads it, without its headers, in which nobody believes anyway (`wire.trace`).
2. An offset is the broker's to give, but in a batch it stands as the writer put it. It is held to the place that the batch has for it.
3. The marker that ends a transaction takes an offset, and aiokafka is silent on it; so it could not be told from a record that is withheld
   (`runtime.continuity`). It is told of as a record whose key is `MARKER`, which readers drop: `is_marker`.

aiokafka has no public word for this; its version is pinned. Not handled here: batches that the broker refuses, such as broken ones.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

_MAGIC = 2
_MAGIC_OFFSET = 16
_COUNT = 12
"""The place of the number of records among the fields of a batch's header."""

_VARINT_BYTES = 5

MARKER: Final = bytes(bytearray(b"the end of a transaction"))
"""What stands for the key of a transaction's marker: this very object, which nothing that is read from a topic can be."""


def read_whatever_comes() -> None:
    """Make every consumer of this process, Faust's too, read what this module is about. May be called often."""
    fetcher.MemoryRecords = _Records


def is_marker(key: bytes | None) -> bool:
    """Whether that is the key of no record, but of the end of a transaction."""
    return key is MARKER


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka ships no types
    """What one fetch brought of a partition."""

    def next_batch(self, *sizes: int) -> Any:
        encoded = self._next_slice
        batch = super().next_batch(*sizes)
        if encoded is None or encoded[_MAGIC_OFFSET] < _MAGIC:
            return batch
        return _Markers(batch) if batch.is_control_batch else _Batch(batch, encoded)


class _Markers:
    """A batch in which a broker says that a transaction ended."""

    is_control_batch = False

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        for offset in range(self._batch.base_offset, self._batch.next_offset):
            yield _DefaultRecordPy(offset, self._batch.max_timestamp, self._batch.timestamp_type, MARKER, b"", [])


class _Batch:
    """One batch as aiokafka reads it, as far as it can."""

    def __init__(self, batch: Any, encoded: memoryview) -> None:
        self._batch = batch
        self._encoded = encoded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        """The records in their order; without holes where the batch has room for no more, as all have that were not compacted."""
        lowest: int = self._batch.base_offset
        highest: int = self._batch.next_offset - _DefaultRecordBatchPy.HEADER_STRUCT.unpack_from(self._encoded)[_COUNT]
        for record in self._readable():
            offset = min(max(record.offset, lowest), highest)
            yield record if record.offset == offset else _moved(record, offset)
            lowest, highest = offset + 1, highest + 1

    def _readable(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except (UnicodeDecodeError, CorruptRecordException):
            yield from islice(_AsBrokersRead(self._encoded), read, None)


class _AsBrokersRead(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka ships no types
    """The same batch, read as a broker reads it; without headers: they are the last thing in a record, whose length is told first."""

    _pos: int

    def _read_msg(self, decode_varint: Any = decode_varint) -> Any:
        length, start = self._varint(self._pos)
        delta_ms, pos = decode_varint(self._buffer, start + 1)  # behind one byte of attributes
        offset, pos = self._varint(pos)
        key, pos = self._field(pos)
        value, pos = self._field(pos)
        self._pos = start + length
        at_ms = self.max_timestamp if self.timestamp_type == self.LOG_APPEND_TIME else self.first_timestamp + delta_ms
        return _DefaultRecordPy(self.base_offset + offset, at_ms, self.timestamp_type, key, value, [])

    def _field(self, pos: int) -> tuple[bytes | None, int]:
        length, pos = self._varint(pos)
        return (None, pos) if length < 0 else (bytes(self._buffer[pos : pos + length]), pos + length)

    def _varint(self, pos: int) -> tuple[int, int]:
        """A number of 32 bits, and where it ends; bits beyond are dropped."""
        bits = 0
        for place in range(_VARINT_BYTES):
            byte = self._buffer[pos + place]
            bits |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                bits &= 0xFFFF_FFFF
                return (bits >> 1) ^ -(bits & 1), pos + place + 1
        raise ValueError("a number without an end")


def _moved(record: Any, offset: int) -> Any:
    return _DefaultRecordPy(
        offset, record.timestamp, record.timestamp_type, record.key, record.value, list(record.headers)
    )
