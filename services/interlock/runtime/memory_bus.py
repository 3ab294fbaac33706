"""The bus in memory, for tests and simulations: the same promises as on Kafka, kept by one object.

`MemoryBroker` keeps the records; each service gets a `MemoryBus` on it, as each would get its own connection.
Time is the event loop's, so a loop with virtual time makes it a simulation. What it leaves out: compaction
and retention (all records are kept), and the loss of anything.

    broker = MemoryBroker()
    decision, router = MemoryBus(broker), MemoryBus(broker)
"""

import asyncio
from collections.abc import Mapping, Sequence

from interlock.runtime.bus import Position, Record
from interlock.runtime.clock import Clock, SystemClock
from interlock.runtime.events import set_within
from interlock.runtime.memory_group import MemoryGroup, MemoryMembership
from interlock.runtime.placement import partitions_in_use, place
from interlock.vocabulary.errors import InfrastructureError, InvariantError
from interlock.wire.topics import TOPICS
from interlock.wire.trace import NO_TRACE, known

_TO_END_BATCH = 1_000_000

MOMENT_S = 1e-6
"""What is less than that is no time to wait: a timer of virtual time comes so close to its moment, and would never reach it."""


class MemoryBroker:
    """Keeps the records of all topics, the groups and their committed offsets.

    Args:
        topics: Further topics beside those of the table: name to number of partitions.
        clock: Stamps the records.

    Attributes:
        reachable: Set it to False, and every request fails as if the broker were gone; True brings it back,
            with all it had.
    """

    def __init__(self, topics: Mapping[str, int] | None = None, *, clock: Clock | None = None) -> None:
        self.reachable = True
        self._clock = clock or SystemClock()
        counts = {spec.name: spec.partitions for spec in TOPICS} | dict(topics or {})
        self._counts = counts
        self._logs: dict[Position, list[Record]] = {
            Position(topic, n): [] for topic, count in counts.items() for n in range(count)
        }
        self._committed: dict[tuple[str, Position], int] = {}
        self._groups: dict[tuple[str, str], MemoryGroup] = {}
        self._appended = asyncio.Event()

    def partitions(self, topic: str) -> int:
        """How many partitions of a topic are in use."""
        self.require()
        return partitions_in_use(topic, self._counts.get(topic, 0))

    def append(self, where: Position, key: bytes | None, value: bytes | None, trace: str = NO_TRACE) -> int:
        """Append whatever a client could, a tombstone too, and return its offset."""
        self.require()
        log = self._logs[where]
        stamp_ms = self._clock.now().wall // 1_000
        log.append(Record(*where, offset=len(log), key=key, value=value, timestamp_ms=stamp_ms, trace=trace))
        self._appended.set()
        self._appended = asyncio.Event()
        return len(log) - 1

    def fetch(self, where: Position, offset: int, limit: int) -> list[Record]:
        """Records from an offset on, at most `limit`."""
        self.require()
        log = self._logs[where]
        if not 0 <= offset <= len(log):
            raise InfrastructureError(
                f"Offset {offset} of {where.topic}-{where.partition} is out of range.",
                "Begin at an offset that is kept.",
            )
        return log[offset : offset + limit]

    def end(self, where: Position) -> int:
        """The offset that the next record of a partition will get."""
        self.require()
        return len(self._logs[where])

    async def news(self, within_s: float) -> None:
        """Wait until something is appended anywhere, for that long at most."""
        await set_within(self._appended, within_s)

    def commit(self, group: str, offsets: Mapping[Position, int]) -> None:
        """Keep a group's offsets."""
        self.require()
        self._committed.update({(group, where): offset for where, offset in offsets.items()})

    def committed(self, group: str | None, where: Position) -> int:
        """A group's offset of a partition; 0, the first record, if it has none."""
        return self._committed.get((group, where), 0) if group is not None else 0

    def group(self, name: str, topic: str) -> MemoryGroup:
        """The group of that name, which shares out that topic."""
        self.require()
        return self._groups.setdefault((name, topic), MemoryGroup(self.partitions(topic)))

    def require(self) -> None:
        """Fail as a client does whose broker is gone.

        Raises:
            InfrastructureError: It is.
        """
        if not self.reachable:
            raise InfrastructureError("The broker in memory was made unreachable.", "Set `reachable` to True.")


class MemoryPublisher:
    """A `Publisher` in memory."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def publish(
        self, topic: str, key: str, value: bytes | None, *, partition: int | None = None, trace: str = NO_TRACE
    ) -> int:
        """Append a record; see `Publisher`."""
        await asyncio.sleep(0)  # as on a network, others may run in between
        partitions = self._broker.partitions(topic)
        where = place(topic, key, value, partition=partition, partitions=partitions)
        return self._broker.append(Position(topic, where), key.encode(), value, known(trace))


class MemoryReader:
    """A `Reader` in memory."""

    def __init__(self, broker: MemoryBroker, positions: dict[Position, int], group: str | None) -> None:
        self._broker = broker
        self._positions = positions
        self._group = group
        self._heard_at: float | None = None

    async def batch(self, *, limit: int = 500, wait_s: float = 0.2) -> list[Record]:
        """The next records, at most `limit`; see `Reader`."""
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while not (records := self._take(limit)) and (left := until - loop.time()) > MOMENT_S:
            await self._broker.news(left)
        return records

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned, as told lately; see `Reader`."""
        now = asyncio.get_running_loop().time()
        if self._heard_at is None:
            return False
        if not self._broker.reachable:
            return self._was_at_end and now - self._heard_at <= within_s
        self._hear()
        return self._was_at_end

    async def end_offsets(self) -> dict[Position, int]:
        """For each partition the offset that the next record will get; see `Reader`."""
        return {where: self._broker.end(where) for where in self._positions}

    def position(self, where: Position) -> int:
        """The offset of the next record to be returned from a partition of this reader."""
        return self._positions[where]

    async def read_to_end(self) -> list[Record]:
        """Everything from the present positions to the end as it is now; see `Reader`."""
        self._broker.require()
        return await self.batch(limit=_TO_END_BATCH, wait_s=0)

    async def commit(self, offsets: Mapping[Position, int]) -> None:
        """Remember for this reader's group the offset of the next record that it wants; see `Reader`."""
        if self._group is None:
            raise InvariantError("A reader without a group cannot commit.", "Report it as a bug.")
        self._broker.commit(self._group, offsets)

    async def close(self) -> None:
        """Nothing is held."""

    def _take(self, limit: int) -> list[Record]:
        """Fetch and move on; nothing while the broker is gone, as Kafka's clients have it."""
        records: list[Record] = []
        if self._broker.reachable:
            for where, offset in self._positions.items():
                found = self._broker.fetch(where, offset, limit - len(records))
                records += found
                self._positions[where] = offset + len(found)
            self._hear()
        return records

    def _hear(self) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._was_at_end = all(offset >= self._broker.end(each) for each, offset in self._positions.items())


class MemoryBus:
    """A `Bus` on a `MemoryBroker`: one service's connection.

    Args:
        broker: The broker; several buses may share one.
    """

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._memberships: list[MemoryMembership] = []

    async def publisher(self) -> MemoryPublisher:
        """A publisher; see `Bus`."""
        self._broker.require()
        return MemoryPublisher(self._broker)

    async def reader(
        self,
        topics: Sequence[str | Position],
        *,
        start: Mapping[Position, int] | None = None,
        group: str | None = None,
    ) -> MemoryReader:
        """A reader of whole topics and of single partitions; see `Bus`."""
        where: list[Position] = []
        for each in topics:
            count = self._broker.partitions(each if isinstance(each, str) else each.topic)
            where += [each] if isinstance(each, Position) else [Position(each, n) for n in range(count)]
        known = start or {}
        positions = {each: known.get(each, self._broker.committed(group, each)) for each in where}
        return MemoryReader(self._broker, positions, group)

    async def membership(self, group: str, topic: str, *, instance: str) -> MemoryMembership:
        """Join a group for its share of a topic's partitions; see `Bus`."""
        membership = self._broker.group(group, topic).join(instance)
        self._memberships.append(membership)
        return membership

    async def partitions(self, topic: str) -> int:
        """How many partitions of a topic are in use; see `Bus`."""
        return self._broker.partitions(topic)

    async def close(self) -> None:
        """Leave every group that was joined here."""
        for membership in self._memberships:
            await membership.close()
