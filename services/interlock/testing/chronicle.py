"""Writes one shard's audit log as the decision service would: inputs really sealed, really decided on, steps really signed.

For tests and benches that need a log and no broker. A record's offset is its place in `log`.

    chronicle = Chronicle(deployment)
    chronicle.say(POLICIES, deployment.policy("support", ["atlas", "birch"]))
    chronicle.tick(seconds=5)
    journal = chronicle.read()
"""

from interlock.decision.core.decide import Outcome, decide
from interlock.decision.core.events import interpret
from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.decision.core.step import Step
from interlock.policy.book import Book
from interlock.records.audit import AuditKind, AuditRecord, Entry, Input, InputKind
from interlock.records.log import NO_TERM, ShardLog
from interlock.records.sealing import seal
from interlock.signing.verifier import Refused
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import TopicSpec

OWNER = "decision-1"


class Chronicle:
    """A shard that owns every agent, claimed once.

    Args:
        deployment: Who signs.

    Attributes:
        state: After everything that was decided.
        log: The audit log.
        entries: The entries of each of its records.
        now: The time.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.start = State.start(0, 1, Book.start(deployment.root, deployment.root_id))
        self.state = self.start
        self.log: list[bytes] = []
        self.entries: list[tuple[Entry, ...]] = []
        self.now = NOW
        self._term = 0
        self._sequence = 0
        self._inputs = 0
        self.claim()

    def claim(self) -> None:
        """A new owner claims the shard."""
        self._term = len(self.log)
        self._append(AuditRecord(0, AuditKind.CLAIM, OWNER, NO_TERM, 0, self.now, (), (), (), b""))
        self.state = self.state.claimed(self._term, self.now)

    def say(self, topic: TopicSpec, sealed: bytes) -> Outcome | Refused:
        """A record of an input topic is read."""
        self._inputs += 1
        return self.happen(Input(InputKind.RECORD, topic.name, 0, self._inputs, sealed))

    def lapse(self, key: str) -> Outcome | Refused:
        """The last verdict under a key runs out now."""
        return self.happen(Input(InputKind.LAPSE, subject=key, at=self.now))

    def tick(self, seconds: float = 0) -> Outcome | Refused:
        """Time passes."""
        self.now = Micros(self.now + round(seconds * SECOND))
        return self.happen(Input(InputKind.TICK, at=self.now))

    def happen(self, given: Input) -> Outcome | Refused:
        """Decide on one input, and journal it as a step of its own if it changed something."""
        event = interpret(given, self.state.book.trust)
        if isinstance(event, Refused):
            return event
        outcome = decide(self.state, event, self.now)
        step = Step(self.state)
        step.add(given, outcome)
        self.state = step.state
        if step.inputs:
            self._sequence += 1
            self._append(self._record(step))
        return outcome

    def read(self, *, check: bool = False) -> Journal:
        """Read the whole log back."""
        journal = Journal(self.start, ShardLog(0), check=check)
        for offset, sealed in enumerate(self.log):
            journal.take(offset, sealed)
        return journal

    def _record(self, step: Step) -> AuditRecord:
        changes = tuple(self.deployment.seal(change, OWNER) for change in step.changes)
        return AuditRecord(
            0,
            AuditKind.STEP,
            OWNER,
            self._term,
            self._sequence,
            self.now,
            tuple(step.inputs),
            changes,
            tuple(step.entries),
            step.state.digest.root,
        )

    def _append(self, record: AuditRecord) -> None:
        self.log.append(seal(record, self.deployment.key(OWNER)))
        self.entries.append(record.entries)
