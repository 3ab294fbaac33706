"""The bus on Kafka, through aiokafka: real Kafka and the embedded broker alike; only the address differs.

    bus = KafkaBus("127.0.0.1:9092", client="decision")

Each publisher, reader and membership has a client of its own. Not handled here: encryption and passwords.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from aiokafka.admin import AIOKafkaAdminClient

from interlock.runtime.bus import Position
from interlock.runtime.kafka_client import Connection, stop_within
from interlock.runtime.kafka_membership import KafkaMembership
from interlock.runtime.kafka_publisher import KafkaPublisher
from interlock.runtime.kafka_reader import KafkaReader
from interlock.runtime.placement import partitions_in_use

_Made = TypeVar("_Made", KafkaPublisher, KafkaReader, KafkaMembership)


class KafkaBus:
    """A `Bus` on a Kafka cluster.

    Args:
        bootstrap: `host:port`, several separated by commas.
        client: This process's name in the broker's logs.
        fetch_max_wait_ms: How long the broker may hold a fetch that finds nothing. Kafka answers as soon as a
            record comes; the embedded broker only when this time is over, so 20 is a good value there.
        timeout_s: The bound on every single request, retries included. Longer than a partition needs to find
            a new leader (6.5 s measured).
    """

    def __init__(
        self, bootstrap: str, *, client: str = "interlock", fetch_max_wait_ms: int = 100, timeout_s: float = 10.0
    ) -> None:
        self._connection = Connection(bootstrap, client, fetch_max_wait_ms, timeout_s)
        self._made: list[KafkaPublisher | KafkaReader | KafkaMembership] = []
        self._partitions: dict[str, int] = {}
        self._looking = asyncio.Lock()

    async def publisher(self) -> KafkaPublisher:
        """A publisher, connected; see `Bus`."""
        return await self._started(KafkaPublisher(self._connection, self.partitions))

    async def reader(
        self,
        topics: Sequence[str | Position],
        *,
        start: Mapping[Position, int] | None = None,
        group: str | None = None,
    ) -> KafkaReader:
        """A reader of whole topics and of single partitions; see `Bus`."""
        where: list[Position] = []
        for each in topics:
            count = await self.partitions(each if isinstance(each, str) else each.topic)
            where += [each] if isinstance(each, Position) else [Position(each, n) for n in range(count)]
        return await self._started(KafkaReader(await self._connection.now(), where, start=start or {}, group=group))

    async def membership(self, group: str, topic: str, *, instance: str) -> KafkaMembership:
        """Join a group for its share of a topic's partitions; see `Bus`."""
        partitions = await self.partitions(topic)
        return await self._started(
            KafkaMembership(await self._connection.now(), group, topic, partitions=partitions, instance=instance)
        )

    async def partitions(self, topic: str) -> int:
        """How many partitions of a topic are in use; see `Bus`. Asked once for each topic."""
        async with self._looking:  # in the order of the calls, so that records stay in it too
            if topic not in self._partitions:
                self._partitions[topic] = partitions_in_use(topic, await self._found(topic))
            return self._partitions[topic]

    async def close(self) -> None:
        """Close all that was made from it, at the same time. Returns in bounded time."""
        made, self._made = self._made, []
        await asyncio.gather(*(each.close() for each in made))

    async def _started(self, made: _Made) -> _Made:
        self._made = [each for each in self._made if not each.closed]
        self._made.append(made)
        try:
            await made.start()
        except BaseException:
            self._made.remove(made)
            await made.close()
            raise
        return made

    async def _found(self, topic: str) -> int:
        """How many partitions the broker has of a topic; 0 if it has no such topic."""
        admin = AIOKafkaAdminClient(**(await self._connection.now()).client_settings)
        try:
            async with self._connection.reaching(f"Looking for the topic {topic}"):
                await admin.start()
                (described,) = await admin.describe_topics([topic])
        finally:
            await stop_within(admin.close())
        return len(described["partitions"])
