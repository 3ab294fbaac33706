"""Three brokers that we start: any one may be lost, and what was acknowledged is not."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.brokers import detached
from interlock.brokers.real import KafkaCluster, end_group
from interlock.brokers.topics_admin import create_topics, replication
from interlock.brokers.waiting import wait_for
from interlock.runtime.bus import Position
from interlock.runtime.kafka_bus import KafkaBus
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError
from interlock.wire.topics import AUDIT, TOPICS

PATIENCE_S = 60  # a bound for a machine that is busy, never a wait
BEFORE, AFTER = 50, 20


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Three brokers with our topics."""
    cluster = KafkaCluster.start(tmp_path_factory.mktemp("kafka"), brokers=3)
    create_topics(cluster.bootstrap)
    yield cluster
    cluster.stop()


async def publish_on(bus: KafkaBus, kept: dict[int, bytes], until: asyncio.Event) -> None:
    """Publish one record after the other, and keep those that were acknowledged; whoever fails is asked again."""
    publisher = await bus.publisher()
    for number in range(10_000):
        value = f"record {number}".encode()
        try:
            kept[await publisher.publish(AUDIT.name, "0", value, partition=0)] = value
        except InfrastructureError:
            continue
        if until.is_set():
            return


async def holds(kept: dict[int, bytes], count: int) -> None:
    while len(kept) < count:  # noqa: ASYNC110 - a publisher's offsets are no event
        await asyncio.sleep(0.01)


async def test_each_topic_is_on_three_brokers_and_a_record_needs_two(kafka: KafkaCluster) -> None:
    def followed() -> bool:
        """A broker hears of a topic, and its followers say that they follow, a moment after it was made."""
        return [(each.topic, each.replicas, each.in_sync) for each in replication(kafka.bootstrap)] == [
            (spec.name, 3, 3) for spec in TOPICS
        ]

    assert await asyncio.to_thread(wait_for, followed, PATIENCE_S)


async def test_when_a_leader_is_killed_nothing_acknowledged_is_lost_and_another_leads(kafka: KafkaCluster) -> None:
    await asyncio.to_thread(wait_for, kafka.in_sync, PATIENCE_S)
    bus, kept, enough = KafkaBus(kafka.bootstrap), dict[int, bytes](), asyncio.Event()
    publishing = asyncio.create_task(publish_on(bus, kept, enough))
    async with asyncio.timeout(PATIENCE_S):
        await holds(kept, BEFORE)
        leader = kafka.leader(AUDIT.name, 0)
        assert leader is not None
        kafka.kill(leader)
        acknowledged = len(kept)
        await holds(kept, acknowledged + AFTER)
    enough.set()
    await publishing
    assert kafka.leader(AUDIT.name, 0) not in {leader, None}
    assert leader not in kafka.alive

    await asyncio.to_thread(kafka.restart, leader)
    assert await asyncio.to_thread(wait_for, kafka.in_sync, PATIENCE_S)
    reader = await bus.reader([Position(AUDIT.name, 0)])
    found = {record.offset: record.value for record in await reader.read_to_end()}
    await bus.close()
    assert kept.items() <= found.items()


async def test_without_a_majority_nothing_is_acknowledged_and_all_of_it_is_back_with_the_brokers(
    kafka: KafkaCluster,
) -> None:
    await asyncio.to_thread(wait_for, kafka.in_sync, PATIENCE_S)
    bus = KafkaBus(kafka.bootstrap)
    publisher = await bus.publisher()
    offset = await publisher.publish(AUDIT.name, "0", b"before", partition=0)
    kafka.kill(1, 2)
    assert not kafka.in_sync()
    with pytest.raises(InfrastructureError):
        await publisher.publish(AUDIT.name, "0", b"meanwhile", partition=0)
    kafka.kill(3)
    await asyncio.to_thread(kafka.restart, 1, 2, 3)
    assert await asyncio.to_thread(wait_for, kafka.in_sync, PATIENCE_S)
    assert await publisher.publish(AUDIT.name, "0", b"after", partition=0) > offset
    reader = await bus.reader([Position(AUDIT.name, 0)], start={Position(AUDIT.name, 0): offset})
    found = [record.value for record in await reader.read_to_end()]
    await bus.close()
    assert (found[0], found[-1]) == (b"before", b"after")


def test_a_paused_broker_is_alive_and_goes_on_where_it_was(kafka: KafkaCluster) -> None:
    assert wait_for(kafka.in_sync, PATIENCE_S)
    leader = kafka.leader(AUDIT.name, 0)
    assert leader is not None
    kafka.pause(leader)
    assert leader in kafka.alive
    try:
        assert wait_for(lambda: not in_sync_or_unknown(kafka), PATIENCE_S)
    finally:
        kafka.resume(leader)
    assert wait_for(kafka.in_sync, PATIENCE_S)


def in_sync_or_unknown(kafka: KafkaCluster) -> bool:
    try:
        return kafka.in_sync()
    except InfrastructureError:
        return True


def test_a_detached_cluster_runs_until_it_is_taken_down_and_the_node_that_ended_comes_back_by_up(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    try:
        bootstrap = detached.up(tmp_path, brokers=3, tell=told.append)
        create_topics(bootstrap)
        assert bootstrap.count(",") == 2
        found = detached.started(tmp_path)
        assert found is not None
        end_group(found.running[2], 9)  # type: ignore[arg-type]  # a signal's number will do
        assert wait_for(lambda: [node.number for node in found_now(tmp_path).ended] == [2], PATIENCE_S)
        told.clear()
        assert detached.up(tmp_path, tell=told.append) == bootstrap
        assert [line[:15] for line in told] == ["starting node 2"]
        assert found_now(tmp_path).ended == ()
        with pytest.raises(ConfigurationError, match="A cluster of 3 runs"):
            detached.up(tmp_path, brokers=1)
    finally:
        stopped = detached.down(tmp_path)
    assert stopped
    assert detached.running(tmp_path) is None
    with pytest.raises(ConfigurationError, match="holds a cluster of 3, and 1 were asked for"):
        detached.up(tmp_path, brokers=1)


def found_now(state: Path) -> detached.Started:
    found = detached.started(state)
    assert found is not None
    return found
