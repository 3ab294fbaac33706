"""Reading from Kafka: partitions assigned by their owner, offsets kept by their owner."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from interlock.runtime.bus import Position, Record
from interlock.runtime.clock import SystemClock
from interlock.runtime.continuity import Continuity, require_not_shorter
from interlock.runtime.kafka_client import Connection, stop_within
from interlock.runtime.kafka_records import is_marker, read_whatever_comes
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.vocabulary.time import seconds
from interlock.wire.trace import from_headers

_READ_AHEAD_BYTES = 16 * RECORD_BYTES_MAX
"""What one fetch may bring: enough to replay a log at full speed, little enough for a small container."""

_TO_END_BATCH = 5_000
_TO_END_WAIT_S = 0.2


class KafkaReader:
    """A `Reader` on Kafka. Made by `KafkaBus.reader`; nothing is read before `start`.

    Args:
        connection: Where the broker is.
        where: The partitions to read.
        start: Where to begin, of the partitions for which it is known.
        group: The name for committed offsets; None if there are none.
    """

    def __init__(
        self,
        connection: Connection,
        where: Sequence[Position],
        *,
        start: Mapping[Position, int],
        group: str | None,
    ) -> None:
        self._start = start
        self._connection = connection
        self._where = {position: TopicPartition(*position) for position in where}
        self._group = group
        self._positions: dict[Position, int] = {}
        self._continuity = Continuity()
        self._clock = SystemClock()
        self._closed = False
        read_whatever_comes()
        self._consumer = AIOKafkaConsumer(
            **connection.client_settings,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="none",  # an offset that is gone is a loss that somebody must hear of
            fetch_max_wait_ms=connection.fetch_max_wait_ms,
            fetch_max_bytes=_READ_AHEAD_BYTES,
            max_partition_fetch_bytes=2 * RECORD_BYTES_MAX,
        )

    async def start(self) -> None:
        """Connect, and take the first positions: as given, else as committed, else the first record kept.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        async with self._connection.reaching("Connecting a consumer"):
            await self._consumer.start()
            self._consumer.assign(list(self._where.values()))
            for position in self._where:  # at once, or the client looks for a position of its own
                self._seek(position, self._start.get(position, 0))
            unknown = [position for position in self._where if position not in self._start]
            if self._group is not None:
                unknown = [position for position in unknown if not await self._seek_committed(position)]
            if unknown:
                first = await self._consumer.beginning_offsets([self._where[each] for each in unknown])
                for position, offset in self._answered(unknown, first).items():
                    self._seek(position, offset)

    async def batch(self, *, limit: int = 500, wait_s: float = 0.2) -> list[Record]:
        """The next records, at most `limit`; see `Reader`."""
        async with self._connection.reaching("Reading", patience_s=wait_s):
            found = await self._consumer.getmany(timeout_ms=round(wait_s * 1_000), max_records=limit)
            reached = {position: await self._consumer.position(where) for position, where in self._where.items()}
        records = {position: list(map(_record, found.get(where, ()))) for position, where in self._where.items()}
        taken = [record for position in self._where for record in self._goes_on(position, records[position], reached)]
        if not taken:
            self._continuity.require()
        return taken

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned, as told lately; see `Reader`."""
        now_ms = self._clock.now().wall // 1_000
        oldest_ms = now_ms - seconds(within_s) // 1_000
        for position, where in self._where.items():
            heard_ms = self._consumer.last_poll_timestamp(where)
            if heard_ms is None or not oldest_ms <= heard_ms <= now_ms:
                return False
            if self._positions[position] < self._consumer.highwater(where):
                return False
        return True

    async def end_offsets(self) -> dict[Position, int]:
        """For each partition the offset that the next record will get; see `Reader`."""
        async with self._connection.reaching("Asking for the end of the topics"):
            ends = await self._consumer.end_offsets(self._where.values())
        told = self._answered(self._where, ends)
        require_not_shorter(told, self._positions)
        return told

    def position(self, where: Position) -> int:
        """The offset of the next record to be returned from a partition of this reader."""
        return self._positions[where]

    async def read_to_end(self) -> list[Record]:
        """Everything from the present positions to the end as it is now; see `Reader`."""
        ends = await self.end_offsets()
        loop = asyncio.get_running_loop()
        records: list[Record] = []
        reached, moved_at = sum(self._positions.values()), loop.time()
        while any(self._positions[position] < end for position, end in ends.items()):
            records += await self.batch(limit=_TO_END_BATCH, wait_s=_TO_END_WAIT_S)
            if sum(self._positions.values()) > reached:
                reached, moved_at = sum(self._positions.values()), loop.time()
            elif loop.time() - moved_at > self._connection.timeout_s:
                raise self._connection.failure(
                    "Reading to the end", f"nothing came for {self._connection.timeout_s:g} s"
                )
        return records

    async def commit(self, offsets: Mapping[Position, int]) -> None:
        """Remember for this reader's group the offset of the next record that it wants; see `Reader`."""
        if self._group is None:
            raise InvariantError("A reader without a group cannot commit.", "Report it as a bug.")
        async with self._connection.reaching("Committing offsets"):
            await self._consumer.commit({self._where[each]: offset for each, offset in offsets.items()})

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    async def close(self) -> None:
        """Stop reading. Returns in bounded time, and may be called twice."""
        if not self._closed:
            self._closed = True
            await stop_within(self._consumer.stop())

    def _answered(self, asked: Iterable[Position], offsets: Mapping[TopicPartition, int]) -> dict[Position, int]:
        """The offsets that were asked for; a broker may leave some out of its answer."""
        found = {position: offsets.get(self._where[position]) for position in asked}
        missing = [position for position, offset in found.items() if offset is None]
        if missing:
            where = f"{missing[0].topic}-{missing[0].partition}"
            raise self._connection.failure("Asking for offsets", f"the answer says nothing of {where}")
        return {position: offset for position, offset in found.items() if offset is not None}

    def _goes_on(
        self, position: Position, records: Sequence[Record], reached: Mapping[Position, int]
    ) -> Sequence[Record]:
        """Move on in one partition, up to the first hole; what stands behind it is asked for again."""
        told, stands = self._continuity.take(position, self._positions[position], records, reached[position])
        if stands < reached[position]:
            self._seek(position, stands)
        self._positions[position] = stands
        return [record for record in told if not is_marker(record.key)]

    async def _seek_committed(self, position: Position) -> bool:
        """Go to the group's committed offset; whether there is one."""
        committed = await self._consumer.committed(self._where[position])
        if committed is not None:
            self._seek(position, committed)
        return committed is not None

    def _seek(self, position: Position, offset: int) -> None:
        self._consumer.seek(self._where[position], offset)
        self._positions[position] = offset


def _record(told: ConsumerRecord) -> Record:
    return Record(
        topic=told.topic,
        partition=told.partition,
        offset=told.offset,
        key=told.key,
        value=told.value,
        timestamp_ms=told.timestamp,
        trace=from_headers(told.headers),
    )
