"""What the report of a drill holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.trials.timeline import Timeline
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a test's story: when, and what was done or seen."""

    at: Micros
    text: str


@dataclass(frozen=True, slots=True)
class Move:
    """One routing change as the audit log has it.

    Attributes:
        at: Its timestamp.
        route: Whose route it changed.
        source: From which model, or in words.
        target: To which model, or in words.
        reason: Why.
        passed: How many checks were passed before it was ordered.
        failed: How many were not: of models that were passed over.
        told_s: How many seconds later the governance function accepted the notice; None: it did not.
        event_id: SHA-256 of what was signed, in hex.
    """

    at: Micros
    route: str
    source: str
    target: str
    reason: str
    passed: int
    failed: int
    told_s: float | None
    event_id: str


@dataclass(frozen=True, slots=True)
class Rested:
    """A signed record that the verdict rests on.

    Attributes:
        kind: What kind of record.
        place: Topic, partition and offset, or where else it stands.
        about: What it says, in a few words.
        event_id: SHA-256 of what was signed, in hex.
    """

    kind: str
    place: str
    about: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One test.

    Attributes:
        id: Its number in the standard.
        title: What must be so, in one line.
        clause: What is asked, and how this drill goes about it.
        summary: What was seen, or what was not as it should be, in a sentence or two.
        passed: The verdict.
        faults: What was not as it should be, a sentence each.
        story: What was done and seen, in order.
        evidence: Figures and facts, for programs; shown as tables.
        timeline: What served each agent when; None: nothing to draw.
        moves: The changes of the test's agents.
        rests_on: The records that the verdict rests on.
    """

    id: str
    title: str
    clause: str
    summary: str
    passed: bool
    faults: Sequence[str] = ()
    story: Sequence[Line] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    timeline: Timeline | None = None
    moves: Sequence[Move] = ()
    rests_on: Sequence[Rested] = ()


@dataclass(frozen=True, slots=True)
class Filing:
    """A whole drill.

    Attributes:
        deployment: The deployment that was drilled.
        began: When the drill began.
        ended: When it ended.
        broker: What carried the records, in words.
        command: What was typed; typed again, the drill is run again.
        deadline_s: Within how many seconds governance had to be told in this run.
        surroundings: What it ran on, by name: versions, machine.
        trust_root: The event id of the trust root, in hex.
        chapters: The tests.
        log: Every record of the audit log; they were read from the first on, and decided again.
        differences: Where deciding again gave something else; empty: the log replays byte for byte.
    """

    deployment: str
    began: Micros
    ended: Micros
    broker: str
    command: str
    deadline_s: float
    surroundings: Mapping[str, str]
    trust_root: str
    chapters: Sequence[Chapter]
    log: Sequence[Rested] = ()
    differences: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether every test was passed, and the log replays."""
        return bool(self.chapters) and all(chapter.passed for chapter in self.chapters) and not self.differences
