"""Processes on one loop that are killed or stopped as a kernel does it."""

import asyncio
from dataclasses import replace

import pytest

from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.killing.bus import KillableBus, Ports
from interlock.testing.killing.process import Process, make_task
from interlock.testing.killing.strikes import Deed, Register, Side, Strike
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import AUDIT

ABOUT = f"{AUDIT.name}[0]"


def played(scenario):
    async def main(clock):
        asyncio.get_running_loop().set_task_factory(make_task)
        return await scenario(clock)

    return run_virtually(main)


def test_a_stopped_process_makes_no_step_and_after_waking_makes_all_of_them():
    async def scenario(_):
        ticks = []

        async def child():
            while True:
                await asyncio.sleep(1)
                ticks.append(asyncio.get_running_loop().time())

        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(child())

        process = Process("one")
        task = process.start(main())
        await asyncio.sleep(2.5)
        process.stop()
        await asyncio.sleep(10)
        assert ticks == [1, 2]
        process.wake()
        await asyncio.sleep(2)
        assert ticks == [1, 2, 12.5, 13.5]
        await process.kill()
        assert task.cancelled()

    played(scenario)


def test_a_timer_that_rings_while_a_process_is_stopped_is_heard_once_it_wakes():
    async def scenario(_):
        heard = []

        async def main():
            try:
                async with asyncio.timeout(1):
                    await asyncio.Event().wait()
            except TimeoutError:
                heard.append(asyncio.get_running_loop().time())

        process = Process("one")
        process.start(main())
        await asyncio.sleep(0.5)
        process.stop()
        await asyncio.sleep(4.5)
        assert heard == []
        process.wake()
        await asyncio.sleep(1)
        assert heard == [5]

    played(scenario)


async def writing(broker, strike):
    """A process that publishes three records at once, and one more when it is told of the end."""
    register = Register("one", (strike,))
    process = Process("one")
    ports = Ports(process, register)

    async def main():
        publisher = await KillableBus(MemoryBus(broker), ports).publisher()
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(3):
                    group.create_task(publisher.publish(AUDIT.name, "k", b"%d" % number, partition=0))
        finally:
            await publisher.publish(AUDIT.name, "k", b"after death", partition=0)

    task = process.start(main())
    await asyncio.wait({task}, timeout=1)
    await asyncio.sleep(10)
    return [record.value for record in broker.fetch(Position(AUDIT.name, 0), 0, 10)], register, task


@pytest.mark.parametrize(
    ("side", "arrive", "there"),
    [
        (Side.BEFORE, False, []),
        (Side.BEFORE, True, [b"0"]),
        (Side.AFTER, False, [b"0", b"1"]),
        (Side.AFTER, True, [b"0", b"1", b"2"]),
        (Side.LATE, False, [b"1"]),
    ],
)
def test_of_a_killed_process_nothing_comes_but_what_was_on_its_way(side, arrive, there):
    async def scenario(clock):
        broker = MemoryBroker(clock=clock)
        place = await where_it_publishes(MemoryBroker(clock=clock))
        found, register, _ = await writing(broker, Strike("one", Deed.KILL, side, place, ABOUT, 2, arrive))
        assert (found, register.struck) == (there, 1)

    played(scenario)


async def where_it_publishes(broker):
    """Where the calls above stand, as the register names them."""
    never = Strike("one", Deed.KILL, Side.BEFORE, "nowhere:0", "", 1)
    _, register, _ = await writing(broker, never)
    return next(call.site for call in register.calls if call.port == "Publisher.publish")


@pytest.mark.parametrize(("side", "soon", "later"), [(Side.BEFORE, 0, 0), (Side.AFTER, 1, 1), (Side.LATE, 0, 1)])
def test_an_unknown_outcome_is_an_error_whatever_became_of_the_record(side, soon, later):
    async def scenario(clock):
        place = ""
        for strikes in ((), (Strike("one", Deed.UNKNOWN, side, "", ABOUT, 1),)):
            broker, register = MemoryBroker(clock=clock), Register("one")
            ports = Ports(Process("one"), register)
            publisher = await KillableBus(MemoryBus(broker), ports).publisher()
            register.arm(*(replace(strike, site=place) for strike in strikes))
            try:
                await publisher.publish(AUDIT.name, "k", b"v", partition=0)
                assert not strikes
            except InfrastructureError:
                assert broker.end(Position(AUDIT.name, 0)) == soon
            place = register.calls[0].site
        await asyncio.sleep(10)
        assert broker.end(Position(AUDIT.name, 0)) == later

    played(scenario)


def test_what_happens_after_another_is_counted_from_there():
    first, second = (Strike("one", Deed.UNKNOWN, Side.BEFORE, "here:1", "", n) for n in (2, 1))
    register = Register("one", (first, second))
    assert register.struck == 0
    register.arm(second)
    assert (register.strikes, register.calls) == ((second,), [])
