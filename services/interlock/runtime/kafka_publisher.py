"""Publishing to Kafka: one record at a time, each safe before its offset is told.

The producer is idempotent, so its own retries write a record once. When an outcome is unknown, the producer
is thrown away with all that it still wanted to send, and the next record gets a new one: a record that was
reported as failed is not sent minutes later, and no sequence number is left in doubt.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed

from interlock.runtime.kafka_client import Connection, stop_within
from interlock.runtime.placement import place
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.limits import RECORD_BYTES_MAX
from interlock.wire.trace import NO_TRACE, to_headers


class KafkaPublisher:
    """A `Publisher` on Kafka. Made by `KafkaBus.publisher`.

    Args:
        connection: Where the broker is.
        partitions: Tells how many partitions of a topic are in use.
    """

    def __init__(self, connection: Connection, partitions: Callable[[str], Awaitable[int]]) -> None:
        self._connection = connection
        self._partitions = partitions
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._queueing = asyncio.Lock()
        self._aborting: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Connect now rather than at the first record.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        async with self._connection.reaching("Connecting a producer"):
            await self._started()

    async def publish(
        self, topic: str, key: str, value: bytes | None, *, partition: int | None = None, trace: str = NO_TRACE
    ) -> int:
        """Append a record and return its offset once all in-sync replicas have it; see `Publisher`."""
        producer: AIOKafkaProducer | None = None
        try:
            async with self._connection.reaching(f"Publishing to {topic}"):
                partitions = await self._partitions(topic)
                where = place(topic, key, value, partition=partition, partitions=partitions)
                producer = await self._started()
                async with self._queueing:  # the client lets records overtake each other while it looks for a topic
                    sent = await producer.send(
                        topic, value, key=key.encode(), partition=where, headers=to_headers(trace)
                    )
                told = await sent
        except InfrastructureError:
            if producer is not None:
                self._abandon(producer)
            raise
        if told.offset < 0:  # the broker knows the record from an earlier attempt, but not where it is
            self._abandon(producer)
            raise self._connection.failure(f"Publishing to {topic}", "the record's offset is not known")
        return int(told.offset)

    async def close(self) -> None:
        """Stop sending. Returns in bounded time, and may be called twice."""
        self._closed = True
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_within(producer.stop())
        await asyncio.gather(*self._aborting)

    async def _started(self) -> AIOKafkaProducer:
        """The producer, connected. Whoever asks bounds it: while one connects, the others wait for their turn."""
        async with self._starting:
            if self._closed:
                raise self._connection.failure("Publishing", "this publisher was closed")
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **(await self._connection.now()).client_settings,
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=RECORD_BYTES_MAX,
                )
                try:
                    await producer.start()
                except BaseException:
                    await stop_within(producer.stop())
                    raise
                self._producer = producer
            return self._producer

    def _abandon(self, producer: AIOKafkaProducer) -> None:
        """Throw a producer away, once and in the background: the next record gets a new one."""
        if producer is self._producer:
            self._producer = None
            task = asyncio.create_task(stop_within(_abort(producer)))
            self._aborting.add(task)
            task.add_done_callback(self._aborting.discard)


async def _abort(producer: AIOKafkaProducer) -> None:
    """Stop a producer without sending what is queued; its `stop` alone would go on trying."""
    # aiokafka has no public word for this; its version is pinned.
    producer._message_accumulator.fail_all(ProducerClosed())
    if (sending := producer._sender.sender_task) is not None:
        sending.cancel()
    await producer.client.close()
    await producer.stop()
