"""One suite for every bus: memory, Kafka's protocol on the embedded broker, and real Kafka.

What the embedded broker lacks is in `interlock.brokers.embedded.LACKS`; a test that needs it names it, and is not made for
that broker.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic

from interlock.brokers.embedded import FETCH_MAX_WAIT_MS, LACKS, EmbeddedBroker
from interlock.brokers.waiting import wait_for
from interlock.runtime.bus import Bus, Membership, Position, Reader, Record
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError, InvariantError
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.wire.topics import AUDIT, POLICIES

PARTITIONS = 4
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PATIENCE_S = 20  # a bound for a machine that is busy, never a wait


@dataclass(frozen=True)
class Backend:
    connect: Callable[[], Bus]
    new_topic: Callable[[], str]
    plant: Callable[[str, bytes | None, bytes | None], Awaitable[int]]  # as another client would, into partition 0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        needs = {name for mark in metafunc.definition.iter_markers("needs") for name in mark.args}
        assert needs <= set(LACKS), "a test may only need what LACKS names"
        metafunc.parametrize(
            "backend", ["memory", "kafka"] if needs else ["memory", "embedded", "kafka"], indirect=True
        )


def memory() -> Backend:
    names = [f"conformance-{n}" for n in range(10)]
    broker, fresh = MemoryBroker(dict.fromkeys(names, PARTITIONS)), iter(names)

    async def plant(topic: str, key: bytes | None, value: bytes | None) -> int:
        return broker.append(Position(topic, 0), key, value)

    return Backend(lambda: MemoryBus(broker), lambda: next(fresh), plant)


def kafka(bootstrap: str, new_topic: Callable[[], str], fetch_max_wait_ms: int) -> Backend:
    async def plant(topic: str, key: bytes | None, value: bytes | None) -> int:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            return (await producer.send_and_wait(topic, value, key=key, partition=0)).offset

    return Backend(lambda: KafkaBus(bootstrap, fetch_max_wait_ms=fetch_max_wait_ms), new_topic, plant)


def named() -> str:
    return f"conformance-{uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def embedded() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        yield broker.bootstrap


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "memory":
        return memory()
    if request.param == "embedded":
        return kafka(request.getfixturevalue("embedded"), named, FETCH_MAX_WAIT_MS)
    bootstrap = request.getfixturevalue("real_kafka")

    def new_topic() -> str:
        admin, name = AdminClient({"bootstrap.servers": bootstrap}), named()
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(PATIENCE_S)
        assert wait_for(lambda: name in admin.list_topics(timeout=PATIENCE_S).topics, PATIENCE_S)
        request.addfinalizer(lambda: admin.delete_topics([name])[name].result(PATIENCE_S))
        return name

    return kafka(bootstrap, new_topic, 100)


@pytest.fixture
async def bus(backend: Backend) -> AsyncIterator[Bus]:
    connected = backend.connect()
    yield connected
    await connected.close()


@pytest.fixture
def topic(backend: Backend) -> str:
    return backend.new_topic()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - a reader tells where it is, it does not call back
            await asyncio.sleep(0.01)


async def take(reader: Reader, count: int) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(records) < count:
            records += await reader.batch()
    return records


async def holds(member: Membership, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(member.held) != count:
            await member.changed()


async def test_records_of_a_partition_are_read_in_the_order_of_their_offsets(bus, topic):
    publisher = await bus.publisher()
    offsets = [await publisher.publish(topic, "key", b"%d" % n, partition=1) for n in range(5)]
    reader = await bus.reader([Position(topic, 1)])
    records = await take(reader, 5)
    assert offsets == [0, 1, 2, 3, 4] == [record.offset for record in records]
    assert [record.value for record in records] == [b"0", b"1", b"2", b"3", b"4"]
    assert {(record.topic, record.partition, record.key) for record in records} == {(topic, 1, b"key")}


async def test_records_published_at_the_same_time_keep_the_order_of_the_calls(bus, topic):
    publisher = await bus.publisher()
    offsets = await asyncio.gather(*(publisher.publish(topic, "key", b"%d" % n, partition=0) for n in range(50)))
    assert offsets == list(range(50))


async def test_a_key_alone_places_a_record_where_kafkas_own_partitioner_does(bus, topic):
    publisher = await bus.publisher()
    for key in ("agent-a/main/*", "agent-b/main/*", "model-1", "0"):
        await publisher.publish(topic, key, b"")
    reader = await bus.reader([topic])
    placed = {record.key: record.partition for record in await reader.read_to_end()}
    assert placed == {b"agent-a/main/*": 2, b"agent-b/main/*": 3, b"model-1": 0, b"0": 0}


async def test_a_reader_begins_where_it_is_told_and_elsewhere_at_the_first_record(bus, topic):
    publisher = await bus.publisher()
    for partition, n in itertools.product((0, 1), range(3)):
        await publisher.publish(topic, "key", b"%d" % n, partition=partition)
    reader = await bus.reader([topic], start={Position(topic, 0): 2})
    records = await reader.read_to_end()
    assert sorted((record.partition, record.offset) for record in records) == [(0, 2), (1, 0), (1, 1), (1, 2)]


async def test_positions_are_those_of_the_next_record_to_be_returned(bus, topic):
    publisher = await bus.publisher()
    for _ in range(3):
        await publisher.publish(topic, "key", b"", partition=0)
    where = Position(topic, 0)
    reader = await bus.reader([where], start={where: 1})
    assert reader.position(where) == 1
    (record,) = await reader.batch(limit=1, wait_s=PATIENCE_S)
    assert (record.offset, reader.position(where)) == (1, 2)


async def test_a_batch_is_never_larger_than_its_limit(bus, topic):
    publisher = await bus.publisher()
    await asyncio.gather(*(publisher.publish(topic, f"{n}", b"") for n in range(40)))
    reader = await bus.reader([topic])
    seen = 0
    async with asyncio.timeout(PATIENCE_S):
        while seen < 40:
            batch = await reader.batch(limit=7)
            assert len(batch) <= 7
            seen += len(batch)


async def test_a_batch_is_empty_when_nothing_comes(bus, topic):
    reader = await bus.reader([topic])
    assert await reader.batch(wait_s=0.05) == []


async def test_an_offset_beyond_the_end_is_an_error_and_not_a_silent_jump(bus, topic):
    reader = await bus.reader([Position(topic, 0)], start={Position(topic, 0): 7})
    with pytest.raises(InfrastructureError):
        await take(reader, 1)


async def test_reading_to_the_end_stops_at_the_end(bus, topic):
    publisher = await bus.publisher()
    await asyncio.gather(*(publisher.publish(topic, f"{n}", b"%d" % n) for n in range(300)))
    reader = await bus.reader([topic])
    assert sorted(int(record.value) for record in await reader.read_to_end()) == list(range(300))
    assert await reader.read_to_end() == []
    ends = await reader.end_offsets()
    assert sum(ends.values()) == 300
    assert all(reader.position(where) == end for where, end in ends.items())


async def test_a_reader_is_at_the_end_only_when_the_broker_has_said_so(bus, topic):
    publisher = await bus.publisher()
    await publisher.publish(topic, "key", b"", partition=0)
    reader = await bus.reader([topic])
    assert not reader.at_end(PATIENCE_S)
    await take(reader, 1)
    async with asyncio.timeout(PATIENCE_S):
        while not reader.at_end(2.0):
            await reader.batch()
    await publisher.publish(topic, "key", b"", partition=2)
    await until(lambda: not reader.at_end(2.0))
    await take(reader, 1)
    await until(lambda: reader.at_end(2.0))


async def test_a_tombstone_and_its_key_survive(backend, bus, topic):
    offset = await backend.plant(topic, b"gone", None)
    reader = await bus.reader([topic])
    (record,) = await take(reader, 1)
    assert (record.key, record.value, record.offset) == (b"gone", None, offset)


async def test_the_trace_of_a_record_travels_with_it_and_a_record_without_one_has_none(bus, topic):
    publisher = await bus.publisher()
    await publisher.publish(topic, "k", b"traced", partition=0, trace=TRACE)
    await publisher.publish(topic, "k", b"plain", partition=0)
    await publisher.publish(topic, "k", b"malformed", partition=0, trace="not a trace")
    reader = await bus.reader([Position(topic, 0)])
    assert [record.trace for record in await reader.read_to_end()] == [TRACE, "", ""]


async def test_a_record_without_a_key_from_another_client_is_read(backend, bus, topic):
    await backend.plant(topic, None, b"anything")
    reader = await bus.reader([topic])
    (record,) = await take(reader, 1)
    assert (record.key, record.value) == (None, b"anything")


async def test_a_group_resumes_where_it_committed(backend, bus, topic):
    publisher, group, where = await bus.publisher(), named(), Position(topic, 0)
    for n in range(4):
        await publisher.publish(topic, "key", b"%d" % n, partition=0)
    reader = await bus.reader([topic], group=group)
    await take(reader, 4)
    await reader.commit({where: 3})
    await bus.close()
    again = backend.connect()
    resumed = await again.reader([topic], group=group)
    assert [record.offset for record in await resumed.read_to_end()] == [3]
    await again.close()


async def test_a_start_that_is_given_counts_more_than_what_was_committed(bus, topic):
    publisher, group, where = await bus.publisher(), named(), Position(topic, 0)
    for _ in range(2):
        await publisher.publish(topic, "key", b"", partition=0)
    reader = await bus.reader([topic], group=group)
    await reader.commit({where: 2})
    told = await bus.reader([topic], group=group, start={where: 0})
    assert [record.offset for record in await told.read_to_end()] == [0, 1]


async def test_a_reader_without_a_group_cannot_commit(bus, topic):
    reader = await bus.reader([topic])
    with pytest.raises(InvariantError):
        await reader.commit({Position(topic, 0): 0})


async def test_the_only_member_of_a_group_holds_every_partition(bus, topic):
    member = await bus.membership(named(), topic, instance="one")
    async with asyncio.timeout(PATIENCE_S):
        assert await member.changed() == frozenset(range(PARTITIONS)) == member.held
    await member.close()
    assert member.held == frozenset()


async def test_a_member_that_leaves_makes_room_for_the_next(backend, topic):
    group, first, second = named(), backend.connect(), backend.connect()
    await holds(await first.membership(group, topic, instance="one"), PARTITIONS)
    await first.close()
    await holds(await second.membership(group, topic, instance="two"), PARTITIONS)
    await second.close()


@pytest.mark.needs("shared_groups")
async def test_two_members_share_the_partitions_and_the_one_that_stays_gets_them_all(bus, topic):
    group = named()
    first = await bus.membership(group, topic, instance="one")
    await holds(first, PARTITIONS)
    second = await bus.membership(group, topic, instance="two")
    await holds(first, PARTITIONS // 2)
    await holds(second, PARTITIONS // 2)
    assert first.held | second.held == frozenset(range(PARTITIONS))
    await second.close()
    await holds(first, PARTITIONS)


async def test_an_unreachable_broker_is_an_error_in_bounded_time(backend):
    bus = unreachable(backend)
    async with asyncio.timeout(PATIENCE_S):
        for reaching in (bus.publisher(), bus.reader([AUDIT.name]), bus.membership("g", AUDIT.name, instance="i")):
            with pytest.raises(InfrastructureError):
                await reaching
        await bus.close()


def unreachable(backend: Backend) -> Bus:
    if isinstance(backend.connect(), KafkaBus):
        return KafkaBus("127.0.0.1:1", timeout_s=1.0)
    broker = MemoryBroker()
    broker.reachable = False
    return MemoryBus(broker)


async def test_a_one_partition_topic_is_written_and_read_in_partition_0_only(bus):
    publisher = await bus.publisher()
    assert await bus.partitions(POLICIES.name) == 1
    reader = await bus.reader([POLICIES.name])
    assert list(await reader.end_offsets()) == [Position(POLICIES.name, 0)]
    offsets = [await publisher.publish(POLICIES.name, f"conformance/{n}", b"") for n in range(8)]
    assert offsets == list(range(offsets[0], offsets[0] + 8))


async def test_a_topic_that_is_not_in_the_table_has_the_partitions_of_the_broker(bus, topic):
    assert await bus.partitions(topic) == PARTITIONS


@pytest.mark.needs("missing_topics")
async def test_a_missing_topic_is_the_operators_to_mend(bus):
    with pytest.raises(ConfigurationError, match="interlock kafka topics"):
        await bus.reader(["conformance-none-such"])


async def test_a_record_that_no_topic_would_take_is_refused_before_it_is_sent(bus, topic):
    publisher = await bus.publisher()
    with pytest.raises(InvariantError):
        await publisher.publish(topic, "key", bytes(RECORD_BYTES_MAX), partition=0)
    assert await publisher.publish(topic, "key", bytes(RECORD_BYTES_MAX - 300), partition=0, trace=TRACE) == 0
    reader = await bus.reader([Position(topic, 0)])
    (record,) = await take(reader, 1)
    assert len(record.value) == RECORD_BYTES_MAX - 300


async def test_a_partition_that_is_not_there_is_refused(bus, topic):
    publisher = await bus.publisher()
    with pytest.raises(InvariantError):
        await publisher.publish(topic, "key", b"", partition=PARTITIONS)


async def test_closing_a_bus_leaves_its_groups_and_may_be_done_twice(backend, topic):
    bus = backend.connect()
    await bus.publisher()
    await bus.reader([topic])
    member = await bus.membership(named(), topic, instance="one")
    await holds(member, PARTITIONS)
    async with asyncio.timeout(PATIENCE_S):
        await bus.close()
        await bus.close()
    assert member.held == frozenset()
