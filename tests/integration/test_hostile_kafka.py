"""What Kafka itself lets through, or does not, of what is hostile about a batch: everything that is no matter of a record's value.

A broker of its own: what is put here would stay on the topics of other tests.
"""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from interlock.brokers.real import KafkaCluster
from interlock.brokers.topics_admin import create_topics
from interlock.health_monitor.faust_stream import TelemetryStream
from interlock.runtime.bus import Position
from interlock.runtime.clock import SystemClock
from interlock.runtime.continuity import GAPLESS
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.lifecycle import Stop
from interlock.testing.hostile import batches as written
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.wire.topics import AUDIT, COMMANDS, FINDINGS, NOTICES, POLICIES, STATE, TELEMETRY, TOPICS, VERDICTS

CODECS = ("gzip", "snappy", "lz4", "zstd")
HOUR_MS = 3_600_000
PATIENCE_S = 60
REFUSED = KafkaError.MSG_SIZE_TOO_LARGE
BOMB = bytes(45_000_000)
"""A few kilobytes on the wire, far below what a topic takes."""

GZIP = 1


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    broker = KafkaCluster.start(tmp_path_factory.mktemp("hostile-kafka"))
    try:
        create_topics(broker.bootstrap)
        yield broker.bootstrap
    finally:
        broker.stop()


@pytest.fixture
async def bus(kafka):
    bus = KafkaBus(kafka)
    yield bus
    await bus.close()


async def read(bus, topic, partition):
    """Everything on a partition, and whether the reader knows then that it is at the end."""
    reader = await bus.reader([Position(topic, partition)])
    try:
        records = await asyncio.wait_for(reader.read_to_end(), PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            while not reader.at_end(PATIENCE_S):
                records += await reader.batch()
        return records
    finally:
        await reader.close()


def produced(kafka, topic, values, *, codec="none", partition=0):
    """Send values as one batch with librdkafka, which knows every codec; how each of them ended."""
    settings = {
        "bootstrap.servers": kafka,
        "compression.type": codec,
        "linger.ms": 500,
        "message.max.bytes": 100_000_000,
        "batch.size": 100_000_000,
        "batch.num.messages": 1_000,
        "queue.buffering.max.kbytes": 200_000,
        "message.timeout.ms": 30_000,
    }
    told = []
    producer = Producer(settings)
    for value in values:
        producer.produce(
            topic, value, b"key", partition=partition, on_delivery=lambda error, _: told.append(error and error.code())
        )
    assert producer.flush(PATIENCE_S) == 0
    return told


class Name(str):
    """A header's name that goes on the wire as bytes that are no text."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff\xfe"


async def sent(kafka, topic, partition, *records, codec=0):
    """Send (key, value, timestamp, headers) as one batch, whatever is in them; what a client of ours would never make."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 100_000_000)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=2 * RECORD_BYTES_MAX)
    await producer.start()
    try:
        await producer.partitions_for(topic)
        batch = producer.create_batch()
        for number, (key, value, at_ms, headers) in enumerate(records):
            builder.append(number, at_ms, key, value, headers)
            batch.append(key=b"", value=b"", timestamp=at_ms)
        batch.close()
        batch._buffer = bytearray(builder.build())
        return await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()


async def sent_as_is(kafka, topic, partition, encoded):
    """Send a batch that was made by hand."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.partitions_for(topic)
        batch = producer.create_batch()
        batch.append(key=b"", value=b"", timestamp=now_ms())
        batch.close()
        batch._buffer = bytearray(encoded)
        return await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()


def now_ms():
    return SystemClock().now().wall // 1_000


async def ends(bus):
    """Where every partition of every topic ends."""
    reader = await bus.reader([topic.name for topic in TOPICS])
    try:
        return await reader.end_offsets()
    finally:
        await reader.close()


@pytest.mark.parametrize("codec", CODECS)
async def test_a_bomb_is_refused_by_the_broker_on_every_topic(kafka, bus, codec):
    before = await ends(bus)
    for topic in TOPICS:
        assert produced(kafka, topic.name, [BOMB], codec=codec) == [REFUSED]
    assert await ends(bus) == before


async def test_a_bomb_of_many_records_is_refused_by_the_broker_on_every_topic(kafka, bus):
    before = await ends(bus)
    for topic in TOPICS:
        with pytest.raises(MessageSizeTooLargeError):
            await sent(kafka, topic.name, 0, *[(b"key", bytes(900_000), now_ms(), [])] * 50, codec=GZIP)
    assert await ends(bus) == before


@pytest.mark.parametrize("codec", CODECS)
async def test_a_compressed_batch_that_is_small_enough_is_unfolded_by_the_broker_and_not_by_us(kafka, bus, codec):
    """Our readers have no library for three of the codecs: they can read only what is not compressed any more."""
    before = len(await read(bus, FINDINGS.name, 1))
    assert produced(kafka, FINDINGS.name, [bytes(1_000)] * 3, codec=codec, partition=1) == [None] * 3
    assert [len(record.value) for record in await read(bus, FINDINGS.name, 1)][before:] == [1_000] * 3


def test_without_the_topics_setting_the_bomb_would_stand_there(kafka):
    topic = NewTopic("unguarded", 1, 1, config={"compression.type": "producer"})
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([topic])["unguarded"].result(PATIENCE_S)
    assert produced(kafka, "unguarded", [BOMB], codec="zstd") == [None]


def test_a_record_larger_than_a_topic_takes_is_refused_by_the_broker(kafka):
    for topic in TOPICS:
        assert produced(kafka, topic.name, [bytes(RECORD_BYTES_MAX)]) == [REFUSED]


async def test_no_header_keeps_a_record_or_those_after_it_from_being_read(kafka, bus):
    at, topic = now_ms(), TELEMETRY.name
    traces = [("traceparent", b"00-not-a-trace")] * 10_000
    many = [(f"header-{number}", bytes(50)) for number in range(2_000)]
    await sent(kafka, topic, 0, (b"key", b"0", at, []), (b"key", b"1", at, traces), (b"key", b"2", at, many))
    await sent(kafka, topic, 0, (b"key", b"3", at, [("traceparent", None), ("", b"")]))
    await sent(kafka, topic, 0, (b"key", b"4", at, []), (b"key", b"5", at, [(Name("?"), b"x")]), (b"key", b"6", at, []))
    found = await read(bus, topic, 0)
    assert [record.value for record in found] == [b"0", b"1", b"2", b"3", b"4", b"5", b"6"]
    assert {record.trace for record in found} == {""}


async def test_the_health_monitor_reads_on_behind_every_batch_of_that_kind(kafka):
    heard, stop, assigned = [], Stop(), asyncio.Event()

    async def handle(records):
        heard.extend(record.value for record in records)

    stream = TelemetryStream(kafka, 20, handle, lambda held: assigned.set() if held else assigned.clear())
    running = asyncio.create_task(stream.run(stop))
    await asyncio.wait_for(assigned.wait(), PATIENCE_S)
    at, poison = now_ms(), [(Name("?"), b"x")]
    async with asyncio.timeout(PATIENCE_S):
        while b"begun" not in heard:  # it begins at the end of the topic, as soon as it has looked where that is
            await sent(kafka, TELEMETRY.name, 1, (b"key", b"begun", now_ms(), []))
        for number, hostile in enumerate(
            [
                (b"key", b"poison", at, poison),
                (None, b"no key", at, []),
                (b"\xff", None, at, [("traceparent", None)]),
                (b"key", b"no time", -1, []),
                (b"key", b"before 1970", -5, []),
            ]
        ):
            await sent(kafka, TELEMETRY.name, 1, (b"key", b"a%d" % number, at, []), hostile)
            await sent(kafka, TELEMETRY.name, 1, (b"key", b"b%d" % number, at, []))
            while b"b%d" % number not in heard:
                assert not running.done()
                await asyncio.sleep(0.02)
    stop.request()
    await running
    assert [value for value in heard if value != b"begun"] == [
        *(b"a0", b"poison", b"b0", b"a1", b"no key", b"b1", b"a2", None, b"b2"),
        *(b"a3", b"no time", b"b3", b"a4", b"before 1970", b"b4"),
    ]


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.cleanup == "compact"])
async def test_a_compacted_topic_takes_no_record_without_a_key(kafka, topic):
    with pytest.raises(Exception, match="UnknownError"):
        await sent(kafka, topic, 1, (None, b"value", now_ms(), []))


async def test_a_time_a_writer_made_up_hides_no_record_and_none_beside_it(kafka, bus):
    now = now_ms()
    told = [now, -1, 0, -5, 1, now, now + HOUR_MS - 60_000, now]
    await sent(kafka, COMMANDS.name, 3, *((b"key", b"value", at, []) for at in told))
    found = await read(bus, COMMANDS.name, 3)
    assert [record.timestamp_ms - now for record in found] == [at - now for at in told]
    year_2262 = 9_223_372_036_854
    for at in (now + HOUR_MS + 60_000, year_2262, 2**63 - 1, -(2**63)):
        with pytest.raises(InvalidTimestampError):
            await sent(kafka, COMMANDS.name, 3, (b"key", b"value", at, []))


async def test_the_brokers_own_clock_stamps_what_is_read_by_its_age_and_the_log(kafka, bus):
    before = now_ms()
    for topic in (AUDIT, VERDICTS):
        await sent(kafka, topic.name, 2, (b"2", b"value", 1, []))
        (record,) = await read(bus, topic.name, 2)
        assert record.timestamp_ms >= before - 60_000


def in_transactions(kafka, topic, partition):
    """Three of them, each with a record that is its name: one committed, one aborted, and one that never ends, which is returned."""

    def transaction(name, end):
        settings = {"transactional.id": f"{name} {topic}", "transaction.timeout.ms": 600_000}
        producer = Producer({"bootstrap.servers": kafka, **settings})
        producer.init_transactions(PATIENCE_S)
        producer.begin_transaction()
        producer.produce(topic, name.encode(), b"key", partition=partition)
        producer.flush(PATIENCE_S)
        end(producer)
        return producer

    transaction("committed", lambda producer: producer.commit_transaction(PATIENCE_S))
    transaction("aborted", lambda producer: producer.abort_transaction(PATIENCE_S))
    return transaction("open", lambda _: None)


@pytest.mark.parametrize("topic", [STATE.name, *sorted(GAPLESS)])
async def test_transactions_hide_nothing_and_hold_nobody_up(kafka, bus, topic):
    """Interlock uses none. What another writes in one is read like any record, at once: committed, aborted or never ended."""
    partition = 0 if topic == POLICIES.name else 3
    hanging = await asyncio.to_thread(in_transactions, kafka, topic, partition)
    await sent(kafka, topic, partition, (b"key", b"after", now_ms(), []))
    found = await read(bus, topic, partition)
    assert [record.value for record in found][-4:] == [b"committed", b"aborted", b"open", b"after"]
    first = found[-4].offset
    assert [record.offset - first for record in found][-4:] == [
        0,
        2,
        4,
        5,
    ]  # the ends of the first two take an offset each
    await asyncio.to_thread(hanging.abort_transaction, PATIENCE_S)
    assert len(await read(bus, topic, partition)) == len(found)  # the topic ends with a marker, and so does reading it


async def test_the_health_monitor_is_not_told_of_the_end_of_a_transaction(kafka):
    heard = []

    async def handle(records):
        heard.extend(record.value for record in records)

    stop = Stop()
    running = asyncio.create_task(TelemetryStream(kafka, 100, handle, lambda _: None).run(stop))
    async with asyncio.timeout(PATIENCE_S):
        while b"begun" not in heard:
            await sent(kafka, TELEMETRY.name, 2, (b"key", b"begun", now_ms(), []))
        await asyncio.to_thread(in_transactions, kafka, TELEMETRY.name, 2)
        await sent(kafka, TELEMETRY.name, 2, (b"key", b"after", now_ms(), []))
        while b"after" not in heard:
            assert not running.done()
            await asyncio.sleep(0.02)
    stop.request()
    await running
    assert [value for value in heard if value != b"begun"] == [b"committed", b"aborted", b"open", b"after"]


@pytest.mark.parametrize("topic", [COMMANDS.name, NOTICES.name])
@pytest.mark.parametrize("offsets", [(0, 2**30, 2), (0, 1, 2**30), (2, 1, 0), (0, 0, 0), (-5, 0, 1)])
async def test_an_offset_that_a_writer_made_up_is_not_believed(kafka, bus, topic, offsets):
    """The broker takes the offsets inside of an uncompressed batch on trust."""
    where = Position(topic, 1)
    before = len(await read(bus, *where))
    told = (written.Entry(offset=offset, value=b"%d" % place) for place, offset in enumerate(offsets))
    await sent_as_is(kafka, *where, written.batch(*told))
    await sent(kafka, *where, (b"key", b"after", now_ms(), []))
    found = await read(bus, *where)
    assert [(record.offset, record.value) for record in found[before:]] == [
        (before + place, value) for place, value in enumerate((b"0", b"1", b"2", b"after"))
    ]


@pytest.mark.parametrize("odd", [{"attributes": 0x80}, {"attributes": 0xFF}, {"long_lengths": True}])
async def test_what_the_broker_reads_is_read(kafka, bus, odd):
    """aiokafka reads the attributes of a record, which mean nothing, and its lengths otherwise than the broker does."""
    where = Position(COMMANDS.name, 0)
    before = len(await read(bus, *where))
    await sent_as_is(kafka, *where, written.batch(written.Entry(value=b"odd", **odd)))
    await sent(kafka, *where, (b"key", b"after", now_ms(), []))
    found = await read(bus, *where)
    assert [record.value for record in found[before:]] == [b"odd", b"after"]
