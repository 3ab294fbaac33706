import asyncio

import pytest

from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.virtual_time import START, run_virtually
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import AUDIT, TELEMETRY


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
def bus(broker: MemoryBroker) -> MemoryBus:
    return MemoryBus(broker)


async def test_services_with_a_bus_each_meet_on_one_broker(broker):
    publisher = await MemoryBus(broker).publisher()
    reader = await MemoryBus(broker).reader([TELEMETRY.name])
    await publisher.publish(TELEMETRY.name, "model", b"seen")
    assert [record.value for record in await reader.batch()] == [b"seen"]


async def test_a_waiting_reader_is_woken_by_a_record_for_it_and_not_by_others(bus):
    reader = await bus.reader([Position(AUDIT.name, 1)])
    publisher = await bus.publisher()
    waiting = asyncio.create_task(reader.batch(wait_s=60))
    await publisher.publish(AUDIT.name, "0", b"not for it", partition=0)
    await publisher.publish(AUDIT.name, "1", b"for it", partition=1)
    assert [record.value for record in await waiting] == [b"for it"]


def test_waiting_takes_virtual_time_and_records_bear_it():
    async def scenario(clock):
        broker = MemoryBroker(clock=clock)
        bus = MemoryBus(broker)
        reader = await bus.reader([AUDIT.name])
        assert await reader.batch(wait_s=30) == []
        await (await bus.publisher()).publish(AUDIT.name, "0", b"", partition=0)
        (record,) = await reader.batch()
        assert record.timestamp_ms == START // 1_000 + 30_000

    run_virtually(scenario)


def test_an_unreachable_broker_is_forgotten_to_be_at_its_end_after_a_while():
    async def scenario(clock):
        broker = MemoryBroker(clock=clock)
        reader = await MemoryBus(broker).reader([AUDIT.name])
        await reader.batch()
        assert reader.at_end(2)
        broker.reachable = False
        await asyncio.sleep(1.9)
        assert reader.at_end(2)
        await asyncio.sleep(0.2)
        assert not reader.at_end(2)
        broker.reachable = True
        assert reader.at_end(2)

    run_virtually(scenario)


async def test_an_unreachable_broker_refuses_every_request_and_keeps_its_records(broker, bus):
    publisher, reader = await bus.publisher(), await bus.reader([AUDIT.name])
    await publisher.publish(AUDIT.name, "0", b"kept", partition=0)
    broker.reachable = False
    for asked in (publisher.publish(AUDIT.name, "0", b""), reader.end_offsets(), reader.read_to_end()):
        with pytest.raises(InfrastructureError):
            await asked
    assert await reader.batch(wait_s=0) == []
    broker.reachable = True
    assert [record.value for record in await reader.read_to_end()] == [b"kept"]


async def test_members_share_evenly_and_no_partition_is_held_twice(bus):
    members = [await bus.membership("group", AUDIT.name, instance=f"m{n}") for n in range(3)]
    assert sorted(len(member.held) for member in members) == [1, 1, 2]
    assert sorted(shard for member in members for shard in member.held) == [0, 1, 2, 3]


async def test_a_member_hears_of_a_change_once(bus):
    first = await bus.membership("group", AUDIT.name, instance="first")
    assert await first.changed() == frozenset(range(4))
    waiting = asyncio.create_task(first.changed())
    second = await bus.membership("group", AUDIT.name, instance="second")
    assert await waiting == first.held
    assert len(first.held) == 2
    await second.close()
    assert await first.changed() == frozenset(range(4))


async def test_whoever_joins_under_a_name_that_is_taken_puts_its_bearer_out(bus):
    first = await bus.membership("group", AUDIT.name, instance="same")
    second = await bus.membership("group", AUDIT.name, instance="same")
    assert (first.held, second.held) == (frozenset(), frozenset(range(4)))
    with pytest.raises(InfrastructureError, match="Give each process a name"):
        await first.changed()
