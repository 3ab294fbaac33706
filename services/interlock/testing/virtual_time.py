"""Runs asyncio programs in virtual time: whoever waits, waits no real time, and five minutes pass in milliseconds.

When every task waits, time jumps to the next timer. So a whole schedule can be tested in the real code, and the order of events
is the same in every run. Sockets and threads have no place here: they live in real time.

    def test_it_gives_up_after_five_minutes():
        run_virtually(scenario)

    async def scenario(clock: VirtualClock) -> None:
        ...
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.time import Micros, Reading, seconds

T = TypeVar("T")

START = Micros(1_780_000_000_000_000)
"""Civil time at the beginning unless a test says otherwise: 2026-05-28."""


class VirtualClock:
    """Tells virtual time: both clocks go with the loop's timers, and civil time can be stepped.

    Attributes:
        stepped: How far civil time was stepped, as an administrator or NTP would; may be negative.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, start: Micros) -> None:
        self.stepped = Micros(0)
        self._loop = loop
        self._start = start

    def now(self) -> Reading:
        """Read both clocks."""
        boot = seconds(self._loop.time())
        return Reading(wall=Micros(self._start + boot + self.stepped), boot=boot)


def run_virtually(scenario: Callable[[VirtualClock], Awaitable[T]], *, start: Micros = START) -> T:
    """Run a scenario to its end in virtual time.

    Raises:
        InvariantError: Every task waits for something that no timer will bring.
    """

    async def main() -> T:
        return await scenario(VirtualClock(asyncio.get_running_loop(), start))

    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main())


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting, lets the loop's time jump."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events and timeout is None:
            raise InvariantError(
                "Every task waits, and no timer is set.", "Look for what should have woken one of them."
            )
        if not events and timeout:
            self.now_s += timeout
        return events


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s
