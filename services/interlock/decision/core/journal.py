"""Reading the audit log of one shard back into a state.

Starting again and replaying come through here. `Journal.take` verifies a record, asks `ShardLog` whether it counts, and applies
its entries. With `check`, it first decides again on the journalled inputs alone and compares what comes out, byte by byte: that
is `interlock audit replay`.

What is journalled changed something: an input that is refused when it is decided on again, or changes nothing, is a difference,
and so is a tick of another time than its step's. Where a record stood on its topic is no input of a decision; the signature over
the audit record vouches for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import interpret
from interlock.decision.core.state import State
from interlock.records.audit import AuditKind, AuditRecord, Entry, Input, InputKind
from interlock.records.change import RoutingChange
from interlock.records.codec import encode
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Decided:
    """What a step came to when it was decided on again.

    Attributes:
        fault: What is wrong with its inputs; empty if they are what was journalled.
    """

    state: State
    entries: tuple[Entry, ...]
    changes: tuple[RoutingChange, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A step whose replay gives something else than the log says."""

    offset: int
    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Reached:
    """The last step that counts: where it stands in the log, and the digest of the state after it."""

    offset: int
    term: int
    sequence: int
    now: Micros
    digest: bytes


def decide_all(state: State, inputs: Sequence[Input], now: Micros) -> Decided:
    """Decide on the inputs of one step, one after the other."""
    entries: list[Entry] = []
    changes: list[RoutingChange] = []
    fault = ""
    for place, given in enumerate(inputs):
        outcome = _decide_again(state, given, now)
        if isinstance(outcome, str):
            fault = fault or f"input {place} {outcome}"
            continue
        state = outcome.state
        entries += outcome.entries
        changes += outcome.changes
    return Decided(state, tuple(entries), tuple(changes), fault)


def _decide_again(state: State, given: Input, now: Micros) -> Outcome | str:
    """What one input comes to, or why it cannot have been journalled like this."""
    if given != _as_journalled(given, now):
        return "is not of its kind"
    event = interpret(given, state.book.trust)
    if isinstance(event, Refused):
        return f"is refused: {event.reason}"
    outcome = decide(state, event, now)
    return outcome if outcome.to_journal else "changes nothing"


def _as_journalled(given: Input, now: Micros) -> Input:
    """The input with what its kind does not use left out, as `Term` journals it."""
    if given.kind is InputKind.TICK:
        return Input(InputKind.TICK, at=now)
    if given.kind is InputKind.LAPSE:
        return Input(InputKind.LAPSE, subject=given.subject, at=given.at)
    return Input(InputKind.RECORD, given.topic, given.partition, given.offset, given.value)


@dataclass(slots=True)
class Journal:
    """The place reached in one shard's log.

    Attributes:
        state: The state after the last record that counted.
        log: Which records count.
        check: Whether to decide again and compare.
        sealed: The last order of each route, as signed, of those that were read.
        positions: By (topic, partition): the offset after the last input that need not be heard again.
        differences: What a checking reader found.
        last: The last step that counted; None before the first.
        steps: How many steps were read that count.
        changes: How many orders they hold.
    """

    state: State
    log: ShardLog
    check: bool = False
    sealed: dict[RouteId, bytes] = field(default_factory=dict)
    positions: dict[tuple[str, int], int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    last: Reached | None = None
    steps: int = 0
    changes: int = 0

    def take(self, offset: int, sealed: bytes | None) -> AuditRecord | Refused | None:
        """Take the next record of the log.

        Returns:
            The record if it counts, None if it is void, or why it is not a record of the log at all.

        Raises:
            InvariantError: An entry of it does not fit this release; who checks notes a difference instead.
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
        again = self._compare(offset, record) if self.check else None
        for given in record.inputs:
            if given.topic:
                self.positions[given.topic, given.partition] = given.offset + 1
        self.state = again if again is not None else self._applied(offset, record)
        for change in record.changes:
            opened = open_sealed(change, self.state.book.trust, RoutingChange)
            if not isinstance(opened, Refused) and self._names(opened):
                self.sealed[opened.value.route] = change
        self.state = self.state.at(record.now)
        self.last = reached(offset, record)
        self.steps += 1
        self.changes += len(record.changes)

    def _names(self, change: Verified[RoutingChange]) -> bool:
        """Whether a change is the order that its route's entry names: what else a step holds nobody decided, and nobody may publish."""
        entry = self.state.routes.get(change.value.route)
        return entry is not None and entry.event_id == change.event_id

    def _applied(self, offset: int, record: AuditRecord) -> State:
        state = self.state
        try:
            for entry in record.entries:
                state = state.apply(entry)
        except InvariantError:
            if not self.check:
                raise
            self.differences.append(Difference(offset, record.sequence, "its entries cannot be applied"))
        return state

    def _compare(self, offset: int, record: AuditRecord) -> State | None:
        """The state that the inputs alone lead to; None if they lead elsewhere than the log."""
        try:
            again = decide_all(self.state, record.inputs, record.now)
        except Exception as error:  # noqa: BLE001 - where an earlier step put what cannot be into the state, anything may be raised
            self.differences.append(
                Difference(offset, record.sequence, f"it cannot be decided again: {type(error).__name__}")
            )
            return None
        logged = [open_sealed(change, again.state.book.trust, RoutingChange) for change in record.changes]
        signed = [None if isinstance(opened, Refused) else encode(opened.value) for opened in logged]
        what = again.fault
        if signed != [encode(change) for change in again.changes]:
            what = what or "the changes are others"
        elif again.entries != record.entries:
            what = what or "the entries are others"
        elif again.state.digest.root != record.state_digest:
            what = what or "the state is another"
        elif record.now < self.state.now:
            what = what or "time goes back"
        if not what:
            return again.state
        self.differences.append(Difference(offset, record.sequence, what))
        return None


def reached(offset: int, step: AuditRecord) -> Reached:
    """What is remembered of a step that counts."""
    return Reached(offset, step.term, step.sequence, step.now, step.state_digest)
