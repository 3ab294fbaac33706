"""Publishing to a broker that accepts connections and never answers; on real Kafka see `tests/contract/test_bus_conformance.py`."""

import asyncio
from types import SimpleNamespace

import pytest

from interlock.runtime import kafka_publisher
from interlock.runtime.kafka_client import Connection
from interlock.runtime.kafka_publisher import KafkaPublisher
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.errors import InfrastructureError

TIMEOUT_S = 10.0


class Silent:
    """A producer whose broker does not say who may write."""

    def __init__(self, **settings):
        pass

    async def start(self):
        await asyncio.Event().wait()

    async def stop(self):
        pass


class Slow(Silent):
    """One whose broker is silent for half a minute, and then takes half a second to say it."""

    async def start(self):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, 30 - loop.time()) + 0.5)

    async def send(self, topic, value, **where):
        told = asyncio.get_running_loop().create_future()
        told.set_result(SimpleNamespace(offset=7))
        return told


async def partitions(topic):
    return 4


def publisher_of(monkeypatch, producer):
    monkeypatch.setattr(kafka_publisher, "AIOKafkaProducer", producer)
    return KafkaPublisher(Connection("127.0.0.1:1", "test", 100, TIMEOUT_S), partitions)


async def call(times, every_s, act):
    """Act so many times, whether it was done before or not."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(times):
            tasks.create_task(act())
            await asyncio.sleep(every_s)


def test_many_who_wait_for_a_connection_each_wait_no_longer_than_one(monkeypatch):
    async def scenario(clock):
        publisher = publisher_of(monkeypatch, Silent)
        waited = []

        async def publish():
            begun = clock.now().boot
            with pytest.raises(InfrastructureError, match="no answer within 10 s"):
                await publisher.publish("topic", "key", b"value")
            waited.append((clock.now().boot - begun) / 1_000_000)

        await call(5, 0.4, publish)
        await publisher.close()
        return waited

    waited = run_virtually(scenario)
    assert len(waited) == 5
    assert max(waited) <= TIMEOUT_S + 0.01


def test_however_little_time_one_has_left_somebody_connects_when_the_broker_is_back(monkeypatch):
    """Callers a fifth of a second apart: whoever's turn it was would have had a fifth of a second to connect, for ever."""

    async def scenario(clock):
        publisher = publisher_of(monkeypatch, Slow)
        ends = []

        async def publish():
            try:
                ends.append(await publisher.publish("topic", "key", b"value"))
            except InfrastructureError:
                ends.append(None)

        await call(5 * 60, 0.2, publish)
        await publisher.close()
        return ends.index(7), set(ends[ends.index(7) :])

    failed, after = run_virtually(scenario)
    assert failed < 5 * 32
    assert after == {7}


def test_a_publisher_that_is_closed_while_it_connects_leaves_nothing_behind(monkeypatch):
    async def scenario(clock):
        publisher = publisher_of(monkeypatch, Silent)
        waiting = asyncio.create_task(publisher.publish("topic", "key", b"value"))
        await asyncio.sleep(1)
        await publisher.close()
        await asyncio.wait({waiting})
        with pytest.raises(InfrastructureError, match="closed"):
            await publisher.publish("topic", "key", b"value")
        return type(waiting.exception()), asyncio.all_tasks() - {asyncio.current_task()}

    assert run_virtually(scenario) == (InfrastructureError, set())
