"""Reads the topics that may count as evidence, verifies every record as an auditor would, and keeps what counts.

The audit log is read through `Journal` with its check on: each step is decided again from its journalled inputs while it comes
in, so at the end of a trial it is known whether the replay is identical. Verdicts are read for showing only.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from interlock.decision.core.journal import Difference, Journal
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.audit import AuditRecord
from interlock.records.change import Acknowledgement, Heartbeat, RoutingChange
from interlock.records.commands import Command
from interlock.records.health import Verdict
from interlock.records.log import ShardLog
from interlock.records.sealing import event_id_of, open_sealed
from interlock.records.state import AnswerEntry
from interlock.records.telling import Breach, Finding, Notice, Ticket
from interlock.runtime.bus import Bus, Position, Reader, Record
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.time import Micros
from interlock.wire.topics import ACKS, AUDIT, FINDINGS, HEARTBEATS, NOTICES, SHARDS, TICKETS, VERDICTS

TOPICS = (AUDIT.name, FINDINGS.name, ACKS.name, VERDICTS.name, HEARTBEATS.name, TICKETS.name, NOTICES.name)
"""What is read."""

_LOOK_S = 0.05
_TURN_S = 0.02
_REST_S = 0.5


_KINDS = (Finding, Acknowledgement, Verdict, Heartbeat, Ticket, Notice, Breach)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A genuine record that a verdict may rest on: its identity, and where it stands."""

    topic: str
    partition: int
    offset: int
    event_id: bytes
    value: Statement

    @property
    def place(self) -> str:
        """Topic, partition and offset."""
        return f"{self.topic}/{self.partition}@{self.offset}"


@dataclass(slots=True)
class Witness:
    """What was seen on the topics so far.

    Attributes:
        changes: Every change in the audit log that counts, in the order of reading.
        sealed: The same as they were signed, by change id.
        findings: Every finding.
        acks: Every acknowledgement.
        commands: Every command that was journalled, by its id, with who signed it.
        tickets: Every request that was kept for a person, by the ticket's id.
        verdicts: Every verdict whose level differs from the one before under its key.
        last_verdict: The last verdict by its key.
        beats: When the last heartbeat of each shard was issued.
        heartbeats: By shard, the heartbeats that could renew a lease, in order: each is higher than those before.
        notices: Every attempt to tell governance that the notifier put on record.
        breaches: Every breach that the deadline watch put on record.
        exhibits: Every record that counts, verdicts and heartbeats apart, in the order of reading.
        audit_records: Records of the audit log that count.
        log: By shard of the audit log and offset, the hash of every record that was read, whether it counts or not.
    """

    book: Book
    changes: list[RoutingChange] = field(default_factory=list)
    sealed: dict[str, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    acks: list[Acknowledgement] = field(default_factory=list)
    commands: dict[str, Verified[Command]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    last_verdict: dict[str, Verdict] = field(default_factory=dict)
    beats: dict[int, Micros] = field(default_factory=dict)
    heartbeats: dict[int, list[Heartbeat]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    audit_records: int = 0
    log: dict[Position, dict[int, bytes]] = field(default_factory=dict)
    _journals: dict[int, Journal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._journals = {
            shard: Journal(State.start(shard, SHARDS, self.book), ShardLog(shard), check=True)
            for shard in range(SHARDS)
        }

    @property
    def differences(self) -> list[Difference]:
        """Where deciding again gave something else than the log says."""
        return [difference for journal in self._journals.values() for difference in journal.differences]

    @property
    def answers(self) -> dict[str, AnswerEntry]:
        """What the audit log says became of each command, by its id."""
        return {name: answer for journal in self._journals.values() for name, answer in journal.state.answers.items()}

    def take(self, record: Record) -> None:
        """Take in one record; what is not genuine is passed over."""
        if record.topic == AUDIT.name:
            self._take_audit(record)
            return
        opened = open_sealed(record.value, self.book.trust, *_KINDS)
        if isinstance(opened, Refused):
            return
        match opened.value:
            case Verdict() as verdict:
                self._take_verdict(verdict)
                return
            case Heartbeat() as beat:
                self._take_heartbeat(beat)
                return
            case Finding() as finding:
                self.findings.append(finding)
            case Acknowledgement() as ack:
                self.acks.append(ack)
            case Ticket() as ticket:
                self.tickets[ticket.id] = ticket
            case Notice() as notice:
                self.notices.append(notice)
            case Breach() as breach:
                self.breaches.append(breach)
        self._exhibit(record, opened.event_id, opened.value)

    def _exhibit(self, record: Record, event_id: bytes, value: Statement) -> None:
        self.exhibits.append(Exhibit(record.topic, record.partition, record.offset, event_id, value))

    def _take_audit(self, record: Record) -> None:
        shard = self.log.setdefault(Position(record.topic, record.partition), {})
        shard.setdefault(record.offset, digest(record.value or b""))
        taken = self._journals[record.partition].take(record.offset, record.value)
        if isinstance(taken, AuditRecord):
            self.audit_records += 1
            self._exhibit(record, event_id_of(taken), taken)
            for sealed in taken.changes:
                opened = open_sealed(sealed, self.book.trust, RoutingChange)
                if not isinstance(opened, Refused):
                    self.changes.append(opened.value)
                    self.sealed[opened.value.id] = sealed
            for given in taken.inputs:
                ordered = open_sealed(given.value, self.book.trust, Command)
                if not isinstance(ordered, Refused):
                    self.commands[ordered.value.id] = ordered

    def _take_heartbeat(self, beat: Heartbeat) -> None:
        self.beats[beat.shard] = beat.issued_at
        before = self.heartbeats.setdefault(beat.shard, [])
        if not before or beat.order > before[-1].order:
            before.append(beat)

    def _take_verdict(self, verdict: Verdict) -> None:
        before = self.last_verdict.get(verdict.key)
        if before is not None and before.issued_at > verdict.issued_at:
            return
        self.last_verdict[verdict.key] = verdict
        if before is None or before.level is not verdict.level:
            self.verdicts.append(verdict)


class Watch:
    """Follows the topics for a witness while it is entered, from the first record that they hold.

    Args:
        bus: Where the topics are.
        witness: Who takes in what is read.
        alive: Raises if the trial cannot go on, such as `Processes.check`.
        patient: Whether brokers that cannot be reached are waited for; else that ends the trial.
    """

    def __init__(self, bus: Bus, witness: Witness, alive: Callable[[], None], *, patient: bool = False) -> None:
        self._patient = patient
        self._positions: dict[Position, int] = {}
        self._bus = bus
        self._witness = witness
        self._alive = alive
        self._reader: Reader | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Watch":
        self._reader = await self._bus.reader(TOPICS)
        self._task = asyncio.create_task(self._follow_on(self._reader), name="witness")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._reader is not None:
            await self._reader.close()

    async def until(self, what: str, condition: Callable[[], bool], *, within_s: float) -> None:
        """Wait until a condition holds.

        Raises:
            InfrastructureError: It did not within that time, or a process ended meanwhile.
        """
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self.check()
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise NotSeen(
                f"Waited {within_s:g} s in vain until {what}.", "Look into the logs of the services."
            ) from None

    async def up_to(self, ends: Mapping[Position, int], *, within_s: float) -> None:
        """Wait until everything before these offsets was taken in.

        Raises:
            InfrastructureError: It was not within that time.
        """

        def taken_in() -> bool:
            return all(self._positions.get(where, 0) >= end for where, end in ends.items())

        await self.until("everything that stands on the topics was read", taken_in, within_s=within_s)

    def check(self) -> None:
        """See that the trial can go on.

        Raises:
            InfrastructureError: A process has ended, or the topics cannot be read any more.
        """
        self._alive()
        if self._task is not None and self._task.done():
            self._task.result()

    async def _follow_on(self, reader: Reader) -> None:
        """Follow, and where that is asked for, begin again with a new reader after the last record taken in."""
        while True:
            try:
                await self._follow(reader)
            except InfrastructureError:
                if not self._patient:
                    raise
            await reader.close()
            reader = self._reader = await self._reader_again()

    async def _reader_again(self) -> Reader:
        while True:
            try:
                return await self._bus.reader(TOPICS, start=self._positions)
            except InfrastructureError:
                await asyncio.sleep(_REST_S)

    async def _follow(self, reader: Reader) -> None:
        """Take in what comes. Model servers and clients may live in this process: they wait for a turn of it, and for no whole batch."""
        now = asyncio.get_running_loop().time
        while True:
            ends = now() + _TURN_S
            for record in await reader.batch():
                self._witness.take(record)
                self._positions[Position(record.topic, record.partition)] = record.offset + 1
                if now() >= ends:
                    await asyncio.sleep(0)
                    ends = now() + _TURN_S


async def first_offsets(bus: Bus) -> dict[int, int]:
    """By shard, the offset of the first record that the audit log still holds; shards without records are left out."""
    reader = await bus.reader([AUDIT.name])
    try:
        return {shard: offset for shard in range(SHARDS) if (offset := reader.position(Position(AUDIT.name, shard)))}
    finally:
        await reader.close()


class NotSeen(InfrastructureError):  # noqa: N818 - the answer is no, and that is no error
    """What a trial waited for did not happen: the answer is no."""

    exit_code = 1
