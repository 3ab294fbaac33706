import asyncio

import pytest

from interlock.testing.virtual_time import START, VirtualClock, run_virtually
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.time import seconds


def test_five_minutes_pass_at_once_and_in_order():
    async def scenario(clock: VirtualClock) -> list[str]:
        order: list[str] = []

        async def later(name: str, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            order.append(name)

        await asyncio.gather(later("third", 300), later("first", 1), later("second", 299))
        assert clock.now().boot >= seconds(300)
        assert clock.now().wall - clock.now().boot == START
        return order

    assert run_virtually(scenario) == ["first", "second", "third"]


def test_a_timeout_ends_a_wait_that_nothing_would_end():
    async def scenario(clock: VirtualClock) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        assert clock.now().boot >= seconds(60)

    run_virtually(scenario)


def test_civil_time_can_be_stepped_and_boot_time_cannot():
    async def scenario(clock: VirtualClock) -> None:
        before = clock.now()
        clock.stepped = seconds(-600)
        assert clock.now().wall - before.wall == seconds(-600)
        assert clock.now().boot == before.boot

    run_virtually(scenario)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_waiting_for_what_nobody_brings_is_an_error():
    async def scenario(clock: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(InvariantError):
        run_virtually(scenario)
