"""One client's connection to a broker in memory that lies to it, and to nobody else.

    bus = LyingBus(broker, clock)
    bus.lies = [Withhold(Which(POLICIES.name, key="deny/"))]
    ...
    bus.lies = []

Its readers keep the promises of Kafka's: what waits for an answer that does not come fails after `ANSWER_S_MAX`, a partition counts as read
to its end only while the broker says so, an offset that is out of range and a hole in a log that has none are errors.
"""

import asyncio
from collections.abc import Mapping, Sequence

from interlock.runtime.bus import Position, Record
from interlock.runtime.clock import Clock
from interlock.runtime.continuity import Continuity, require_not_shorter
from interlock.runtime.memory_bus import MOMENT_S, MemoryBroker, MemoryBus, MemoryPublisher, MemoryReader
from interlock.runtime.memory_group import MemoryMembership
from interlock.testing.lying.lies import Lie
from interlock.testing.lying.told import Remembered, Told, Truth, dropped, dumb, silent, tell
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.trace import NO_TRACE

ANSWER_S_MAX = 10.0
"""How long an answer is waited for: the bound of `KafkaBus`."""

_LOOK_S = 0.5
"""How often a reader looks whether the lies have changed."""

_ALL = 1_000_000


class LyingBus:
    """A `Bus` on a `MemoryBroker` that lies.

    Args:
        broker: The broker.
        clock: What the lies that depend on time go by.

    Attributes:
        lies: What is told instead of the truth; may be changed at any time.
        read: The topics that were asked for.
    """

    def __init__(self, broker: MemoryBroker, clock: Clock) -> None:
        self.lies: Sequence[Lie] = ()
        self.broker = broker
        self.read: set[str] = set()
        self._clock = clock
        self._honest = MemoryBus(broker)

    async def publisher(self) -> "LyingPublisher":
        """A publisher; see `Bus`."""
        return LyingPublisher(self, await self._honest.publisher())

    async def reader(
        self, topics: Sequence[str | Position], *, start: Mapping[Position, int] | None = None, group: str | None = None
    ) -> "LyingReader":
        """A reader; see `Bus`."""
        await self.answered()
        self.read |= {each if isinstance(each, str) else each.topic for each in topics}
        return LyingReader(self, await self._honest.reader(topics, start=start, group=group))

    async def membership(self, group: str, topic: str, *, instance: str) -> MemoryMembership:
        """Join a group, of which nothing untrue is told; see `Bus`."""
        return await self._honest.membership(group, topic, instance=instance)

    async def partitions(self, topic: str) -> int:
        """How many partitions of a topic are in use; see `Bus`."""
        return await self._honest.partitions(topic)

    async def close(self) -> None:
        """Leave every group that was joined here."""
        await self._honest.close()

    async def answered(self) -> None:
        """Wait for an answer, as long as a client does.

        Raises:
            InfrastructureError: None came.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_S_MAX
        while dumb(self.lies) or dropped(self.lies):
            if loop.time() >= until:
                raise InfrastructureError("The broker did not answer.", "Try again.")
            await asyncio.sleep(_LOOK_S)

    def told(self, where: Position, position: int, seen: Remembered) -> Told | None:
        """What a reader is told of a partition; None: nothing."""
        if silent(self.lies, where) or dropped(self.lies) or not self.broker.reachable:
            return None
        end = self.broker.end(where)
        if position >= end and not self.lies:
            return Told((), position, end)
        records = tuple(self.broker.fetch(where, position, _ALL))
        seen.note(records)
        truth = Truth(where, records, end)
        return tell(self.lies, truth, position, self._clock.now().wall, seen)


class LyingPublisher:
    """A `Publisher` whose broker may be silent."""

    def __init__(self, bus: LyingBus, honest: MemoryPublisher) -> None:
        self._bus = bus
        self._honest = honest

    async def publish(
        self, topic: str, key: str, value: bytes | None, *, partition: int | None = None, trace: str = NO_TRACE
    ) -> int:
        """Append a record; see `Publisher`."""
        await self._bus.answered()
        return await self._honest.publish(topic, key, value, partition=partition, trace=trace)


class LyingReader:
    """A `Reader` that is told lies."""

    def __init__(self, bus: LyingBus, honest: MemoryReader) -> None:
        self._bus = bus
        self._honest = honest
        self._positions = dict(honest._positions)
        self._seen = {where: Remembered() for where in self._positions}
        self._heard: dict[Position, tuple[float, int]] = {}
        self._continuity = Continuity()
        for where in self._positions:
            self._seen[where].note(bus.broker.fetch(where, 0, _ALL)[: self._positions[where]])

    async def batch(self, *, limit: int = 500, wait_s: float = 0.2) -> list[Record]:
        """The next records; see `Reader`."""
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while not (records := self._take(limit)) and (left := until - loop.time()) > MOMENT_S:
            await self._bus.broker.news(min(left, _LOOK_S))
        return records

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned, as told lately; see `Reader`."""
        now = asyncio.get_running_loop().time()
        for where, position in self._positions.items():
            told = self._bus.told(where, position, self._seen[where])
            if told is not None and not told.out_of_range:
                self._heard[where] = (now, told.end)
            heard_at, end = self._heard.get(where, (float("-inf"), 0))
            if now - heard_at > within_s or position < end:
                return False
        return True

    async def end_offsets(self) -> dict[Position, int]:
        """The end of each partition as it is told; see `Reader`."""
        await self._bus.answered()
        ends = {}
        for where in self._positions:
            first = Truth(where, tuple(self._bus.broker.fetch(where, 0, _ALL)), self._bus.broker.end(where))
            told = tell(self._bus.lies, first, 0, self._bus._clock.now().wall, self._seen[where])
            ends[where] = told.end
        require_not_shorter(ends, self._positions)
        return ends

    def position(self, where: Position) -> int:
        """The offset of the next record to be returned from a partition of this reader."""
        return self._positions[where]

    async def read_to_end(self) -> list[Record]:
        """Everything up to the end that is told; see `Reader`."""
        ends = await self.end_offsets()
        records: list[Record] = []
        loop = asyncio.get_running_loop()
        moved_at = loop.time()
        while any(self._positions[where] < end for where, end in ends.items()):
            before = sum(self._positions.values())
            records += await self.batch(limit=_ALL)
            if sum(self._positions.values()) > before:
                moved_at = loop.time()
            elif loop.time() - moved_at > ANSWER_S_MAX:
                raise InfrastructureError(f"Nothing came for {ANSWER_S_MAX:g} s.", "Try again.")
        return records

    async def commit(self, offsets: Mapping[Position, int]) -> None:
        """Remember this group's offsets; see `Reader`."""
        await self._bus.answered()
        await self._honest.commit(offsets)

    async def close(self) -> None:
        """Nothing is held."""

    def _take(self, limit: int) -> list[Record]:
        taken: list[Record] = []
        now = asyncio.get_running_loop().time()
        for where, position in self._positions.items():
            told = self._bus.told(where, position, self._seen[where])
            if told is None:
                continue
            if told.out_of_range:
                if taken:
                    break  # the client tells it when nothing else is left to tell
                raise InfrastructureError(
                    f"Offset {position} of {where} is out of range.", "Read on from one that is kept."
                )
            self._heard[where] = (now, told.end)
            records, reached = _within(told, limit - len(taken), position)
            good, self._positions[where] = self._continuity.take(where, position, records, reached)
            taken += good
        if not taken:
            self._continuity.require()
        return taken


def _within(told: Told, limit: int, position: int) -> tuple[Sequence[Record], int]:
    """As many of the records as are wanted, and where the reader then stands."""
    if len(told.records) <= limit:
        return told.records, told.position
    kept = told.records[:limit]
    return kept, kept[-1].offset + 1 if kept else position
