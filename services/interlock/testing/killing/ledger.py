"""The audit log as somebody outside reads it: which changes count, and when each came."""

from dataclasses import dataclass, field

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.wire.topics import AUDIT, SHARDS


@dataclass(frozen=True, slots=True)
class Logged:
    """A change in a step that counts: as signed, where its step stands, and when that came there."""

    change: Verified[RoutingChange]
    sealed: bytes
    where: tuple[Position, int]
    at_ms: int


@dataclass(slots=True)
class Ledger:
    """Reads the log on from where it last stood.

    Attributes:
        logged: By shard: every change that counts, in order.
        void: How many records count for nothing.
        steps: By shard: term and sequence of the last step that counts; None if there is none.
    """

    broker: MemoryBroker
    trust: TrustRoot
    logged: dict[int, list[Logged]] = field(default_factory=lambda: {shard: [] for shard in range(SHARDS)})
    void: int = 0
    steps: dict[int, tuple[int, int] | None] = field(default_factory=lambda: dict.fromkeys(range(SHARDS)))
    _logs: dict[int, ShardLog] = field(default_factory=lambda: {shard: ShardLog(shard) for shard in range(SHARDS)})
    _read: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(SHARDS), 0))

    @property
    def terms(self) -> dict[int, int]:
        """The term of each shard."""
        return {shard: log.term for shard, log in self._logs.items()}

    def read(self) -> "Ledger":
        """Read what came."""
        for shard, log in self._logs.items():
            for record in self.broker.fetch(Position(AUDIT.name, shard), self._read[shard], 1_000_000):
                self._read[shard] = record.offset + 1
                opened = open_sealed(record.value, self.trust, AuditRecord)
                if isinstance(opened, Refused) or not log.take(record.offset, opened.value):
                    self.void += 1
                    continue
                if opened.value.kind is AuditKind.STEP:
                    self.steps[shard] = (opened.value.term, opened.value.sequence)
                for sealed in opened.value.changes:
                    change = open_sealed(sealed, self.trust, RoutingChange)
                    assert not isinstance(change, Refused), "a change in the log is not signed by decision"
                    self.logged[shard].append(
                        Logged(change, sealed, (Position(AUDIT.name, shard), record.offset), record.timestamp_ms)
                    )
        return self

    def all(self) -> list[Logged]:
        """Every change that counts."""
        return [logged for of_shard in self.logged.values() for logged in of_shard]

    def of(self, route: RouteId) -> list[Logged]:
        """The changes of one route, in order."""
        return [logged for logged in self.all() if logged.change.value.route == route]

    def last(self, route: RouteId) -> RoutingChange | None:
        """The last change of a route; None if there is none."""
        logged = self.of(route)
        return logged[-1].change.value if logged else None
