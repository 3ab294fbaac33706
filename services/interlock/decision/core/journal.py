"""Reading the audit log of one shard back into a state.

Starting again and replaying come through here. `Journal.take` verifies a record, asks `ShardLog` whether it counts, and applies
its entries. With `check`, it first decides again on the journalled inputs alone and compares what comes out, byte by byte: that
is `interlock audit replay`.
"""

from dataclasses import dataclass, field

from interlock.decision.core.decide import decide
from interlock.decision.core.events import interpret
from interlock.decision.core.state import State
from interlock.records.audit import AuditKind, AuditRecord, Entry, Input
from interlock.records.change import RoutingChange
from interlock.records.codec import encode
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Refused
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Decided:
    """What a step came to when it was decided on, or decided again."""

    state: State
    entries: tuple[Entry, ...]
    changes: tuple[RoutingChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A step whose replay gives something else than the log says."""

    offset: int
    sequence: int
    what: str


def decide_all(state: State, inputs: tuple[Input, ...], now: Micros) -> Decided:
    """Decide on the inputs of one step, one after the other."""
    entries: list[Entry] = []
    changes: list[RoutingChange] = []
    for given in inputs:
        event = interpret(given, state.book.trust)
        if isinstance(event, Refused):
            continue
        outcome = decide(state, event, now)
        state = outcome.state
        entries += outcome.entries
        changes += outcome.changes
    return Decided(state, tuple(entries), tuple(changes))


@dataclass(slots=True)
class Journal:
    """The place reached in one shard's log.

    Attributes:
        state: The state after the last record that counted.
        sealed: The last order of each route, as signed.
        positions: By (topic, partition): the offset after the last journalled input.
        log: Which records count.
        differences: What a checking reader found.
        changes: How many orders the log holds.
    """

    state: State
    log: ShardLog
    check: bool = False
    sealed: dict[RouteId, bytes] = field(default_factory=dict)
    positions: dict[tuple[str, int], int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    steps: int = 0
    changes: int = 0

    def take(self, offset: int, sealed: bytes | None) -> AuditRecord | Refused | None:
        """Take the next record of the log.

        Returns:
            The record if it counts, None if it is void, or why it is not a record of the log at all.
        """
        opened = open_sealed(sealed, self.state.book.trust, AuditRecord)
        if isinstance(opened, Refused):
            return opened
        record = opened.value
        if not self.log.take(offset, record):
            return None
        if record.kind is AuditKind.CLAIM:
            self.state = self.state.claimed(offset, record.now)
        else:
            self._step(offset, record)
        return record

    def _step(self, offset: int, record: AuditRecord) -> None:
        if self.check:
            self._compare(offset, record)
        for given in record.inputs:
            if given.topic:
                self.positions[given.topic, given.partition] = given.offset + 1
        for entry in record.entries:
            self.state = self.state.apply(entry)
        for change in record.changes:
            opened = open_sealed(change, self.state.book.trust, RoutingChange)
            if not isinstance(opened, Refused):
                self.sealed[opened.value.route] = change
        self.state = self.state.at(record.now)
        self.steps += 1
        self.changes += len(record.changes)

    def _compare(self, offset: int, record: AuditRecord) -> None:
        again = decide_all(self.state, record.inputs, record.now)
        logged = [open_sealed(change, again.state.book.trust, RoutingChange) for change in record.changes]
        signed = [None if isinstance(opened, Refused) else encode(opened.value) for opened in logged]
        if signed != [encode(change) for change in again.changes]:
            self.differences.append(Difference(offset, record.sequence, "the changes are others"))
        elif again.entries != record.entries:
            self.differences.append(Difference(offset, record.sequence, "the entries are others"))
        elif again.state.digest.root != record.state_digest:
            self.differences.append(Difference(offset, record.sequence, "the state is another"))
        elif record.now < self.state.now:
            self.differences.append(Difference(offset, record.sequence, "time goes back"))
