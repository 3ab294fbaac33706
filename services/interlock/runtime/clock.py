"""The one place that reads a clock. Cores take the time as an argument; shells take a `Clock`.

Services take the `SteadyClock`: a civil time that was set wrong for a moment, by hand or by a time server, must not end leases, let
verdicts lapse, or put a time into the audit log that nobody can take back.

Ruff's list of banned calls (see `pyproject.toml`) keeps `time` and `datetime.now` out of every other module.
"""

import time
from typing import Protocol

import structlog

from interlock.vocabulary.time import SECOND, Micros, Reading

STEP_US_MAX = SECOND
"""A civil time that moves by no more than this is followed at once: time servers slew, and second intercalations are made."""

BELIEVED_AFTER_US = 60 * SECOND
"""A step that has lasted so long is believed: longer than it takes to undo a slip, and shorter than people wait for a right clock."""

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux counts the time asleep in `CLOCK_BOOTTIME` only; macOS lacks it and counts it in `CLOCK_MONOTONIC`."""

_log = structlog.get_logger(__name__)


class Clock(Protocol):
    """Tells the time. `interlock.testing` has one that a test moves by hand."""

    def now(self) -> Reading:
        """Read civil time and time since boot together, in microseconds."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Reading:
        """Read civil time and time since boot together, in microseconds."""
        return Reading(
            wall=Micros(time.time_ns() // 1_000),
            boot=Micros(time.clock_gettime_ns(_BOOT) // 1_000),
        )


class SteadyClock:
    """Civil time carried on by the clock since boot: a sudden step of the machine's own is believed only once it has lasted.

    Between steps both clocks run alike on Linux, so what is added up here does not drift. Two processes on whose machines a clock was
    set at the same time believe it at the same time.

    Args:
        clock: The machine's clocks.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Of two looks the better one: a process that is stopped between its two readings takes them as far apart as it slept.
        self._apart = max(wall - boot for wall, boot in (clock.now(), clock.now()))
        self._stepped: tuple[int, Micros] | None = None

    def now(self) -> Reading:
        """Read civil time, as far as it is believed, and time since boot."""
        wall, boot = self._clock.now()
        apart = wall - boot
        if abs(apart - self._apart) <= STEP_US_MAX:
            self._apart, self._stepped = apart, None
        elif self._stepped is None or abs(apart - self._stepped[0]) > STEP_US_MAX:
            self._stepped = apart, boot
            _log.warning(
                "clock_stepped", seconds=(apart - self._apart) / SECOND, believed_after_s=BELIEVED_AFTER_US // SECOND
            )
        elif boot - self._stepped[1] >= BELIEVED_AFTER_US:
            _log.warning("clock_step_believed", seconds=(apart - self._apart) / SECOND)
            self._apart, self._stepped = apart, None
        return Reading(Micros(boot + self._apart), boot)
