"""What is known of one change: its story from the audit log, who was told of it, and what was reported around it.

The story is the log's: what was ordered, the state right after it and the state now, and how its review ended. Notices, breaches and
telemetry count only as their signatures allow. Telemetry is kept for hours; records of other models, and those that were written
outside the window, are passed over unread: by the key and time on them, which only he could set wrongly who might also not have
reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from interlock.cli.connection import read_standing
from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.codec import decode
from interlock.records.commands import Command, Verb
from interlock.records.comparison import Comparison, Question, compare
from interlock.records.health import TelemetryBatch
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.records.state import AnswerEntry
from interlock.records.telling import Breach, Notice
from interlock.runtime.bus import Bus, Position, Record
from interlock.runtime.opening import load_trust
from interlock.runtime.settings import ServiceSettings
from interlock.signing.roles import Role
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.errors import PeerError
from interlock.vocabulary.identifiers import RouteId, shard_of
from interlock.vocabulary.time import Micros
from interlock.wire.topics import AUDIT, NOTICES, TELEMETRY

_LATE_MS = 60_000
"""How long after its window a batch may have been written: reporters give up on what is older than half of this."""


@dataclass(frozen=True, slots=True)
class Closed:
    """How a review ended: the order, who signed it, and when it was carried out."""

    command: Command
    signers: frozenset[str]
    at: Micros


@dataclass(frozen=True, slots=True)
class Story:
    """A change as the log tells it.

    Attributes:
        then: The state right after the step that ordered it.
        now: The state at the end of the log.
        reviewed: Whether it opened a review.
        closed: How that ended; None: it is open.
    """

    change: RoutingChange
    then: State
    now: State
    reviewed: bool
    closed: Closed | None


@dataclass(frozen=True, slots=True)
class Reported:
    """What was reported around a change; `unverified`: batches left out because their signature does not count."""

    question: Question
    comparison: Comparison
    unverified: int


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Everything that a person needs to review a change."""

    story: Story
    told: tuple[Notice | Breach, ...]
    reported: Reported


async def read_reviewed(bus: Bus, settings: ServiceSettings, change: str, route: RouteId, within: Micros) -> Reviewed:
    """Read everything about one change.

    Raises:
        PeerError: The log holds no such change.
        InfrastructureError: The bus cannot be reached.
    """
    story = await _read_story(bus, settings, change, route)
    book = (await read_standing(bus, settings)).book
    told = await _read_told(bus, (book.trust, story.then.book.trust), change)
    return Reviewed(story, told, await _read_reported(bus, book, story.change, within))


@dataclass(slots=True)
class _Reading:
    """What was found of a change so far in its shard's log."""

    name: str
    route: RouteId
    journal: Journal
    ordered: tuple[RoutingChange, State] | None = None
    reviewed: bool = False
    closed: Closed | None = field(default=None)

    def take(self, record: Record) -> None:
        step = self.journal.take(record.offset, record.value)
        keys = {entry.key: entry.value for entry in step.entries} if isinstance(step, AuditRecord) else {}
        if not isinstance(step, AuditRecord) or not keys:
            return
        if f"route/{self.route.key}" in keys and self.ordered is None:
            self._look_for_change(step)
        if f"review/{self.name}" in keys:
            opens = keys[f"review/{self.name}"] is not None
            self.reviewed, self.closed = True, None if opens else self._closed_by(step)

    def _look_for_change(self, step: AuditRecord) -> None:
        for sealed in step.changes:
            opened = open_sealed(sealed, self.journal.state.book.trust, RoutingChange)
            if isinstance(opened, Verified) and opened.value.id == self.name:
                self.ordered = opened.value, self.journal.state

    def _closed_by(self, step: AuditRecord) -> Closed | None:
        """The order that was carried out: a step may hold others about the same review, which were refused."""
        entries = {entry.key: entry.value for entry in step.entries}
        for given in step.inputs:
            opened = open_sealed(given.value, self.journal.state.book.trust, Command)
            if isinstance(opened, Refused) or (opened.value.verb, opened.value.about) != (Verb.REVIEW, self.name):
                continue
            answer = decode(entries.get(f"answer/{opened.value.id}") or b"", AnswerEntry)
            if isinstance(answer, AnswerEntry) and answer.accepted and answer.event_id == opened.event_id:
                return Closed(opened.value, opened.signers, step.now)
        return None


async def _read_story(bus: Bus, settings: ServiceSettings, change: str, route: RouteId) -> Story:
    shards = await bus.partitions(AUDIT.name)
    shard = shard_of(route.agent, shards)
    book = Book.start(*load_trust(settings.trust_root, settings.deployment))
    reading = _Reading(change, route, Journal(State.start(shard, shards, book), ShardLog(shard)))
    where = Position(AUDIT.name, shard)
    reader = await bus.reader([where], start={where: 0})
    for record in await reader.read_to_end():
        reading.take(record)
    await reader.close()
    if reading.ordered is None:
        raise PeerError(f"The log holds no change {change!r}.", "Name it as `interlock review list` or a notice does.")
    ordered, then = reading.ordered
    return Story(ordered, then, reading.journal.state, reading.reviewed, reading.closed)


async def _read_told(bus: Bus, roots: Sequence[TrustRoot], change: str) -> tuple[Notice | Breach, ...]:
    """What was said of the change, by whom one of the roots lets say it: his key may be gone by now."""
    reader = await bus.reader([NOTICES.name])
    records = await reader.read_to_end()
    await reader.close()
    said: list[Notice | Breach] = []
    for record in records:
        opened = (open_sealed(record.value, root, Notice, Breach) for root in roots)
        value = next((each.value for each in opened if not isinstance(each, Refused)), None)
        if isinstance(value, Notice | Breach) and value.change_id == change:
            said.append(value)
    return tuple(sorted(said, key=lambda each: each.at))


async def _read_reported(bus: Bus, book: Book, change: RoutingChange, within: Micros) -> Reported:
    models = tuple(model for model in (change.source, change.target) if model is not None)
    question = Question(change.route, models, change.issued_at, within, book.trust.holders(Role.PROBE))
    reader = await bus.reader([TELEMETRY.name])
    records = [record for record in await reader.read_to_end() if _wanted(record, question)]
    await reader.close()
    batches, unverified = _opened(records, book)
    return Reported(question, compare(question, batches), unverified)


def _wanted(record: Record, question: Question) -> bool:
    first, last = (question.at + sign * question.within_us for sign in (-1, 1))
    named = (record.key or b"").decode("utf-8", "replace") in question.models
    return named and first // 1_000 - _LATE_MS <= record.timestamp_ms <= last // 1_000 + _LATE_MS


def _opened(records: Sequence[Record], book: Book) -> tuple[list[TelemetryBatch], int]:
    opened = [open_sealed(record.value, book.trust, TelemetryBatch) for record in records]
    batches = [each.value for each in opened if not isinstance(each, Refused)]
    return batches, len(opened) - len(batches)
