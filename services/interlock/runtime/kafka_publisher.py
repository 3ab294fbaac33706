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
from interlock.runtime.one_attempt import OneAttempt
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
        self._connecting = OneAttempt[AIOKafkaProducer]()
        self._queueing = asyncio.Lock()
        self._aborting: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Connect now rather than at the first record.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
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
                async with self._queueing:  # the client lets records overtake each other while it looks for a topic
                    producer = await self._started()
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

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    async def close(self) -> None:
        """Stop sending. Returns in bounded time, and may be called twice."""
        self._closed = True
        await self._connecting.cancel()
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_within(producer.stop())
        await asyncio.gather(*self._aborting)

    async def _started(self) -> AIOKafkaProducer:
        """The producer, connected; all who wait share one attempt."""
        if self._closed:
            raise self._connection.failure("Publishing", "this publisher was closed")
        return self._producer or await self._connecting.join(self._connect)

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **(await self._connection.now()).client_settings,
            acks="all",
            enable_idempotence=True,
            max_request_size=RECORD_BYTES_MAX,
        )
        try:
            async with self._connection.reaching("Connecting a producer"):
                await producer.start()
        except BaseException:
            await stop_within(producer.stop())
            raise
        self._producer = producer
        return producer

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
