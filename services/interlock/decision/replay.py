"""Replays the audit log through `decide`, from nothing but the log and the installed trust root.

Every step's inputs are decided on again; what comes out must be what was journalled, byte for byte. A log that is not replayed
identically was edited, or was written by another release.
"""

from dataclasses import dataclass

from interlock.decision.core.journal import Difference, Journal
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.log import ShardLog
from interlock.runtime.bus import Bus, Position
from interlock.signing.verifier import Refused
from interlock.wire.topics import AUDIT


@dataclass(frozen=True, slots=True)
class Replayed:
    """One shard's log after its replay.

    Attributes:
        journal: The state at its end, and every difference that was found.
        records: How many records stand in it.
        void: How many of them count for nothing: written by an owner who had lost the shard.
        refused: The offsets of records that are no records of the log at all, and why.
    """

    journal: Journal
    records: int
    void: int
    refused: tuple[tuple[int, Refused], ...]

    @property
    def identical(self) -> bool:
        """Whether every record belongs there and every step came out as it was journalled."""
        return not self.journal.differences and not self.refused

    @property
    def differences(self) -> list[Difference]:
        """What was found, the records that do not belong there among them."""
        foreign = [
            Difference(offset, 0, f"not a record of the log: {refused.reason}") for offset, refused in self.refused
        ]
        return [*self.journal.differences, *foreign]


async def replay(bus: Bus, book: Book, *, check: bool = True) -> list[Replayed]:
    """Read every shard's log from its beginning to its end as it is now.

    Args:
        bus: Where the log is.
        book: The installed trust root, and nothing else.
        check: Whether to decide again; without it the log is only read, for its state.

    Raises:
        InfrastructureError: The log cannot be reached.
        InvariantError: An entry of the log does not fit this release.
    """
    shards = await bus.partitions(AUDIT.name)
    return [await _replay_shard(bus, book, shard, shards, check=check) for shard in range(shards)]


async def _replay_shard(bus: Bus, book: Book, shard: int, shards: int, *, check: bool) -> Replayed:
    journal = Journal(State.start(shard, shards, book), ShardLog(shard), check=check)
    where = Position(AUDIT.name, shard)
    reader = await bus.reader([where], start={where: 0})
    try:
        records = await reader.read_to_end()
    finally:
        await reader.close()
    void, refused = 0, []
    for record in records:
        taken = journal.take(record.offset, record.value)
        if isinstance(taken, Refused):
            refused.append((record.offset, taken))
        void += taken is None
    return Replayed(journal, len(records), void, tuple(refused))
