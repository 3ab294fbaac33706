"""What was decided, read from the audit log: the one place where a command learns it.

The log is verified and counted by the same `Journal` that the decision service starts again with, so a command sees the very
state that the next order is decided on, and it can go on reading to see what becomes of an order.
"""

from collections.abc import Collection
from dataclasses import dataclass

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.audit import AuditRecord
from interlock.records.log import ShardLog
from interlock.runtime.bus import Bus, Position, Reader
from interlock.runtime.opening import load_trust
from interlock.runtime.settings import ServiceSettings
from interlock.wire.topics import AUDIT

_NEWS_WITHIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard's log, and the place reached in it."""

    journal: Journal
    reader: Reader

    @property
    def state(self) -> State:
        """The state at that place."""
        return self.journal.state

    async def follow(self) -> list[AuditRecord]:
        """Take what was appended since; the records that count, none if nothing came within a tenth of a second."""
        records = await self.reader.batch(wait_s=_NEWS_WITHIN_S)
        taken = [self.journal.take(record.offset, record.value) for record in records]
        return [record for record in taken if isinstance(record, AuditRecord)]


async def read_shards(bus: Bus, settings: ServiceSettings, wanted: Collection[int] | None = None) -> list[Shard]:
    """Read the log of every shard, or of some, to its end as it is now. The bus closes the readers with itself.

    Raises:
        ConfigurationError: The trust root cannot be read.
        InfrastructureError: The log cannot be reached.
        InvariantError: An entry of the log does not fit this release.
    """
    book = Book.start(*load_trust(settings.trust_root, settings.deployment))
    shards = await bus.partitions(AUDIT.name)
    return [await _read(bus, book, shard, shards) for shard in range(shards) if wanted is None or shard in wanted]


async def _read(bus: Bus, book: Book, shard: int, shards: int) -> Shard:
    where = Position(AUDIT.name, shard)
    journal = Journal(State.start(shard, shards, book), ShardLog(shard))
    reader = await bus.reader([where], start={where: 0})
    for record in await reader.read_to_end():
        journal.take(record.offset, record.value)
    return Shard(journal, reader)
