"""The one place that reads a clock. Cores take the time as an argument; shells take a `Clock`.

Ruff's list of banned calls (see `pyproject.toml`) keeps `time` and `datetime.now` out of every other module.
"""

import time
from typing import Protocol

from interlock.vocabulary.time import Micros, Reading

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux counts the time asleep in `CLOCK_BOOTTIME` only; macOS lacks it and counts it in `CLOCK_MONOTONIC`."""


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
