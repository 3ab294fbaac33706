"""The sign of life to the outside, in virtual time."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

from interlock.runtime.lifecycle import Stop
from interlock.runtime.metrics import Metrics
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.time import SECOND
from interlock.watch.instruments import Instruments
from interlock.watch.outside_heartbeat import OutsideHeartbeat


def given(well: Callable[[float, float], bool], *, faults: tuple[str, ...] = (), for_s: float = 200) -> list[float]:
    """When signs of life were given: `well` is asked with the time and with the seconds that count as lately."""
    moments: list[float] = []
    answers = list(faults)

    async def scenario(clock: VirtualClock) -> None:
        def now() -> float:
            return clock.now().boot / SECOND

        async def give() -> str:
            moments.append(now())
            return answers.pop(0) if answers else ""

        stop = Stop()
        heartbeat = OutsideHeartbeat(give, lambda within_s: well(now(), within_s), Instruments(Metrics("watch")))
        running = asyncio.create_task(heartbeat.run(stop))
        await asyncio.sleep(for_s)
        stop.request()
        await running

    run_virtually(scenario)
    return moments


def test_while_all_is_well_a_switch_with_a_minutes_grace_stays_silent():
    moments = given(lambda _now, _within: True)
    assert moments[0] == 0
    assert all(after - before <= 30 for before, after in pairwise(moments))


def test_within_a_minute_of_the_last_whole_look_nothing_is_given_any_more():
    last_look = 70.0
    moments = given(lambda now, within: now - min(now, last_look) <= within)
    assert last_look < moments[-1] + 20
    assert moments[-1] <= last_look + 60


def test_nothing_is_given_before_the_first_whole_look_and_then_at_once():
    assert given(lambda now, _within: now >= 45)[0] == 45


def test_one_that_did_not_arrive_is_given_again_at_once():
    assert given(lambda _now, _within: True, faults=("it answered 500", "it answered 500"))[:3] == [0, 1, 2]
