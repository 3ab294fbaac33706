"""A bus that notes when its owner is given a record, and when one that it appended was acknowledged."""

from collections.abc import Mapping, Sequence

from interlock.runtime.bus import Bus, Membership, Position, Publisher, Reader, Record
from interlock.testing.timed.notes import NoteBook
from interlock.wire.trace import NO_TRACE


class TimedBus:
    """A `Bus` that notes what passes through it; everything else is done by the real one.

    Args:
        bus: The real one.
        notes: Where it notes.
        topics: The topics of which it notes anything.
    """

    def __init__(self, bus: Bus, notes: NoteBook, topics: Sequence[str]) -> None:
        self._bus = bus
        self._notes = notes
        self._topics = frozenset(topics)

    async def publisher(self) -> Publisher:
        """A publisher; see `Bus`."""
        return _TimedPublisher(await self._bus.publisher(), self._notes, self._topics)

    async def reader(
        self,
        topics: Sequence[str | Position],
        *,
        start: Mapping[Position, int] | None = None,
        group: str | None = None,
    ) -> Reader:
        """A reader; see `Bus`."""
        return _TimedReader(await self._bus.reader(topics, start=start, group=group), self._notes, self._topics)

    async def membership(self, group: str, topic: str, *, instance: str) -> Membership:
        """Join a group; see `Bus`."""
        return await self._bus.membership(group, topic, instance=instance)

    async def partitions(self, topic: str) -> int:
        """How many partitions of a topic are in use; see `Bus`."""
        return await self._bus.partitions(topic)

    async def close(self) -> None:
        """Close all that was made from it."""
        await self._bus.close()


class _TimedPublisher:
    def __init__(self, publisher: Publisher, notes: NoteBook, topics: frozenset[str]) -> None:
        self._publisher = publisher
        self._notes = notes
        self._topics = topics

    async def publish(
        self, topic: str, key: str, value: bytes | None, *, partition: int | None = None, trace: str = NO_TRACE
    ) -> int:
        """Append a record, and note it before and afterwards; see `Publisher`."""
        if topic not in self._topics:
            return await self._publisher.publish(topic, key, value, partition=partition, trace=trace)
        self._notes.note(f"appending {topic}", key, str(len(value or b"")))
        offset = await self._publisher.publish(topic, key, value, partition=partition, trace=trace)
        self._notes.note(f"appended {topic}", key, str(offset))
        return offset


class _TimedReader:
    def __init__(self, reader: Reader, notes: NoteBook, topics: frozenset[str]) -> None:
        self._reader = reader
        self._notes = notes
        self._topics = topics

    async def batch(self, *, limit: int = 500, wait_s: float = 0.2) -> list[Record]:
        """The next records, noted; see `Reader`."""
        records = await self._reader.batch(limit=limit, wait_s=wait_s)
        for record in records:
            if record.topic in self._topics:
                self._notes.note(f"read {record.topic}", (record.key or b"").decode("utf-8", "replace"))
        return records

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned; see `Reader`."""
        return self._reader.at_end(within_s)

    async def end_offsets(self) -> dict[Position, int]:
        """For each partition the offset that the next record will get; see `Reader`."""
        return await self._reader.end_offsets()

    def position(self, where: Position) -> int:
        """The offset of the next record to be returned; see `Reader`."""
        return self._reader.position(where)

    async def read_to_end(self) -> list[Record]:
        """Everything to the end as it is now; see `Reader`."""
        return await self._reader.read_to_end()

    async def commit(self, offsets: Mapping[Position, int]) -> None:
        """Remember offsets; see `Reader`."""
        await self._reader.commit(offsets)

    async def close(self) -> None:
        """Stop reading; see `Reader`."""
        await self._reader.close()
