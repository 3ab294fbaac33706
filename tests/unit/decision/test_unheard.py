"""What others put into a shard's log is told once, whichever way its owner hears of it."""

import asyncio
from dataclasses import replace

import pytest

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.health import Level
from interlock.runtime.memory_bus import MemoryBus
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import AUDIT


class IntrudedBus(MemoryBus):
    """Somebody puts a record into the log just before the owner's next append arrives there."""

    def __init__(self, broker):
        super().__init__(broker)
        self.intrusions = []

    async def publisher(self):
        inner, outer = await super().publisher(), self

        class Intruded:
            async def publish(self, topic, key, value, **options):
                if topic == AUDIT.name and outer.intrusions:
                    outer.intrusions.pop()()
                return await inner.publish(topic, key, value, **options)

        return Intruded()


def void_step(it, **fields):
    last = [said for said in it.read(AUDIT, AuditRecord) if said.kind is AuditKind.STEP][-1]
    it.append(AUDIT, "0", it.deployment.seal(replace(last, **fields), "decision-1"))


async def ruled(it):
    await it.until(lambda: it.published() == "atlas", "the primary")
    await asyncio.sleep(10)


async def decided(it):
    """The owner appends a step that counts."""
    it.levels["atlas", "unavailable"] = Level.UNAVAILABLE
    await it.until(lambda: it.published() == "birch", "the fallback")
    await asyncio.sleep(5)


def gaps(it):
    return it.reasons().count(Reason.LOG_GAP)


@pytest.mark.parametrize("times", [1, 2])
def test_a_step_is_told_once_if_the_owners_append_lands_beyond_it(world, times):
    async def scenario(clock):
        it = world(clock)
        bus = IntrudedBus(it.broker)
        async with it.owner(bus):
            await ruled(it)
            bus.intrusions += [lambda: void_step(it)] * times
            await decided(it)
        assert gaps(it) == times
        assert it.replayed().differences == []

    run_virtually(scenario)


def test_a_step_is_told_once_if_it_was_put_there_while_nobody_ruled(world):
    async def scenario(clock):
        it = world(clock)
        bus = IntrudedBus(it.broker)
        async with it.owner(bus):
            await ruled(it)
            bus.intrusions.append(lambda: void_step(it, term=-1))  # just before the claim that follows
            it.append(AUDIT, "0", b"a record of somebody else")
            await asyncio.sleep(5)
            await decided(it)
        assert gaps(it) == 1

    run_virtually(scenario)


def test_what_stands_in_the_log_when_a_process_begins_is_not_its_news(world):
    async def scenario(clock):
        it = world(clock)
        async with it.owner():
            await ruled(it)
        void_step(it)
        async with it.owner():
            await decided(it)
        assert gaps(it) == 0

    run_virtually(scenario)
