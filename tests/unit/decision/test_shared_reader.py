"""What every shard must hear is read once, and every owner hears all of it once, whenever it begins and however slow it is."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.decision import shared_reader
from interlock.decision.shared_reader import SharedReader
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import POLICIES, VERDICTS


class CountingBus(MemoryBus):
    """Counts how often what is read from it is asked for more."""

    def __init__(self, broker):
        super().__init__(broker)
        self.readers = []

    async def reader(self, topics, *, start=None, group=None):
        await asyncio.sleep(0.01)
        reader = await super().reader(topics, start=start, group=group)
        reader.asked, reader.closed, batch = 0, False, reader.batch

        async def counted(**how):
            reader.asked += 1
            return await batch(**how)

        async def close():
            reader.closed = True

        reader.batch, reader.close = counted, close
        self.readers.append(reader)
        return reader


class World:
    def __init__(self, clock):
        self.broker = MemoryBroker(clock=clock)
        self.bus = CountingBus(self.broker)
        self.shared = SharedReader(self.bus)

    def say(self, value=b"said", partition=0, topic=VERDICTS):
        return self.broker.append(Position(topic.name, partition), b"key", value)

    async def listeners(self, count):
        """So many, who have heard what was said before they came."""
        all_of_them = [await self.shared.listen({}) for _ in range(count)]
        for each in all_of_them:
            await each.read_to_end()
        return all_of_them

    @property
    def stream(self):
        """The reader that is shared: the one that was opened with a beginning everywhere."""
        return self.bus.readers[1]


def offsets(records):
    return [record.offset for record in records]


def test_each_hears_what_was_said_before_and_after_it_came_once():
    async def scenario(clock):
        world = World(clock)
        world.say()
        one = await world.shared.listen({})
        world.say()
        heard = [offsets(await one.read_to_end())]
        world.say()
        other = await world.shared.listen({})
        world.say()
        heard += [offsets(await other.read_to_end())]
        heard += [offsets(await one.batch(limit=9, wait_s=1)), offsets(await other.batch(limit=9, wait_s=1))]
        assert [one.at_end(2), other.at_end(2)] == [True, True]
        return heard

    assert run_virtually(scenario) == [[0, 1], [0, 1, 2, 3], [2, 3], []]


def test_it_begins_where_it_is_told_to():
    async def scenario(clock):
        world = World(clock)
        for _ in range(3):
            world.say(), world.say(topic=POLICIES)
        listener = await world.shared.listen({Position(VERDICTS.name, 0): 2})
        return [(each.topic, each.offset) for each in await listener.read_to_end() if each.topic == VERDICTS.name]

    assert run_virtually(scenario) == [(VERDICTS.name, 2)]


def test_one_reads_for_all():
    async def scenario(clock):
        world = World(clock)
        listeners = await world.listeners(4)
        waiting = [asyncio.create_task(listener.batch(limit=9, wait_s=1)) for listener in listeners]
        await asyncio.sleep(0.5)
        world.say()
        heard = [offsets(await task) for task in waiting]
        return heard, world.stream.asked

    assert run_virtually(scenario) == ([[0]] * 4, 1)


def test_another_goes_on_when_the_one_who_reads_has_something_else_to_do():
    async def scenario(clock):
        world = World(clock)
        one, other = await world.listeners(2)
        short = asyncio.create_task(one.batch(limit=9, wait_s=0.2))
        long = asyncio.create_task(other.batch(limit=9, wait_s=5))
        assert await short == []
        await asyncio.sleep(1)
        begun = clock.now().boot
        world.say()
        return offsets(await long), clock.now().boot - begun

    assert run_virtually(scenario) == ([0], 0)


def test_nothing_is_dropped_for_a_slow_one_and_nobody_reads_on_before_it_has_taken_some(monkeypatch):
    monkeypatch.setattr(shared_reader, "KEPT_BYTES_MAX", 1_000)

    async def scenario(clock):
        world = World(clock)
        slow, quick = await world.listeners(2)
        for _ in range(9):
            world.say(bytes(200))
        heard = []
        for _ in range(9):
            heard += await quick.batch(limit=1, wait_s=0)
        held = len(heard)
        assert held < 9
        assert not quick.at_end(2)
        waiting, begun = asyncio.create_task(quick.batch(limit=1, wait_s=5)), clock.now().boot
        await asyncio.sleep(1)
        taken = [record for _ in range(held) for record in await slow.batch(limit=1, wait_s=0)]
        heard += await waiting
        assert clock.now().boot - begun == 1_000_000  # at once when the slow one had taken some
        while more := [*await quick.batch(limit=9, wait_s=0), *await slow.batch(limit=9, wait_s=0)]:
            heard += more
        return len(heard) + len(taken)

    assert run_virtually(scenario) == 18


def test_what_failed_is_told_to_all_and_never_read_again():
    async def scenario(clock):
        world = World(clock)
        one, other = await world.listeners(2)

        world.say()
        assert [offsets(await each.batch(limit=9, wait_s=1)) for each in (one, other)] == [[0], [0]]

        async def fail(**how):
            raise InfrastructureError("A hole.", "Look.")

        world.stream.batch = fail
        with pytest.raises(InfrastructureError, match="A hole"):
            await one.batch(limit=9, wait_s=1)
        assert not other.at_end(2)
        with pytest.raises(InfrastructureError, match="together"):
            await other.batch(limit=9, wait_s=1)
        await one.close()
        again = await world.shared.listen({})
        world.say()
        await other.close()
        return offsets(await again.read_to_end()), world.stream.closed

    assert run_virtually(scenario) == ([0, 1], True)


def test_a_cancelled_reading_counts_as_failed_for_nobody_knows_what_it_passed_over():
    async def scenario(clock):
        world = World(clock)
        one, other = await world.listeners(2)
        reading = asyncio.create_task(one.batch(limit=9, wait_s=5))
        await asyncio.sleep(1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        with pytest.raises(InfrastructureError):
            await other.batch(limit=9, wait_s=1)

    run_virtually(scenario)


def test_with_the_last_one_the_readers_are_closed():
    async def scenario(clock):
        world = World(clock)
        one, other = [await world.shared.listen({}) for _ in range(2)]
        await one.read_to_end()
        assert [reader.closed for reader in world.bus.readers] == [True, False, False]
        await one.close()
        assert not world.stream.closed
        await other.close()
        await other.close()
        assert [reader.closed for reader in world.bus.readers] == [True] * 3
        await world.shared.listen({})
        return len(world.bus.readers)

    assert run_virtually(scenario) == 5


def test_those_who_come_at_once_share_one_reader():
    async def scenario(clock):
        world = World(clock)
        await asyncio.gather(*(world.shared.listen({}) for _ in range(4)))
        return len(world.bus.readers)

    assert run_virtually(scenario) == 5


def test_when_one_leaves_for_whom_the_others_waited_they_go_on(monkeypatch):
    monkeypatch.setattr(shared_reader, "KEPT_BYTES_MAX", 1_000)

    async def scenario(clock):
        world = World(clock)
        slow, quick = await world.listeners(2)
        for _ in range(3):
            world.say(bytes(1_000))
        assert offsets(await quick.batch(limit=1, wait_s=0)) == [0]
        waiting = asyncio.create_task(quick.batch(limit=1, wait_s=5))
        await asyncio.sleep(1)
        begun = clock.now().boot
        await slow.close()
        return offsets(await waiting), clock.now().boot - begun

    assert run_virtually(scenario) == ([1], 0)


def test_a_broker_that_shows_less_than_it_did_is_not_believed():
    async def scenario(clock):
        world = World(clock)
        one = await world.shared.listen({})
        world.say()
        await one.read_to_end()
        assert offsets(await one.batch(limit=9, wait_s=1)) == []
        late = await world.shared.listen({})
        world.bus.readers[-1].read_to_end = nothing
        with pytest.raises(InfrastructureError, match="ends at 0, and 1 was reached before"):
            await late.read_to_end()

    async def nothing():
        return []

    run_virtually(scenario)


@settings(max_examples=30, deadline=None)
@given(st.randoms())
def test_whatever_comes_when_each_hears_each_record_once_and_in_order(chance):
    async def scenario(clock):
        world, heard = World(clock), {}
        listeners, said = {}, 0
        for _ in range(200):
            deed = chance.choice(("say", "say", "say", "come", "hear", "hear", "hear", "go"))
            if deed == "say":
                world.say(partition=chance.randrange(4))
                said += 1
            elif deed == "come" and len(listeners) < 5:
                listener = await world.shared.listen({})
                if chance.random() < 0.5:
                    world.say(partition=chance.randrange(4))
                    said += 1
                heard[listener] = await listener.read_to_end()
                listeners[listener] = None
            elif deed == "hear" and listeners:
                some = chance.sample(list(listeners), chance.randint(1, len(listeners)))
                batches = [each.batch(limit=chance.randint(1, 4), wait_s=chance.choice((0, 0.1))) for each in some]
                for listener, records in zip(some, await asyncio.gather(*batches), strict=True):
                    heard[listener] += records
            elif deed == "go" and len(listeners) > 1:
                leaver = chance.choice(list(listeners))
                del listeners[leaver]
                await leaver.close()
        for listener in listeners:
            while not listener.at_end(2):
                heard[listener] += await listener.batch(limit=50, wait_s=0)
        for listener in listeners:
            for partition in range(4):
                ours = [record.offset for record in heard[listener] if record.partition == partition]
                assert ours == list(range(len(ours)))
            assert len(heard[listener]) == said

    run_virtually(scenario)
