"""One test of the standard: who plays in it, what happens, and what was seen.

    EXERCISE = Exercise("8.1", "primary failure", "…", CAST, {Act.TOGETHER: play})

    async def play(field: Field) -> Seen: ...

A play makes things happen at the outer edge and waits until what must be seen was seen; `NotSeen` ends the test, which has failed then.
What else is wrong is told as a fault, in one sentence.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from interlock.trials.drill.cast import Cast
from interlock.trials.drill.field import Field
from interlock.vocabulary.time import Micros


class Act(IntEnum):
    """When something is played: each act once every test is done with the one before."""

    TOGETHER = 1
    """All tests at the same time, everything running."""
    WITHOUT_NOTIFIER = 2
    """The notifier may be killed, and must run again at the end."""
    WITHOUT_DECISION = 3
    """Decision may be killed."""
    LOOKING_BACK = 4
    """Nothing happens any more; what happened before is compared."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in a play.

    Attributes:
        evidence: Facts and figures, for JSON.
        summary: The evidence in one line for a person.
        faults: What is not as it must be, one sentence each; empty: the test is passed.
    """

    evidence: Mapping[str, Any]
    summary: str = ""
    faults: tuple[str, ...] = ()


Play = Callable[[Field], Awaitable[Seen]]


@dataclass(frozen=True, slots=True)
class Exercise:
    """One test of the standard.

    Attributes:
        id: Its number in the standard.
        title: What it is called.
        clause: What the standard asks for, in a sentence.
        cast: Who plays.
        acts: What happens, by act.
        services: The services that it needs beside health-monitor, probe, decision and gateway.
    """

    id: str
    title: str
    clause: str
    cast: Cast
    acts: Mapping[Act, Play]
    services: frozenset[str] = frozenset()


@dataclass(slots=True)
class Outcome:
    """What came of an exercise, act by act.

    Attributes:
        exercise: The exercise.
        evidence: What was seen.
        summaries: The same in one line for each act.
        faults: What is not as it must be; empty: the test is passed.
        story: What was done and seen, and when.
        stopped: Whether something was waited for in vain: the test ended there.
    """

    exercise: Exercise
    evidence: dict[str, Any] = field(default_factory=dict)
    summaries: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    story: list[tuple[Micros, str]] = field(default_factory=list)
    stopped: bool = False

    @property
    def passed(self) -> bool:
        """Whether the test is passed."""
        return not self.faults

    @property
    def line(self) -> str:
        """What was seen, or the first thing that was not as it must be, in one line."""
        if not self.faults:
            return "; ".join(self.summaries)
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        return f"{self.faults[0]}{more}"

    def add(self, seen: Seen) -> None:
        """Take in what one play saw."""
        self.evidence |= seen.evidence
        self.summaries += [seen.summary] if seen.summary else []
        self.faults += seen.faults

    def stop(self, fault: str) -> None:
        """End the test at what was waited for in vain."""
        self.faults.append(fault)
        self.stopped = True
