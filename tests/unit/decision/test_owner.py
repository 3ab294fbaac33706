"""Two owners of one shard, each of which believes that it alone holds it."""

import asyncio

from interlock.decision.owner import RESTS_S, ShardOwner
from interlock.records.audit import AuditKind, AuditRecord
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBus
from interlock.testing.virtual_time import run_virtually
from interlock.wire.topics import AUDIT


class SlowBus(MemoryBus):
    """Takes a millisecond for each record, as a network does: without that, two owners that fight would let no time pass."""

    async def publisher(self):
        inner = await super().publisher()

        class Slow:
            async def publish(self, *record, **options):
                await asyncio.sleep(0.001)
                return await inner.publish(*record, **options)

        return Slow()


def test_two_processes_that_both_believe_they_hold_a_shard_do_not_fill_its_log_with_claims(world):
    async def scenario(clock):
        it, stop = world(clock), Stop()
        async with it.desk(SlowBus(it.broker)) as one, it.desk(SlowBus(it.broker)) as other:
            tasks = [asyncio.create_task(ShardOwner(desk).run(stop)) for desk in (one, other)]
            await asyncio.sleep(20)
            stop.request()
            await asyncio.gather(*tasks)
        claims = [record for record in it.read(AUDIT, AuditRecord) if record.kind is AuditKind.CLAIM]
        assert 2 <= len(claims) <= 2 * (len(RESTS_S) + 20 / RESTS_S[-1])
        assert it.replayed().differences == []

    run_virtually(scenario)


def test_one_doubt_costs_no_time(world):
    async def scenario(clock):
        it = world(clock)
        async with it.owner():
            await it.until(lambda: it.published() == "atlas", "the primary")
            await asyncio.sleep(10)
            it.append(AUDIT, "0", b"a record of somebody else")
            claims = len(claimed(it))
            await it.until(lambda: len(claimed(it)) > claims, "a new claim", seconds=1)
            await asyncio.sleep(0.1)
            assert claimed(it)[-1].now - clock.now().wall < 400_000

    run_virtually(scenario)


def claimed(it):
    return [record for record in it.read(AUDIT, AuditRecord) if record.kind is AuditKind.CLAIM]
