"""Publishing to a broker that accepts connections and never answers; on real Kafka see `tests/contract/test_bus_conformance.py`."""

import asyncio

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
        self.started = 0

    async def start(self):
        await asyncio.Event().wait()

    async def stop(self):
        pass


async def partitions(topic):
    return 4


def test_many_who_wait_for_a_connection_each_wait_no_longer_than_one(monkeypatch):
    monkeypatch.setattr(kafka_publisher, "AIOKafkaProducer", Silent)

    async def scenario(clock):
        publisher = KafkaPublisher(Connection("127.0.0.1:1", "test", 100, TIMEOUT_S), partitions)
        waited = []

        async def publish():
            begun = clock.now().boot
            with pytest.raises(InfrastructureError, match="no answer within 10 s"):
                await publisher.publish("topic", "key", b"value")
            waited.append((clock.now().boot - begun) / 1_000_000)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(publish())
                await asyncio.sleep(0.4)
        await publisher.close()
        return waited

    assert run_virtually(scenario) == pytest.approx([TIMEOUT_S] * 5, abs=0.01)
