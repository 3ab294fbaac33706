"""A bus whose every call may be the one at which the process that makes it is killed or stopped.

Rules, for the process that it belongs to:

1. Before each call and after it the register is asked. What it orders happens there.
2. A dead process's calls do nothing, and end its task.
3. A publication that was under way when its process was killed is lost, or arrives after all: as the strike says.
4. A process that was stopped goes on believing for a while that it holds what it held: it hears of its group only when it runs.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from interlock.runtime.bus import Bus, Membership, Position, Publisher, Reader, Record
from interlock.testing.killing.process import Process, outside
from interlock.testing.killing.strikes import Deed, Register, Side, Strike
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.trace import NO_TRACE

T = TypeVar("T")

WAY_S = 0.001
"""How long a record takes to the broker, and the answer back."""

LATE_S = 7.0
"""How late a record comes that comes late: a successor has claimed and decided by then."""


class Ports:
    """What the ports of one process share.

    Args:
        process: Whose they are.
        register: Counts the calls of the victim, and knows the strike.

    Attributes:
        memberships: The groups that the process has joined, as the broker sees it.
    """

    def __init__(self, process: Process, register: Register) -> None:
        self.process = process
        self.memberships: list[Membership] = []
        self._register = register
        self._under_way: dict[object, Callable[[], Coroutine[Any, Any, object]]] = {}
        self._arrives: dict[str, float] = {}

    def note(self, port: str, about: str) -> Strike | None:
        """Count a call; the strike if it is this one.

        Raises:
            CancelledError: The process is dead: so is the caller.
        """
        if self.process.dead:
            raise asyncio.CancelledError
        return self._register.note(self.process, port, about)

    def now(self, port: str, about: str, act: Callable[[], T]) -> T:
        """A call that waits for nothing."""
        strike = self.note(port, about)
        if strike is not None and strike.side is Side.BEFORE:
            self._do(strike)
        result = act()
        if strike is not None and strike.side is not Side.BEFORE:
            self._do(strike)
        return result

    def soon(self, port: str, about: str, act: Callable[[], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]:
        """A call that is awaited, noted where it is made."""
        return self._soon(self.note(port, about), act)

    def publication(self, about: str, append: Callable[[], Coroutine[Any, Any, int]]) -> Coroutine[Any, Any, int]:
        """A publication: beside its process, its record has a fate of its own."""
        strike = self.note("Publisher.publish", about)
        if strike is not None and Side.LATE is strike.side:
            return self._late(strike, append)
        if strike is not None and strike.deed is Deed.UNKNOWN:
            return self._unknown(strike, append)
        return self._send(strike, about, append)

    async def _soon(self, strike: Strike | None, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self.process.dead:
            raise asyncio.CancelledError
        if strike is not None and strike.side is Side.BEFORE:
            await self._happen(strike)
        result = await act()
        if strike is not None and strike.side is Side.AFTER:
            await self._happen(strike)
        if self.process.dead:
            raise asyncio.CancelledError
        return result

    async def _send(self, strike: Strike | None, about: str, append: Callable[[], Coroutine[Any, Any, int]]) -> int:
        """A record on its way to the broker, and the answer on its way back."""
        if self.process.dead:
            raise asyncio.CancelledError
        if strike is not None and strike.side is Side.BEFORE:
            await self._happen(strike)
        mark = object()
        self._under_way[mark] = append
        try:
            await asyncio.sleep(self._way_s(about))
        finally:
            self._under_way.pop(mark)
        offset = await append()
        if strike is not None and strike.side is Side.AFTER:
            await self._happen(strike)
        await asyncio.sleep(WAY_S)
        return offset

    def _way_s(self, about: str) -> float:
        """How long a record takes: none overtakes another."""
        now = asyncio.get_running_loop().time()
        arrives = max(now + WAY_S, self._arrives.get(about, 0.0) + 1e-6)
        self._arrives[about] = arrives
        return arrives - now

    async def _late(self, strike: Strike, append: Callable[[], Coroutine[Any, Any, int]]) -> int:
        """The record arrives long after its writer has given it up."""
        outside(partial(_after, LATE_S, append))
        if strike.deed is Deed.UNKNOWN:
            raise _no_answer()
        await self._happen(strike)
        raise asyncio.CancelledError

    async def _unknown(self, strike: Strike, append: Callable[[], Coroutine[Any, Any, int]]) -> int:
        """The broker does not answer; the record is there or it is not."""
        if strike.side is Side.AFTER:
            await append()
        raise _no_answer()

    async def _happen(self, strike: Strike) -> None:
        self._do(strike)
        await asyncio.sleep(0)  # where a stopped process stands

    def _do(self, strike: Strike) -> None:
        """Let the strike happen.

        Raises:
            CancelledError: The process is dead.
        """
        if strike.deed is Deed.STOP:
            self.process.stop()
        if strike.deed is Deed.KILL:
            if strike.arrive:
                outside(partial(_one_by_one, list(self._under_way.values())))
            self.process.strike_dead()
            raise asyncio.CancelledError


async def _one_by_one(appends: Sequence[Callable[[], Coroutine[Any, Any, object]]]) -> None:
    for append in appends:
        await append()


async def _after(seconds: float, append: Callable[[], Coroutine[Any, Any, object]]) -> None:
    await asyncio.sleep(seconds)
    await append()


def _no_answer() -> InfrastructureError:
    return InfrastructureError("The broker did not answer.", "Try again.")


class KillableBus:
    """A `Bus` of one process.

    Args:
        bus: The bus that does the work.
        ports: What the process's ports share.
    """

    def __init__(self, bus: Bus, ports: Ports) -> None:
        self._bus = bus
        self._ports = ports

    def publisher(self) -> Coroutine[Any, Any, "KillablePublisher"]:
        """A publisher; see `Bus`."""

        async def make() -> KillablePublisher:
            return KillablePublisher(await self._bus.publisher(), self._ports)

        return self._ports.soon("Bus.publisher", "", make)

    def reader(
        self,
        topics: Sequence[str | Position],
        *,
        start: Mapping[Position, int] | None = None,
        group: str | None = None,
    ) -> Coroutine[Any, Any, "KillableReader"]:
        """A reader of whole topics and of single partitions; see `Bus`."""
        about = _about(topics)

        async def make() -> KillableReader:
            return KillableReader(await self._bus.reader(topics, start=start, group=group), self._ports, about)

        return self._ports.soon("Bus.reader", about, make)

    def membership(self, group: str, topic: str, *, instance: str) -> Coroutine[Any, Any, "KillableMembership"]:
        """Join a group for its share of a topic's partitions; see `Bus`."""

        async def join() -> KillableMembership:
            membership = await self._bus.membership(group, topic, instance=instance)
            self._ports.memberships.append(membership)
            return KillableMembership(membership, self._ports)

        return self._ports.soon("Bus.membership", "", join)

    def partitions(self, topic: str) -> Coroutine[Any, Any, int]:
        """How many partitions of a topic are in use; see `Bus`."""
        return self._ports.soon("Bus.partitions", topic, lambda: self._bus.partitions(topic))

    def close(self) -> Coroutine[Any, Any, None]:
        """Leave every group that was joined here."""
        return self._ports.soon("Bus.close", "", self._bus.close)


class KillablePublisher:
    """A `Publisher` of one process."""

    def __init__(self, publisher: Publisher, ports: Ports) -> None:
        self._publisher = publisher
        self._ports = ports

    def publish(
        self, topic: str, key: str, value: bytes | None, *, partition: int | None = None, trace: str = NO_TRACE
    ) -> Coroutine[Any, Any, int]:
        """Append a record; see `Publisher`."""
        about = topic if partition is None else f"{topic}[{partition}]"
        return self._ports.publication(
            about, lambda: self._publisher.publish(topic, key, value, partition=partition, trace=trace)
        )


class KillableReader:
    """A `Reader` of one process."""

    def __init__(self, reader: Reader, ports: Ports, about: str) -> None:
        self._reader = reader
        self._ports = ports
        self._about = about

    def batch(self, *, limit: int = 500, wait_s: float = 0.2) -> Coroutine[Any, Any, list[Record]]:
        """The next records, at most `limit`; see `Reader`."""
        return self._ports.soon("Reader.batch", self._about, lambda: self._reader.batch(limit=limit, wait_s=wait_s))

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned, as told lately; see `Reader`."""
        return self._ports.now("Reader.at_end", self._about, lambda: self._reader.at_end(within_s))

    def end_offsets(self) -> Coroutine[Any, Any, dict[Position, int]]:
        """For each partition the offset that the next record will get; see `Reader`."""
        return self._ports.soon("Reader.end_offsets", self._about, self._reader.end_offsets)

    def position(self, where: Position) -> int:
        """The offset of the next record to be returned from a partition of this reader."""
        return self._ports.now("Reader.position", self._about, lambda: self._reader.position(where))

    def read_to_end(self) -> Coroutine[Any, Any, list[Record]]:
        """Everything from the present positions to the end as it is now; see `Reader`."""
        return self._ports.soon("Reader.read_to_end", self._about, self._reader.read_to_end)

    def commit(self, offsets: Mapping[Position, int]) -> Coroutine[Any, Any, None]:
        """Remember for this reader's group the offset of the next record that it wants; see `Reader`."""
        return self._ports.soon("Reader.commit", self._about, lambda: self._reader.commit(offsets))

    def close(self) -> Coroutine[Any, Any, None]:
        """Stop reading."""
        return self._ports.soon("Reader.close", self._about, self._reader.close)


class KillableMembership:
    """A `Membership` of one process, which hears of its group only while it runs."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._ports = ports
        self._heard: frozenset[int] = frozenset()

    @property
    def held(self) -> frozenset[int]:
        """The partitions held now, as far as the process has heard."""
        return self._ports.now("Membership.held", "", self._hear)

    def changed(self) -> Coroutine[Any, Any, frozenset[int]]:
        """Wait until what is held differs from the last answer; see `Membership`."""
        return self._ports.soon("Membership.changed", "", self._membership.changed)

    def close(self) -> Coroutine[Any, Any, None]:
        """Leave the group, so that others take over at once."""
        return self._ports.soon("Membership.close", "", self._membership.close)

    def _hear(self) -> frozenset[int]:
        process = self._ports.process
        woken = process.woken_at
        deaf = process.stopped or (woken is not None and asyncio.get_running_loop().time() < woken + process.hears_s)
        if not deaf:
            self._heard = self._membership.held
        return self._heard


def _about(topics: Sequence[str | Position]) -> str:
    """What a reader reads, in short: its last partition or topic tells it from the others of its site."""
    last = topics[-1]
    return last if isinstance(last, str) else f"{last.topic}[{last.partition}]"
