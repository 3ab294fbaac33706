"""A quota holds back the client that it names, and nobody else; taken away, it is gone."""

import asyncio

import pytest

from interlock.brokers.quotas import bound_writes
from interlock.runtime.kafka_bus import KafkaBus
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import TELEMETRY

LOUD, OTHER = "loud-1", "other-1"
RECORD = b"x" * 100_000


async def write(bootstrap: str, client: str) -> None:
    bus = KafkaBus(bootstrap, client=client, timeout_s=2.0)
    try:
        publisher = await bus.publisher()
        for _ in range(3):
            await publisher.publish(TELEMETRY.name, "garbage", RECORD)
    finally:
        await bus.close()


def test_a_client_that_writes_beyond_its_quota_waits_for_its_answers_and_others_do_not(real_kafka: str) -> None:
    bound_writes(real_kafka, LOUD, 1_000)
    with pytest.raises(InfrastructureError, match="no answer within 2 s"):
        asyncio.run(write(real_kafka, LOUD))
    asyncio.run(write(real_kafka, OTHER))
    bound_writes(real_kafka, LOUD, None)
    bound_writes(real_kafka, LOUD, None)  # it is gone already, and nobody minds
    asyncio.run(write(real_kafka, LOUD))


def test_a_cluster_that_is_not_there_is_said_to_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.brokers.quotas._S_MAX", 3.0)
    with pytest.raises(InfrastructureError, match="could not be set"):
        bound_writes("127.0.0.1:1", LOUD, None)
