"""What was decided: the one place where a command learns it.

A command sees the very state that the next order is decided on, and can go on reading to see what becomes of an order. As the
decision service itself does when it starts, it takes the state topic as far as the log bears it out, and lays the rest of the log
over it; at the first doubt it reads the whole log, verified and counted by the same `Journal`.
"""

from collections.abc import Collection
from dataclasses import dataclass

from interlock.decision.core.journal import Journal
from interlock.decision.core.projection import Projected, agrees, journal_at, key_of, project
from interlock.decision.core.state import State
from interlock.decision.turns import in_turns
from interlock.policy.book import Book
from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Bus, Position, Reader
from interlock.runtime.opening import load_trust
from interlock.runtime.settings import ServiceSettings
from interlock.signing.verifier import Verified
from interlock.vocabulary.errors import InvariantError
from interlock.wire.topics import AUDIT, ROUTES, STATE

_NEWS_WITHIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard's log, and the place reached in it; `journal.sealed` holds the order of every route."""

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
    """Learn what was decided in every shard, or in some, up to the end of the log. The bus closes the readers with itself.

    Raises:
        ConfigurationError: The trust root cannot be read.
        InfrastructureError: The bus cannot be reached.
        InvariantError: An entry of the log does not fit this release.
    """
    book = Book.start(*load_trust(settings.trust_root, settings.deployment))
    shards = await bus.partitions(AUDIT.name)
    starts = [State.start(shard, shards, book) for shard in range(shards) if wanted is None or shard in wanted]
    return [await _from_state(bus, start) or await _from_log(bus, start) for start in starts]


async def _from_log(bus: Bus, start: State) -> Shard:
    where = Position(AUDIT.name, start.shard)
    reader = await bus.reader([where], start={where: 0})
    journal = Journal(start, ShardLog(start.shard))
    for record in await reader.read_to_end():
        journal.take(record.offset, record.value)
    return Shard(journal, reader)


async def _from_state(bus: Bus, start: State) -> Shard | None:
    """The shard from the state topic and the rest of the log; None if they do not agree, or there is no such topic yet."""
    projected = await in_turns(project(await _last(bus, Position(STATE.name, start.shard)), start))
    if not isinstance(projected, Projected):
        return None
    where, marked = Position(AUDIT.name, start.shard), projected.mark.offset
    reader = await bus.reader([where], start={where: marked})
    if not 0 <= marked < (await reader.end_offsets())[where]:
        return None
    first, *later = await reader.read_to_end()
    journal = journal_at(projected, first.value)
    if not isinstance(journal, Journal):
        return None
    try:
        for record in later:
            journal.take(record.offset, record.value)
    except InvariantError:  # what is true of the log only on top of another state
        return None
    if not agrees(journal):
        return None
    await _take_orders(bus, journal)
    return Shard(journal, reader)


async def _take_orders(bus: Bus, journal: Journal) -> None:
    """Find the orders that the rest of the log does not hold: those of the routes topic that the state names."""
    there = await _last(bus, Position(ROUTES.name, journal.state.shard))
    for route, entry in journal.state.routes.items():
        order = open_sealed(there.get(route.key), journal.state.book.trust, RoutingChange)
        if isinstance(order, Verified) and order.event_id == entry.event_id:
            journal.sealed[route] = there[route.key]


async def _last(bus: Bus, where: Position) -> dict[str, bytes]:
    """The last record of each key of one partition, without tombstones and what has a key that is none."""
    reader = await bus.reader([where])
    records = await reader.read_to_end()
    await reader.close()
    last = {key_of(record.key): record.value for record in records}
    return {key: value for key, value in last.items() if key is not None and value is not None}
