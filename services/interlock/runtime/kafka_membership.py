"""Sharing out partitions through a consumer group on Kafka.

Each member has a lasting name (static membership), so one that was killed gets its partitions again as soon
as it is back, without a round in which nobody holds any. Two processes under one name take the partitions
from each other in turn: give each process its own. A member that is cut off from the broker learns of it only
when it is back, so `held` is not proof of ownership; the log that the owner writes must be (DESIGN 5.11).
"""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from interlock.runtime.kafka_client import Connection, stop_within, words
from interlock.vocabulary.errors import InfrastructureError

SESSION_MS = 6_000
"""How long a silent member keeps its partitions: the least that a broker allows by default."""

_HEARTBEAT_MS = 500
"""How soon a member hears that another one came or went."""

_WATCH_S = 0.5
"""How often errors of the group are looked for."""

_NEVER_MS = 2**31 - 1


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """A `Membership` on Kafka. Made by `KafkaBus.membership`; joins with `start`.

    Args:
        connection: Where the broker is.
        group: The group's name.
        topic: The topic whose partitions are shared out.
        partitions: How many of them are in use; others are nobody's.
        instance: This member's lasting name.
    """

    def __init__(self, connection: Connection, group: str, topic: str, *, partitions: int, instance: str) -> None:
        self._connection = connection
        self._topic = topic
        self._partitions = partitions
        self._held: frozenset[int] = frozenset()
        self._told: frozenset[int] | None = None
        self._joined = False
        self._failure: InfrastructureError | None = None
        self._news = asyncio.Event()
        self._closed = False
        self._watching: asyncio.Task[None] | None = None
        self._consumer = AIOKafkaConsumer(
            **connection.client_settings,
            group_id=group,
            group_instance_id=instance,
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=_HEARTBEAT_MS,
            max_poll_interval_ms=_NEVER_MS,  # it reads nothing, so it never polls too late
        )

    async def start(self) -> None:
        """Connect and begin to join.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        async with self._connection.reaching("Connecting a member"):
            await self._consumer.start()
        self._consumer.subscribe([self._topic], listener=self)
        self._watching = asyncio.create_task(self._watch(), name=f"membership of {self._topic}")

    @property
    def held(self) -> frozenset[int]:
        """The partitions held now; a revoked one has left it before the group goes on."""
        return self._held

    async def changed(self) -> frozenset[int]:
        """Wait until what is held differs from the last answer; see `Membership`."""
        while True:
            self._news.clear()
            if self._failure is not None:
                raise self._failure
            if self._joined and self._held != self._told:
                self._told = self._held
                return self._held
            await self._news.wait()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    async def close(self) -> None:
        """Leave the group, so that others take over at once; see `Membership`."""
        self._closed = True
        if self._watching is None:
            await stop_within(self._consumer.stop())
            return
        self._hold(())
        self._watching.cancel()
        await asyncio.wait({self._watching})
        # A static member does not say goodbye by itself. One that closes on purpose should: aiokafka has no
        # public word for it, but without an instance name it takes the member for a dynamic one, which
        # leaves.
        self._consumer._coordinator._group_instance_id = None
        await stop_within(self._consumer.stop())

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called by the client before it tells the group that these partitions are free."""
        self._hold(self._held - {each.partition for each in revoked})

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by the client with all that this member now holds."""
        for each in assigned:
            self._consumer.pause(each)  # for assignment only: their records are read by somebody else
        self._joined = True
        self._hold(each.partition for each in assigned if each.partition < self._partitions)

    def _hold(self, partitions: Iterable[int]) -> None:
        self._held = frozenset(partitions)
        self._news.set()

    async def _watch(self) -> None:
        """Ask the client now and then for errors of the group, which it tells only to whoever reads."""
        try:
            while True:
                await self._consumer.getmany(timeout_ms=0)
                await asyncio.sleep(_WATCH_S)
        except KafkaError as error:
            self._failure = self._connection.failure("Belonging to the group", words(error))
            self._hold(())
