"""At which call of a service something happens to it, and what.

Every port of a victim asks the `Register` at each of its calls. A call is known by where it stands in the code, by what it is about (a
topic's partition, or nothing) and by how many like it there were before: the same in every run, however tasks take turns.
"""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import FrameType

import interlock
from interlock.testing.killing.process import Process

PACKAGE = Path(interlock.__file__).parent
_HERE = str(PACKAGE / "testing" / "killing")


class Deed(StrEnum):
    """What happens to a process."""

    KILL = "kill"
    STOP = "stop"
    UNKNOWN = "unknown"
    """Nothing but that the broker does not answer: the outcome of the publication stays unknown."""


class Side(StrEnum):
    """When it happens, seen from the call; of a publication also: whether its record arrives."""

    BEFORE = "before"
    AFTER = "after"
    LATE = "late"
    """The process is gone, or despairs, before the answer; the record arrives later than all that its successor does first."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a port.

    Attributes:
        site: Where it stands in the code, such as `decision/term.py:226`.
        port: What is called, such as `Publisher.publish`.
        about: A topic's partition, or what else tells calls of one site apart; may be empty.
        occurrence: How many calls like it there were, this one among them.
    """

    site: str
    port: str
    about: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens to whom, and where.

    Attributes:
        arrive: Of records that were on their way beside this one: whether they still arrive.
    """

    victim: str
    deed: Deed
    side: Side
    site: str
    about: str
    occurrence: int
    arrive: bool = False

    def __str__(self) -> str:
        about = self.about or "-"
        return f"{self.victim} {self.deed} {self.side} {self.site} {about} {self.occurrence}{' arrive' * self.arrive}"

    @classmethod
    def parse(cls, text: str) -> "Strike":
        """Read a strike as it is printed.

        Raises:
            ValueError: It is none.
        """
        victim, deed, side, site, about, occurrence, *arrive = text.split()
        return cls(
            victim, Deed(deed), Side(side), site, about.replace("-", "", about == "-"), int(occurrence), bool(arrive)
        )


@dataclass(slots=True)
class Register:
    """Counts the calls of one victim, over all its incarnations, and knows those at which something happens.

    Attributes:
        victim: Whose calls are counted.
        strikes: What happens, one after the other: the occurrences of each are counted from the one before it on.
        calls: All that were made, in order.
        struck: How many strikes have happened.
        told: Called when an outcome stays unknown.
    """

    victim: str
    strikes: tuple[Strike, ...] = ()
    calls: list[Call] = field(default_factory=list)
    struck: int = 0
    told: Callable[[], object] = lambda: None
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def arm(self, *strikes: Strike) -> None:
        """Let something happen from now on: calls before this are forgotten."""
        self.strikes, self.struck = strikes, 0
        self.calls.clear()
        self._counts.clear()

    def note(self, process: Process, port: str, about: str = "") -> Strike | None:
        """Count a call of the function that called the caller; the strike, if it is this one."""
        if process.name != self.victim or process.dead:
            return None
        site = _site(sys._getframe(2))
        self._counts[site, about] += 1
        call = Call(site, port, about, self._counts[site, about])
        self.calls.append(call)
        strike = self.strikes[self.struck] if self.struck < len(self.strikes) else None
        if strike is None or (strike.site, strike.about, strike.occurrence) != (call.site, call.about, call.occurrence):
            return None
        self.struck += 1
        self._counts.clear()
        if strike.deed is Deed.UNKNOWN:
            self.told()
        return strike


def _site(frame: FrameType) -> str:
    """Where a frame stands, the ports themselves passed over."""
    at: FrameType | None = frame
    while at is not None and at.f_code.co_filename.startswith(_HERE) and at.f_back is not None:
        at = at.f_back
    assert at is not None
    return f"{_name(at.f_code.co_filename)}:{at.f_lineno}"


@cache
def _name(filename: str) -> str:
    path = Path(filename)
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name
