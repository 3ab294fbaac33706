"""What the proxy must understand of Kafka's protocol: Fetch and ListOffsets, in the versions that aiokafka speaks. Pure.

Everything else is passed on as it came, so nothing else is read here. Record batches are taken apart and put together again with
aiokafka's own parts. An empty batch stands for what is withheld: its last offset lets the client move on, as after a compaction.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from interlock.runtime.bus import Position, Record
from interlock.wire.trace import from_headers, to_headers

OUT_OF_RANGE = 1
"""Kafka's code for an offset that does not exist."""

LATEST = -1
"""The time for which ListOffsets gives the end of a partition."""

_REQUESTS: dict[tuple[int, int], type[RequestStruct]] = {
    (each.API_KEY, each.API_VERSION): each for kind in (FetchRequest, OffsetRequest) for each in kind._CLASSES
}
_CRC_AT = struct.calcsize(">qiib")
_LAST_OFFSET_AT = struct.calcsize(">qiibIh")
_UNBOUNDED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose answer is understood here.

    Attributes:
        api: Its kind, and its version.
        positions: For each partition the offset that was asked for, or the time in ListOffsets.
        wait_s: How long the broker may wait with the answer.
    """

    api: type[RequestStruct]
    positions: dict[Position, int]
    wait_s: float

    @property
    def fetches(self) -> bool:
        """Whether records were asked for, and not the ends of partitions."""
        return bool(self.api.API_KEY == FetchRequest.API_KEY)


@dataclass(frozen=True, slots=True)
class Part:
    """What is answered of one partition; the fields are the protocol's own, in its order."""

    where: Position
    fields: tuple[Any, ...]

    @property
    def end(self) -> int:
        """The end of the partition as it is told: the high watermark."""
        return int(self.fields[2])

    def records(self, position: int) -> tuple[Record, ...]:
        """The records from a position on. A batch that did not fit is left out."""
        batches = MemoryRecords(bytes(self.fields[-1] or b""))
        found: list[Record] = []
        while batches.has_next():
            batch = batches.next_batch()
            if batch is not None and not batch.is_control_batch:
                found += [_record(self.where, each) for each in batch if each.offset >= position]
        return tuple(found)

    def refused(self, end: int) -> "Part":
        """The answer that the offset does not exist."""
        return Part(self.where, (self.where.partition, OUT_OF_RANGE, end, end, *self.fields[4:-1], b""))

    def holding(self, records: Sequence[Record], position: int, reached: int, end: int) -> "Part":
        """The answer with other records: from a position on, up to the offset that is to be asked for next, and another end."""
        batch = batch_of(records, position, reached) if reached > position else b""
        return Part(self.where, (*self.fields[:2], end, end, *self.fields[4:-1], batch))


def asked(frame: bytes) -> tuple[int, Asked | None]:
    """The number that an answer will bear, and the request if its answer is understood here."""
    key, version, correlation = struct.unpack_from(">hhi", frame)
    api = _REQUESTS.get((key, version))
    if api is None:
        return correlation, None
    (client,) = struct.unpack_from(">h", frame, 8)
    data = BytesIO(frame[10 + max(0, client) :])
    request: Any = api.decode(data)
    positions = {Position(topic, each[0]): each[1] for topic, parts in request.topics for each in parts}
    if version >= 9 and key == FetchRequest.API_KEY:  # the leader's epoch comes before the offset
        positions = {Position(topic, each[0]): each[2] for topic, parts in request.topics for each in parts}
    return correlation, Asked(api, positions, getattr(request, "max_wait_time", 0) / 1_000)


def opened(frame: bytes, to: Asked) -> tuple[Response, list[Part]]:
    """An answer, taken apart."""
    data = BytesIO(frame)
    data.seek(4)
    answer: Any = to.api.RESPONSE_TYPE.decode(data)
    return answer, [Part(Position(topic, each[0]), tuple(each)) for topic, parts in answer.topics for each in parts]


def closed(frame: bytes, answer: Any, parts: Sequence[Part]) -> bytes:
    """An answer, put together again with other parts."""
    topics: dict[str, list[tuple[Any, ...]]] = {}
    for part in parts:
        topics.setdefault(part.where.topic, []).append(part.fields)
    answer.topics = list(topics.items())
    return frame[:4] + bytes(answer.encode())


def batch_of(records: Sequence[Record], position: int, reached: int) -> bytes:
    """One batch that stands for the offsets from a position up to another, and holds what of them is told; it may hold nothing."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=_UNBOUNDED,
    )
    for each in records:
        headers = list(to_headers(each.trace))
        builder.append(each.offset - position, each.timestamp_ms, each.key, each.value, headers)
    batch = bytearray(builder.build())
    struct.pack_into(">q", batch, 0, position)
    struct.pack_into(">i", batch, _LAST_OFFSET_AT, reached - position - 1)
    struct.pack_into(">I", batch, _CRC_AT, calc_crc32c(bytes(batch[_CRC_AT + 4 :])))
    return bytes(batch)


def ends(parts: Sequence[Part], to: Asked) -> Iterator[Part]:
    """Of an answer to ListOffsets, the parts that tell an end."""
    return (part for part in parts if to.positions.get(part.where) == LATEST)


def _record(where: Position, read: Any) -> Record:
    trace = from_headers(tuple(read.headers))
    return Record(*where, read.offset, read.key, read.value, read.timestamp, trace)
