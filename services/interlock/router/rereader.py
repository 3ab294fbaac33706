"""The router's reader, which begins again from the first records where what it was told cannot be all.

A broker may have withheld a record or served an old one in its place, and nobody gives again what was passed over. So when the live decision
service says for a while that this router lacks something, or when reading fails, everything is read once more. What is held stays held
meanwhile, and what is read again can take nothing back: marks never do.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from interlock.runtime.bus import Reader, Record
from interlock.runtime.clock import Clock
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import HEARTBEATS

AGAIN_US_MIN = 5 * SECOND
"""Between two beginnings: a few of them fit into a lease."""

UNREAD_US_MAX = 60 * SECOND
"""How long nothing but heartbeats may come, of a reading that has not come to the end, before another is begun."""

_SHARE = 3
"""Of the time, reading again takes a third at most, however much there is to read."""

_HEARD_WITHIN_S = 2.0
_REST_S = 0.5

_log = structlog.get_logger(__name__)


class Rereader:
    """Reads the topics from their beginnings, more than once if need be.

    Args:
        open_reader: Makes a reader that stands at the first records.
        clock: Both clocks.

    Attributes:
        ever_caught_up: Whether any reading has come to the end.
    """

    def __init__(self, open_reader: Callable[[], Awaitable[Reader]], clock: Clock) -> None:
        self._open = open_reader
        self._clock = clock
        self._reader: Reader | None = None
        self._begun = Micros(0)
        self._moved = Micros(0)
        self._took: Micros | None = None
        self.ever_caught_up = False

    @property
    def caught_up(self) -> bool:
        """Whether this reading has come to the end once."""
        return self._took is not None

    async def begin(self) -> None:
        """Begin to read.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        before, self._reader = self._reader, await self._open()
        self._begun = self._moved = self._clock.now().boot
        self._took = None
        if before is not None:
            await before.close()

    async def batch(self) -> list[Record]:
        """The next records; none where they cannot be had, and then reading begins again.

        Raises:
            InfrastructureError: Reading had never begun, and the broker cannot be reached.
        """
        if self._reader is None:
            await self.begin()
        assert self._reader is not None
        try:
            records = await self._reader.batch()
        except InfrastructureError as error:
            _log.warning("reading_failed", reason=error.message)
            if not await self.begin_again():
                await asyncio.sleep(_REST_S)
            return []
        if any(record.topic != HEARTBEATS.name for record in records):
            self._moved = self._clock.now().boot
        return records

    def look_for_end(self) -> None:
        """Note whether all that there is was returned; to be asked once what was returned is dealt with."""
        if self._took is None and self._reader is not None and self._reader.at_end(_HEARD_WITHIN_S):
            self._took = Micros(self._clock.now().boot - self._begun)
            self.ever_caught_up = True

    async def begin_again(self) -> bool:
        """Begin again, unless that was done not long ago; whether it was done now."""
        now = self._clock.now().boot
        if self._took is None:
            resting = now - self._moved < UNREAD_US_MAX
        else:
            resting = now - self._begun < max(AGAIN_US_MIN, _SHARE * self._took)
        if resting:
            return False
        try:
            await self.begin()
        except InfrastructureError as error:
            _log.warning("reading_not_begun", reason=error.message)
            return False
        _log.info("reading_again")
        return True

    async def close(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            await self._reader.close()
