"""The system clock reads civil time and time since boot, in microseconds."""

import time

from interlock.runtime.clock import SystemClock


def test_both_clocks_are_read_in_microseconds() -> None:
    before = time.time_ns() // 1_000
    reading = SystemClock().now()
    assert before <= reading.wall <= time.time_ns() // 1_000
    assert reading.boot <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000


def test_time_since_boot_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().boot <= clock.now().boot
