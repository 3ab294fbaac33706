"""The bus port: all that Interlock asks of Kafka.

A bus keeps records in topics; a topic has partitions; in each partition records have offsets that count up
without a gap. Three small things are made from it: a *publisher* that knows when a record is safe, a *reader*
that resumes at offsets which its owner keeps, and a *membership* that says which shards this process owns.

Rules that every adapter keeps, shown by `tests/contract/test_bus_conformance.py`:

* `publish` returns an offset only when all in-sync replicas have the record. An `InfrastructureError` means
  *unknown*: the record may be there or not.
* A reader has its partitions assigned and takes part in no group; a group's name only keeps committed
  offsets.
* A partition that was revoked has left `Membership.held` before another member can be told of it.
* Topics of the table `interlock.wire.topics` have the partitions that it says, whatever the broker made;
  records without a partition go where Kafka's default partitioner puts the key.
* Everything that waits is bounded, `close` too.

Not handled here: what is in a record (`interlock.signing` and `interlock.wire`), and making topics
(`interlock.brokers`).

    bus = KafkaBus("127.0.0.1:9092")
    publisher = await bus.publisher()
    offset = await publisher.publish(ROUTES.name, "agent/main/*", envelope, partition=2)
    reader = await bus.reader([Position(ROUTES.name, 2)])
    known = await reader.read_to_end()
    while True:
        for record in await reader.batch():
            ...
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from interlock.wire.trace import NO_TRACE


class Position(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read.

    Attributes:
        topic: Where it was.
        partition: Where in the topic.
        offset: Where in the partition.
        key: The key's bytes, or None.
        value: The value's bytes; None is a tombstone.
        timestamp_ms: Milliseconds since the epoch, by the writer or the broker, as the topic says. Never
            proof of anything.
        trace: The trace that it belongs to, as `interlock.wire.trace` reads it; for people who look, never for a decision.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    trace: str = NO_TRACE


class Publisher(Protocol):
    """Appends records, in the order of the calls for each partition."""

    async def publish(
        self, topic: str, key: str, value: bytes | None, *, partition: int | None = None, trace: str = NO_TRACE
    ) -> int:
        """Append a record and wait until all in-sync replicas have it.

        Args:
            topic: The topic's name.
            key: The key as text; never empty, since a compacted topic refuses a record without one.
            value: The record; None is a tombstone, which lets a compacted topic forget the key.
            partition: Where to append; None leaves it to the key.
            trace: The trace that the record belongs to.

        Returns:
            The record's offset.

        Raises:
            InfrastructureError: The broker refused it, cannot be reached or did not answer: whether the
                record was appended is unknown.
        """
        ...


class Reader(Protocol):
    """Reads partitions that its owner chose, each in order, from offsets that its owner keeps."""

    async def batch(self, *, limit: int = 500, wait_s: float = 0.2) -> list[Record]:
        """The next records, at most `limit`; empty when none came within `wait_s` seconds.

        Raises:
            InfrastructureError: The records cannot be had: an offset that is no longer kept, or a broken
                record.
        """
        ...

    def at_end(self, within_s: float) -> bool:
        """Whether all that is there was returned, as told by fetches answered in the last `within_s` seconds.

        It must hold of every partition. A broker that is silent makes it False, so it never says more than
        was heard.
        """
        ...

    async def end_offsets(self) -> dict[Position, int]:
        """For each partition the offset that the next record will get.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        ...

    def position(self, where: Position) -> int:
        """The offset of the next record to be returned from a partition of this reader."""
        ...

    async def read_to_end(self) -> list[Record]:
        """Everything from the present positions to the end as it is now; later records may follow.

        Raises:
            InfrastructureError: The end was not reached in bounded time without progress.
        """
        ...

    async def commit(self, offsets: Mapping[Position, int]) -> None:
        """Remember for this reader's group the offset of the next record that it wants, for each partition.

        Raises:
            InvariantError: The reader has no group.
            InfrastructureError: The broker cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Stop reading. Returns in bounded time, and may be called twice."""
        ...


class Membership(Protocol):
    """Tells which partitions of a topic this member of a group holds; reads nothing."""

    @property
    def held(self) -> frozenset[int]:
        """The partitions held now. A revoked one has left it before another member can be told of it."""
        ...

    async def changed(self) -> frozenset[int]:
        """Wait until what is held differs from the last answer, at first for the first assignment.

        Raises:
            InfrastructureError: The group cannot be reached any more.
        """
        ...

    async def close(self) -> None:
        """Leave the group, so that others take over at once. Bounded in time; may be called twice."""
        ...


class Bus(Protocol):
    """Makes publishers, readers and memberships, and closes them with itself."""

    async def publisher(self) -> Publisher:
        """A publisher, ready to be used.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        ...

    async def reader(
        self,
        topics: Sequence[str | Position],
        *,
        start: Mapping[Position, int] | None = None,
        group: str | None = None,
    ) -> Reader:
        """A reader of whole topics and of single partitions.

        Args:
            topics: A topic's name means all of its partitions.
            start: Where to begin. What is not in it begins at the group's committed offset, else at the first
                record.
            group: The name under which offsets are committed.

        Raises:
            ConfigurationError: A topic is missing or has too few partitions.
            InfrastructureError: The broker cannot be reached.
        """
        ...

    async def membership(self, group: str, topic: str, *, instance: str) -> Membership:
        """Join a group for its share of a topic's partitions.

        Args:
            group: The group's name.
            topic: The topic whose partitions are shared out.
            instance: This member's lasting name: whoever comes back under it gets his partitions again at
                once.

        Raises:
            InfrastructureError: The broker cannot be reached.
        """
        ...

    async def partitions(self, topic: str) -> int:
        """How many partitions of a topic are in use: as the table says, else as the broker says.

        Raises:
            ConfigurationError: The topic is missing, or has fewer partitions than the table says.
            InfrastructureError: The broker cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Close all that was made from it. Returns in bounded time."""
        ...
