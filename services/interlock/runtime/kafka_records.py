"""Records whose headers cannot be read are read all the same.

Kafka calls a header's name text, but no broker checks that it is: whoever may write one record may put any bytes there. aiokafka then
raises `UnicodeDecodeError` out of its fetch, for ever, since the record is still there after a restart; so one record would end every
reader of its partition. No header is believed in anyway (`wire.trace`), so such a batch is read again without its headers.

aiokafka has no public word for this; its version is pinned. Not handled here: batches that the broker refuses, such as broken ones.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

_MAGIC = 2
_MAGIC_OFFSET = 16


def read_despite_headers() -> None:
    """Make every consumer of this process, Faust's too, read records whatever their headers are. May be called often."""
    fetcher.MemoryRecords = _Records


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka ships no types
    """What one fetch brought of a partition."""

    def next_batch(self, *sizes: int) -> Any:
        encoded = self._next_slice
        batch = super().next_batch(*sizes)
        return batch if encoded is None or encoded[_MAGIC_OFFSET] < _MAGIC else _Batch(batch, encoded)


class _Batch:
    """One batch as aiokafka reads it, until a header stops it."""

    def __init__(self, batch: Any, encoded: memoryview) -> None:
        self._batch = batch
        self._encoded = encoded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except UnicodeDecodeError:
            yield from islice(_Headerless(self._encoded), read, None)


class _Headerless(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka ships no types
    """The same batch, each record without its headers: they are the last thing in a record, whose length is told first."""

    _pos: int

    def _read_msg(self, decode_varint: Any = decode_varint) -> Any:
        length, start = decode_varint(self._buffer, self._pos)
        _attributes, pos = decode_varint(self._buffer, start)
        delta_ms, pos = decode_varint(self._buffer, pos)
        offset, pos = decode_varint(self._buffer, pos)
        key, pos = self._field(pos)
        value, pos = self._field(pos)
        self._pos = start + length
        at_ms = self.max_timestamp if self.timestamp_type == self.LOG_APPEND_TIME else self.first_timestamp + delta_ms
        return _DefaultRecordPy(self.base_offset + offset, at_ms, self.timestamp_type, key, value, [])

    def _field(self, pos: int) -> tuple[bytes | None, int]:
        length, pos = decode_varint(self._buffer, pos)
        return (None, pos) if length < 0 else (bytes(self._buffer[pos : pos + length]), pos + length)
