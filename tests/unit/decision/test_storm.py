"""The model of many agents dies: orders come first, and the state topic is written when they are out."""

from itertools import islice

from interlock.records.audit import AuditRecord
from interlock.records.health import Level
from interlock.runtime.memory_bus import MemoryBus
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.limits import CHANGES_PER_STEP_MAX
from interlock.wire.topics import AUDIT, HEARTBEATS, POLICIES, ROUTES, SHARDS, STATE

SHARD = shard_of("support", SHARDS)
MANY = 240
AGENTS = tuple(islice((name for n in range(10_000) if shard_of(name := f"a{n}", SHARDS) == SHARD), MANY))


class Told(MemoryBus):
    """Remembers on which topics was published, in order."""

    def __init__(self, broker):
        super().__init__(broker)
        self.topics = []

    async def publisher(self):
        inner, outer = await super().publisher(), self

        class Telling:
            async def publish(self, topic, key, value, *, partition=None, trace=""):
                outer.topics.append(topic)
                return await inner.publish(topic, key, value, partition=partition, trace=trace)

        return Telling()


def test_orders_come_before_the_state_and_fill_the_records_of_the_log(world):
    async def scenario(clock):
        it = world(clock, agents=("support", *AGENTS))
        for name in AGENTS:
            it.append(POLICIES, f"policy/{name}", it.deployment.policy(name, ["atlas", "birch"]), 0)
        bus = Told(it.broker)
        async with it.owner(bus):
            await it.until(
                lambda: len(it.records(ROUTES)) == 2 * (MANY + 1), "everybody is on the primary", seconds=600
            )
            await it.until(it.marked, "everything is on the state topic")
            steps = len(it.records(AUDIT))
            bus.topics.clear()
            it.levels["atlas", "unavailable"] = Level.UNAVAILABLE
            await it.until(lambda: len(it.records(ROUTES)) == 3 * (MANY + 1), "everybody is on the fallback")
            await it.until(it.marked, "everything is on the state topic")
        storm = [topic for topic in bus.topics if topic != HEARTBEATS.name]
        last_order = len(storm) - storm[::-1].index(ROUTES.name)
        assert STATE.name not in storm[storm.index(ROUTES.name) : last_order]
        assert storm[last_order:].count(STATE.name) > 2 * MANY
        orders = [len(step.changes) for step in it.read(AUDIT, AuditRecord)[steps:] if step.changes]
        assert sum(orders) == MANY + 1
        assert 4 * CHANGES_PER_STEP_MAX < max(orders) < MANY
        assert it.replayed().differences == []

    run_virtually(scenario)
