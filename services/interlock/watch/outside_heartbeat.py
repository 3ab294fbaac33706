"""The sign of life to a dead man's switch outside: its absence is the alarm, so it is given only while the watch can do its work.

That is, while the policies, the notices and the log were all read to their ends lately, and what followed from them is on record. A
switch whose grace is a minute thus raises the alarm when the broker, or this watch, is silent for two.
"""

from collections.abc import Awaitable, Callable

from interlock.runtime.lifecycle import Stop
from interlock.watch.instruments import Instruments

EVERY_S = 20.0
"""How often it is given."""

FRESH_S = 30.0
"""How lately all must have been read: so nothing is given any more 60 s after the broker fell silent, and long before."""

_LOOK_S = 1.0


class OutsideHeartbeat:
    """Gives signs of life.

    Args:
        give: Gives one; what went wrong, empty if it was taken. `dead_mans_switch.DeadMansSwitch` does it over HTTP.
        well: Whether the watch could do its work in so many last seconds.
        instruments: What is counted.
    """

    def __init__(
        self, give: Callable[[], Awaitable[str]], well: Callable[[float], bool], instruments: Instruments
    ) -> None:
        self._give = give
        self._well = well
        self._instruments = instruments

    async def run(self, stop: Stop) -> None:
        """Give signs of life while all is well, until asked to stop."""
        rest_s = 0.0
        while not await stop.within(rest_s):
            rest_s = _LOOK_S
            if self._well(FRESH_S):
                fault = await self._give()
                self._instruments.heartbeat(given=not fault)
                rest_s = _LOOK_S if fault else EVERY_S
