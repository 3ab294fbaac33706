"""What a bus says while its broker is away, and that it goes on afterwards."""

import asyncio
import ctypes
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from interlock.brokers.embedded import FETCH_MAX_WAIT_MS, EmbeddedBroker
from interlock.runtime.bus import Bus, Position
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.vocabulary.errors import InfrastructureError

TOPIC = "outage"
PATIENCE_S = 20  # a bound for a machine that is busy, never a wait


@dataclass(frozen=True)
class Stage:
    bus: Bus
    leave: Callable[[], None]
    come_back: Callable[[], None]


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({TOPIC: 1}) as broker:
        yield broker


@pytest.fixture(params=["memory", "embedded"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "memory":
        memory = MemoryBroker({TOPIC: 1})
        built = Stage(
            MemoryBus(memory),
            lambda: setattr(memory, "reachable", False),
            lambda: setattr(memory, "reachable", True),
        )
    else:
        broker = request.getfixturevalue("embedded")
        bus = KafkaBus(broker.bootstrap, fetch_max_wait_ms=FETCH_MAX_WAIT_MS, timeout_s=1.0)
        built = Stage(bus, lambda: switch(broker, "down"), lambda: switch(broker, "up"))
    yield built
    await built.bus.close()


def switch(broker: EmbeddedBroker, way: str) -> None:
    function = getattr(broker._lib, f"rd_kafka_mock_broker_set_{way}")
    function.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    function(broker._cluster, 1)


async def test_a_publisher_fails_in_bounded_time_and_works_again_when_the_broker_is_back(stage):
    publisher = await stage.bus.publisher()
    first = await publisher.publish(TOPIC, "key", b"before")
    stage.leave()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(InfrastructureError):
            await publisher.publish(TOPIC, "key", b"during")
        with pytest.raises(InfrastructureError):
            await publisher.publish(TOPIC, "key", b"still")
    stage.come_back()
    last = await published(publisher, b"after")
    reader = await stage.bus.reader([TOPIC])
    records = await reader.read_to_end()
    assert (records[0].offset, records[0].value) == (first, b"before")
    assert (records[-1].offset, records[-1].value) == (last, b"after")


async def published(publisher, value):
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await publisher.publish(TOPIC, "key", value)
            except InfrastructureError:
                continue


async def test_a_reader_that_hears_nothing_is_soon_not_at_the_end_and_reads_on_afterwards(stage):
    publisher = await stage.bus.publisher()
    await publisher.publish(TOPIC, "key", b"before")
    reader = await stage.bus.reader([TOPIC])
    async with asyncio.timeout(PATIENCE_S):
        while not reader.at_end(0.5):
            await reader.batch()
        stage.leave()
        while reader.at_end(0.5):
            assert await reader.batch(wait_s=0.05) == []
        with pytest.raises(InfrastructureError):
            await reader.end_offsets()
        stage.come_back()
        await published(publisher, b"after")
        while reader.position(Position(TOPIC, 0)) < 2:
            await reader.batch()
        while not reader.at_end(0.5):
            await reader.batch()


async def test_everything_closes_in_bounded_time_while_the_broker_is_away(stage):
    await stage.bus.publisher()
    await stage.bus.reader([TOPIC])
    member = await stage.bus.membership("group", TOPIC, instance="one")
    async with asyncio.timeout(PATIENCE_S):
        await member.changed()
        stage.leave()
        await stage.bus.close()
    assert member.held == frozenset()
