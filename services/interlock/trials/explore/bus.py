"""What was said on the topics, as numbers.

The audit topic keeps its order. The policies topic too, but a router's broker may show its records in any order. Of routes and
heartbeats a hostile broker may show any record, to any reader, at any time, again and again: so all that counts is which records
there are, and which is the last of each route: what an honest broker keeps when it compacts.
"""

from dataclasses import dataclass, field, replace

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.log import ShardLog
from interlock.trials.explore.catalogue import Catalogue
from interlock.trials.explore.facts import NOTHING, Facts
from interlock.trials.explore.interning import Interner
from interlock.trials.explore.world import SHARD, SHARDS, World
from interlock.vocabulary.identifiers import RouteId


@dataclass(frozen=True, slots=True)
class Log:
    """The audit topic.

    Attributes:
        items: Its records, by offset.
        journal: What the real code makes of it; never changed, only copied.
        term: The offset of the last claim, counted here by hand.
        sequence: Of the last step that counts.
        changes: Every change of the steps that count, in order: the real code has no part in this.
        facts: On which the last step that counts was decided.
        claims: How many claims there are.
    """

    items: tuple[int, ...]
    journal: Journal
    term: int = -1
    sequence: int = 0
    changes: tuple[int, ...] = ()
    facts: Facts = NOTHING
    claims: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """The routes topic: every record that was ever there, and the last one of each route."""

    items: frozenset[int] = frozenset()
    last: tuple[tuple[RouteId, int], ...] = ()

    def published(self, route: RouteId, item: int) -> "Shown":
        """The topic after one more record."""
        rest = tuple(pair for pair in self.last if pair[0] != route)
        return Shown(self.items | {item}, tuple(sorted((*rest, (route, item)))))


@dataclass(slots=True)
class Bus:
    """The values behind the numbers of the topics."""

    world: World
    catalogue: Catalogue
    logs: Interner[Log] = field(default_factory=Interner)
    documents: Interner[tuple[tuple[int, int], ...]] = field(default_factory=Interner)
    routes: Interner[Shown] = field(default_factory=Interner)
    beats: Interner[frozenset[int]] = field(default_factory=Interner)
    _appended: dict[tuple[int, int], int] = field(default_factory=dict)

    def first_log(self) -> int:
        """The empty log."""
        book = self.world.deployment.book()
        journal = Journal(State.start(SHARD, SHARDS, book), ShardLog(SHARD), check=True)
        return self.logs.number((), Log((), journal))

    def appended(self, log: int, item: int) -> int:
        """The log after one more record."""
        if (log, item) not in self._appended:
            before = self.logs[log]
            self._appended[log, item] = self.logs.number((*before.items, item), self._taken(before, item))
        return self._appended[log, item]

    def _taken(self, before: Log, item: int) -> Log:
        old = before.journal
        journal = replace(
            old, log=replace(old.log), sealed=dict(old.sealed), positions={}, differences=list(old.differences)
        )
        journal.take(len(before.items), self.catalogue[item].sealed)
        after = replace(before, items=(*before.items, item), journal=journal)
        said = self.catalogue[item].value
        assert isinstance(said, AuditRecord), "nothing else is appended"
        if self.catalogue[item].forged:
            return after
        if said.kind is AuditKind.CLAIM:
            return replace(after, term=len(before.items), claims=before.claims + 1)
        if said.term != before.term or said.sequence != before.sequence + 1:
            return after
        facts, changes = self.catalogue[item].note
        return replace(after, sequence=said.sequence, changes=(*before.changes, *changes), facts=facts)

    def showed(self, shown: int, item: int) -> int:
        """The routes topic after one more record."""
        said = self.catalogue[item].value
        assert isinstance(said, RoutingChange), "nothing else is published there"
        after = self.routes[shown].published(said.route, item)
        return self.routes.number((after.items, after.last), after)
