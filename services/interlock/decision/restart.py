"""Starting again: from the state topic and the tail of the log, or else from the whole log.

Both come to the same state. The state topic is the quick way; at the first doubt about it the whole log is read, which needs nothing
else. The orders themselves are on the routes topic; those of the tail are in the log, whether they were published or not.
"""

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from interlock.decision.core.journal import Journal
from interlock.decision.core.projection import (
    TURN,
    Doubt,
    Projected,
    Unwritten,
    agrees,
    doubt,
    journal_at,
    key_of,
    mark_key,
    project,
)
from interlock.decision.core.state import State
from interlock.decision.desk import Desk
from interlock.decision.turns import in_turns
from interlock.decision.unheard import Unheard
from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.codec import decode
from interlock.records.log import ShardLog
from interlock.records.sealing import event_id_of_sealed, open_sealed
from interlock.records.state import RouteEntry
from interlock.runtime.bus import Position, Record
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import AUDIT, ROUTES, STATE


class Source(StrEnum):
    """What a start was made from."""

    STATE = "state"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Topic:
    """The last record of each key of one partition, without what has a key that is none; what each stands for; where it ended."""

    records: Mapping[str, Record]
    values: Mapping[str, bytes]
    end: int


@dataclass(frozen=True, slots=True)
class Restart:
    """Everything that a new owner begins with.

    Attributes:
        journal: The state, and where the log was read to; `sealed` holds the order of every route.
        unwritten: What the state topic lacks.
        marked: The step that the state topic's mark names; -1 if it does not count.
        unpublished: The orders that the routes topic lacks.
        routes_end: Where the routes topic ended.
        source: What the start was made from.
        records: How many records of the log were read.
    """

    journal: Journal
    unwritten: Unwritten
    marked: int
    unpublished: Mapping[RouteId, bytes]
    routes_end: int
    source: Source
    records: int


async def start_again(desk: Desk, claim: int, unheard: Unheard | None = None) -> Restart:
    """Learn the state of a shard after everything that stands in its log up to a claim.

    Args:
        desk: What the owner works with.
        claim: The offset of its claim.
        unheard: What of the log it has not told of; None: nothing is news to it.

    Raises:
        InfrastructureError: The bus cannot be reached.
        InvariantError: The log does not fit this release.
    """
    unheard = unheard or Unheard()
    state, routes = await _last(desk, STATE.name), await _last(desk, ROUTES.name)
    restart = await _from_state(desk, claim, unheard, state, routes)
    if isinstance(restart, Restart):
        return restart
    whole = await _from_log(desk, claim, unheard, state, routes)
    if state.values or whole.journal.last is not None:
        key = restart.key or mark_key(desk.shard)
        await desk.findings.report(restart.reason, restart.detail, state.records.get(key, routes.records.get(key)))
    return whole


async def _from_state(desk: Desk, claim: int, unheard: Unheard, state: Topic, routes: Topic) -> Restart | Doubt:
    projected = await in_turns(project(state.values, State.start(desk.shard, desk.shards, desk.book)))
    if isinstance(projected, Doubt):
        return projected
    if not 0 <= projected.mark.offset < claim:
        return doubt("the mark is beyond the end of the log")
    try:
        reading = await _lay_over(desk, claim, unheard, projected)
    except InvariantError as error:  # what is true of the log only on top of another state
        return doubt(error.message)
    if isinstance(reading, Doubt):
        return reading
    if not agrees(reading.journal):
        return doubt("the digest is not the one that the last step journalled")
    foreign = await in_turns(
        _foreign(reading, routes.values, projected.state)
    )  # while `sealed` is the tail's orders alone
    if missing := await in_turns(_take_orders(reading.journal, routes.values)):
        return missing
    for key in foreign:
        await desk.findings.report(Reason.FOREIGN_RECORD, "", routes.records.get(key))
    return reading.restart(routes, Source.STATE, projected.mark.offset)


async def _lay_over(desk: Desk, claim: int, unheard: Unheard, projected: Projected) -> "_Reading | Doubt":
    """Read the log from the marked step on."""
    async with aclosing(_log(desk, projected.mark.offset, claim)) as log:
        journal = journal_at(projected, (await anext(log)).value)
        if isinstance(journal, Doubt):
            return journal
        reading = _Reading(desk, unheard, journal, records=1, ordered=set())
        async for record in log:
            await reading.take(record)
    return reading


async def _from_log(desk: Desk, claim: int, unheard: Unheard, state: Topic, routes: Topic) -> Restart:
    journal = Journal(State.start(desk.shard, desk.shards, desk.book), ShardLog(desk.shard))
    reading = _Reading(desk, unheard, journal)
    async with aclosing(_log(desk, 0, claim)) as log:
        async for record in log:
            try:
                await reading.take(record)
            except InvariantError:
                await desk.findings.report(Reason.OUT_OF_BOUNDS, "a step of the log that cannot be applied", record)
                raise
    reading.unwritten.reckon_with(state.values.keys() - {mark_key(desk.shard)})
    return reading.restart(routes, Source.LOG, -1)


class _Reading:
    """The log on its way into a state, and what of it the state topic lacks.

    Attributes:
        ordered: The identities of the orders that its steps name; None: nobody asks, and there may be very many.
    """

    def __init__(
        self, desk: Desk, unheard: Unheard, journal: Journal, records: int = 0, ordered: set[bytes] | None = None
    ) -> None:
        self.journal = journal
        self.ordered = ordered
        self.unwritten = Unwritten()
        self._desk = desk
        self._unheard = unheard
        self._records = records

    async def take(self, record: Record) -> None:
        self._records += 1
        taken = self.journal.take(record.offset, record.value)
        if self.journal.log.broken:
            self._unheard.known.add(record.offset)
            await self._desk.findings.report(Reason.LOG_GAP, "a step before this one is missing", record)
        if isinstance(taken, Refused):
            await self._desk.findings.report(taken.reason, taken.detail, record)
        elif self._unheard.is_news(record):
            await self._unheard.tell(record, self.journal.state.book.trust, self._desk.findings)
        if isinstance(taken, AuditRecord):
            self.unwritten.note(record.offset, taken.entries)
            if self.ordered is not None:
                self.ordered.update(_ordered(taken))

    def restart(self, routes: Topic, source: Source, marked: int) -> Restart:
        sealed = self.journal.sealed
        unpublished = {route: order for route, order in sealed.items() if routes.values.get(route.key) != order}
        return Restart(self.journal, self.unwritten, marked, unpublished, routes.end, source, self._records)


def _take_orders(journal: Journal, published: Mapping[str, bytes]) -> Generator[None, None, Doubt | None]:
    """Find the order of every route that the tail of the log does not hold; why that cannot be done."""
    for number, (route, entry) in enumerate(journal.state.routes.items()):
        if number % TURN == 0:
            yield
        if route not in journal.sealed:
            there = published.get(route.key, b"")
            opened = open_sealed(there, journal.state.book.trust, RoutingChange)
            if isinstance(opened, Refused) or opened.event_id != entry.event_id:
                return doubt("the routes topic has not the order that the state names", route.key)
            journal.sealed[route] = there
    return None


def _foreign(reading: _Reading, published: Mapping[str, bytes], marked: State) -> Generator[None, None, list[str]]:
    """Under which keys something stands that no crash can have left there: they are published anew, as all orders of the tail are.

    Whatever was ordered up to the mark was published before the mark was written; what was ordered since may have been. An order
    that is older than the mark's was published by somebody whose term was over.
    """
    known, found = reading.ordered or set(), []
    for number, route in enumerate(reading.journal.sealed):
        if number % TURN == 0:
            yield
        there, before = published.get(route.key), marked.routes.get(route)
        said = event_id_of_sealed(there)
        never = there is None and before is None  # its first order is of the tail, too
        if not (never or said in known or (before is not None and said == before.event_id)):
            found.append(route.key)
    return found


def _ordered(step: AuditRecord) -> Iterator[bytes]:
    """The identities of the orders that a step's entries name: new ones, and those in force where something else of a route changed."""
    for entry in step.entries:
        named = decode(entry.value or b"", RouteEntry) if entry.key.startswith("route/") else None
        if isinstance(named, RouteEntry):
            yield named.event_id


async def _log(desk: Desk, start: int, claim: int) -> AsyncGenerator[Record, None]:
    """The records of the log from an offset up to a claim, the claim among them."""
    where = Position(AUDIT.name, desk.shard)
    reader = await desk.bus.reader([where], start={where: start})
    try:
        while reader.position(where) <= claim:
            for record in await reader.batch():
                if record.offset <= claim:
                    yield record
    finally:
        await reader.close()


async def _last(desk: Desk, topic: str) -> Topic:
    """Read one of the shard's compacted partitions to its end."""
    where = Position(topic, desk.shard)
    reader = await desk.bus.reader([where])
    try:
        last = {key_of(record.key): record for record in await reader.read_to_end()}
        records = {key: record for key, record in last.items() if key is not None}
        values = {key: record.value for key, record in records.items() if record.value is not None}
        return Topic(records, values, reader.position(where))
    finally:
        await reader.close()
