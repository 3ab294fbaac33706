"""What a trial's witness can tell of a log that is not whole."""

from interlock.brokers.embedded import FETCH_MAX_WAIT_MS, EmbeddedBroker
from interlock.runtime.kafka_bus import KafkaBus
from interlock.trials.witness import first_offsets
from interlock.wire.topics import AUDIT

PARTITION_BYTES = 5 * 1024 * 1024
"""What the embedded broker keeps of a partition, about."""


async def test_a_log_that_has_lost_its_beginning_is_noticed() -> None:
    record = bytes(1_000_000)
    with EmbeddedBroker() as broker:
        bus = KafkaBus(broker.bootstrap, fetch_max_wait_ms=FETCH_MAX_WAIT_MS)
        try:
            publisher = await bus.publisher()
            await publisher.publish(AUDIT.name, "1", record, partition=1)
            assert await first_offsets(bus) == {}
            for _ in range(2 * PARTITION_BYTES // len(record)):
                await publisher.publish(AUDIT.name, "2", record, partition=2)
            assert set(await first_offsets(bus)) == {2}
        finally:
            await bus.close()
