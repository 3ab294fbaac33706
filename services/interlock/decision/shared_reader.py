"""One reader of what every shard must hear, for all owners of a process.

Owners that each read every verdict by a client of their own fetch it four times on one processor: three times mostly in vain, while the shard
that it concerns waits. Here it is fetched once and handed to all.

Rules:

1. Whoever waits first reads, for all; when it goes off to decide, another one that waits goes on. There is no task behind it.
2. A listener begins where it likes. It first catches up by a reader of its own, then hears on from the shared one: nothing twice, nothing
   left out.
3. Nothing is dropped for one that is slow: past `KEPT_BYTES_MAX` nobody reads on until it has taken some. A process that does not hear
   everything does not beat, so its agents end in their safe states.
4. A reader that failed is never read again, since nobody knows what it passed over: every listener is told so, and the next one opens another.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

from interlock.runtime.bus import Bus, Position, Reader, Record
from interlock.runtime.continuity import require_not_shorter
from interlock.runtime.events import set_within
from interlock.runtime.one_attempt import OneAttempt
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.wire.topics import ACKS, COMMANDS, POLICIES, VERDICTS

EVERY_SHARD = (POLICIES.name, VERDICTS.name, COMMANDS.name, ACKS.name)
"""What every shard must hear."""

KEPT_BYTES_MAX = 32 * RECORD_BYTES_MAX
"""What may wait for one listener. The listeners hold the same records, so a process holds hardly more than this."""

_RECORD_BYTES = 256
"""About what a record takes beside its key and its value."""

_MOMENT_S = 0.001
"""What is less is no time to wait."""


class SharedReader:
    """Reads what every shard must hear once, for several listeners.

    Args:
        bus: Where.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._stream: _Stream | None = None
        self._opening = OneAttempt[_Stream]()

    async def listen(self, start: Mapping[Position, int]) -> "Listener":
        """A listener; `read_to_end` comes first.

        Args:
            start: Where to begin, by partition; what is not in it begins at the first record that is kept.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        async with AsyncExitStack() as opened:
            own = await self._bus.reader(EVERY_SHARD, start=start)
            opened.push_async_callback(own.close)
            listener = Listener(await self._reading_on_from(own), own)
            opened.pop_all()
        return listener

    async def _reading_on_from(self, own: Reader) -> "_Stream":
        """What is read for all; if nobody reads yet, from the end on, as another reader sees it."""
        if self._stream is None or not self._stream.open:
            return await self._opening.join(partial(self._open, own))
        return self._stream

    async def _open(self, own: Reader) -> "_Stream":
        ends = await own.end_offsets()
        self._stream = _Stream(await self._bus.reader(list(ends), start=ends), list(ends))
        return self._stream


class _Stream:
    """A reader that is shared, until it fails or nobody listens any more."""

    def __init__(self, reader: Reader, where: Sequence[Position]) -> None:
        self.reader = reader
        self.where = where
        self.open = True
        self.listeners: list[Listener] = []
        self._busy = False
        self._turn = asyncio.Event()

    async def advance(self, limit: int, wait_s: float) -> None:
        """Read for all, or wait while another does or while somebody has too much left to take.

        Raises:
            InfrastructureError: It failed, now or before.
        """
        if not self.open:
            raise InfrastructureError("What the shards of this process read together has failed.", "They claim again.")
        if self._busy or any(listener.full for listener in self.listeners):
            await set_within(self._turn, wait_s)
            return
        self._busy = True
        try:
            records = await self.reader.batch(limit=limit, wait_s=wait_s)
        except BaseException:
            self.open = False
            raise
        finally:
            self._busy = False
            self.wake()
        size = sum(map(_size, records))
        for listener in self.listeners:
            listener.hear(records, size)

    def wake(self) -> None:
        """Let those that wait look again."""
        self._turn.set()
        self._turn = asyncio.Event()

    async def leave(self, listener: "Listener") -> None:
        """Let a listener go; with the last one the reader is closed."""
        self.listeners.remove(listener)
        self.wake()  # the others may have waited for it
        if not self.listeners:
            self.open = False
            await self.reader.close()


class Listener:
    """Hears what a stream reads, from its own place on. Made by `SharedReader.listen`."""

    def __init__(self, stream: _Stream, past: Reader) -> None:
        self._stream = stream
        self._past: Reader | None = past
        self._joined = {where: stream.reader.position(where) for where in stream.where}
        self._next: dict[Position, int] = {}
        self._waiting: deque[Record] = deque()
        self._bytes = 0
        stream.listeners.append(self)

    @property
    def full(self) -> bool:
        """Whether so much waits for it that nobody reads on."""
        return self._bytes > KEPT_BYTES_MAX

    async def read_to_end(self) -> list[Record]:
        """Everything from its beginning to the end as it is now; to be called once, before `batch`.

        Raises:
            InfrastructureError: The broker cannot be reached, or shows this reader less than the shared one has seen.
        """
        assert self._past is not None, "the past is heard once"
        records = await self._past.read_to_end()
        self._next = {where: self._past.position(where) for where in self._joined}
        require_not_shorter(self._next, self._joined)
        await self._caught_up()
        return records

    def hear(self, records: Sequence[Record], size: int) -> None:
        """Take what was read for all, of so many bytes."""
        self._waiting.extend(records)
        self._bytes += size

    async def batch(self, *, limit: int, wait_s: float) -> list[Record]:
        """The next records, at most `limit`; empty when none came within `wait_s` seconds; see `Reader`."""
        loop = asyncio.get_running_loop()
        until, left = loop.time() + wait_s, wait_s
        while True:
            if not self._waiting:
                await self._stream.advance(limit, left)
            records = self._take(limit)
            left = until - loop.time()
            if records or left < _MOMENT_S:
                return records

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned, as told lately; see `Reader`."""
        return not self._waiting and self._stream.open and self._stream.reader.at_end(within_s)

    async def close(self) -> None:
        """Hear nothing more. May be called twice."""
        try:
            if self in self._stream.listeners:
                await self._stream.leave(self)
        finally:
            await self._caught_up()

    async def _caught_up(self) -> None:
        past, self._past = self._past, None
        if past is not None:
            await past.close()

    def _take(self, limit: int) -> list[Record]:
        was_full, taken = self.full, list[Record]()
        while self._waiting and len(taken) < limit:
            record = self._waiting.popleft()
            self._bytes -= _size(record)
            if record.offset >= self._next[Position(record.topic, record.partition)]:
                taken.append(record)  # what is older was heard before it joined
        if was_full and not self.full:
            self._stream.wake()
        return taken


def _size(record: Record) -> int:
    return _RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
