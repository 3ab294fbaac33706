"""The system clock reads civil time and time since boot, in microseconds."""

import sys
import time

import pytest

from interlock.runtime.clock import SteadyClock, SystemClock
from interlock.vocabulary.time import SECOND, Micros, Reading


def test_both_clocks_are_read_in_microseconds() -> None:
    before = time.time_ns() // 1_000
    reading = SystemClock().now()
    assert before <= reading.wall <= time.time_ns() // 1_000
    assert reading.boot <= time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the monotonic clock counts the time asleep")
def test_time_since_boot_is_read_from_the_clock_that_counts_the_time_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux the monotonic clock does not: a lease would go on after any sleep. No test can put the machine to sleep."""
    ages = {time.CLOCK_BOOTTIME: 7_000_000, time.CLOCK_MONOTONIC: 3_000_000}
    monkeypatch.setattr(time, "clock_gettime_ns", ages.__getitem__)
    assert SystemClock().now().boot == 7_000


def test_time_since_boot_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().boot <= clock.now().boot


class Machine:
    """A machine's clocks, moved by hand; civil time is stepped apart from the other."""

    def __init__(self) -> None:
        self.boot, self.apart = 1_000 * SECOND, 1_780_000_000 * SECOND

    def now(self) -> Reading:
        return Reading(Micros(self.boot + self.apart), Micros(self.boot))

    def wait(self, seconds: float) -> None:
        self.boot += round(seconds * SECOND)


@pytest.mark.parametrize("step", [600, -600])
def test_a_step_of_civil_time_that_is_undone_within_a_minute_was_never_seen(step: int) -> None:
    machine = Machine()
    clock = SteadyClock(machine)
    right = machine.apart
    machine.apart += step * SECOND
    for _ in range(59):
        assert clock.now() == Reading(Micros(machine.boot + right), Micros(machine.boot))
        machine.wait(1)
    machine.apart = right
    machine.wait(100)
    assert clock.now() == machine.now()


@pytest.mark.parametrize("step", [600, -600])
def test_a_step_that_has_lasted_for_a_minute_is_believed(step: int) -> None:
    machine = Machine()
    clock = SteadyClock(machine)
    machine.apart += step * SECOND
    clock.now()
    machine.wait(60)
    clock.now()
    assert clock.now() == machine.now()


def test_a_second_step_begins_the_minute_anew() -> None:
    machine = Machine()
    clock = SteadyClock(machine)
    right = machine.apart
    for step in (600, 300):
        machine.apart = right + step * SECOND
        clock.now()
        machine.wait(40)
    assert clock.now().wall == machine.boot + right


def test_civil_time_that_is_slewed_is_followed_at_once_however_far_it_goes() -> None:
    machine = Machine()
    clock = SteadyClock(machine)
    for _ in range(100):
        machine.apart += SECOND
        assert clock.now() == machine.now()


def test_time_asleep_counts() -> None:
    machine = Machine()
    clock = SteadyClock(machine)
    machine.wait(3_600)
    assert clock.now() == machine.now()
