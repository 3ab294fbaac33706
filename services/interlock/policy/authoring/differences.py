"""What it means that one value became another: does the agent get more, or less.

Everything that lets an agent do, reach or go on more *widens*, and everything that holds it back more *narrows*. What is only
different (another team, another wording) does *neither*. Each kind of comparison here is fair: turned round, what widened narrows by
as much, and equal values differ in nothing.

Not handled here: which parts a policy has, and the direction of each (`diff`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from interlock.vocabulary.time import FOREVER, Micros, to_text

T = TypeVar("T")
V = TypeVar("V")

NONE = "none"
"""How nothing is told."""


class Direction(StrEnum):
    """Whether the agent may do, reach or go on more than before."""

    WIDENS = "widens"
    NARROWS = "narrows"
    NEITHER = "neither"

    @property
    def opposite(self) -> "Direction":
        """The direction of the way back."""
        return _OPPOSITES[self]


_OPPOSITES = {
    Direction.WIDENS: Direction.NARROWS,
    Direction.NARROWS: Direction.WIDENS,
    Direction.NEITHER: Direction.NEITHER,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that became another.

    Attributes:
        what: The part of the policy, in the words that people write it with.
        before: As it was, in words.
        after: As it is.
        direction: Whether that lets the agent do more.
        route: `slot/scope`; empty where the whole policy is meant.
        rung: The model of the rung; empty where the whole route is meant.
    """

    what: str
    before: str
    after: str
    direction: Direction
    route: str = ""
    rung: str = ""


Compare = Callable[[T, T], Iterator[Difference]]
"""Every difference between two values of a kind."""


def part(what: str, of: Callable[[T], Any], told: Callable[[Any], str] = str) -> Compare[T]:
    """A part of which there is no more and less."""
    return graded(what, of, lambda value: 0, told=told)


def graded(
    what: str,
    of: Callable[[T], Any],
    rank: Callable[[Any], float],
    *,
    rising: Direction = Direction.WIDENS,
    told: Callable[[Any], str] = str,
) -> Compare[T]:
    """A part of which there is more and less.

    Args:
        what: Its name.
        of: The part.
        rank: How much it is; different values of one rank are neither more nor less.
        rising: What it means that it becomes more.
        told: The part in words.
    """

    def compare(before: T, after: T) -> Iterator[Difference]:
        old, new = of(before), of(after)
        if old != new:
            low, high = rank(old), rank(new)
            direction = rising if low < high else rising.opposite if low > high else Direction.NEITHER
            yield Difference(what, told(old), told(new), direction)

    return compare


def rising(what: str, of: Callable[[T], float], told: Callable[[Any], str] = str) -> Compare[T]:
    """A number or a mark that widens where it grows."""
    return graded(what, of, float, told=told)


def falling(what: str, of: Callable[[T], float], told: Callable[[Any], str] = str) -> Compare[T]:
    """A number or a mark that widens where it shrinks."""
    return graded(what, of, float, rising=Direction.NARROWS, told=told)


def members(what: str, of: Callable[[T], Iterable[str]], gaining: Direction) -> Compare[T]:
    """A set: one difference for each member that came or went."""

    def compare(before: T, after: T) -> Iterator[Difference]:
        old, new = frozenset(of(before)), frozenset(of(after))
        for name in sorted(old ^ new):
            yield _came(what, name, gaining) if name in new else _went(what, name, gaining)

    return compare


def inclusion(
    what: str,
    of: Callable[[T], V],
    holds: Callable[[V], Iterable[object]],
    gaining: Direction,
    told: Callable[[V], str] = str,
) -> Compare[T]:
    """A part that is told as a whole, and is more where it holds all that it held, and more."""

    def compare(before: T, after: T) -> Iterator[Difference]:
        old, new = of(before), of(after)
        if old != new:
            low, high = frozenset(holds(old)), frozenset(holds(new))
            direction = gaining if low < high else gaining.opposite if high < low else Direction.NEITHER
            yield Difference(what, told(old), told(new), direction)

    return compare


def entries(
    what: str, of: Callable[[T], Mapping[str, V]], gaining: Direction, *inner: Compare[V], told: Callable[[V], str]
) -> Compare[T]:
    """Named entries: one difference for each that came or went, and what differs inside those that stayed."""

    def compare(before: T, after: T) -> Iterator[Difference]:
        old, new = of(before), of(after)
        for name in sorted(old.keys() | new.keys()):
            if name not in old:
                yield _came(f"{what}.{name}", told(new[name]), gaining)
            elif name not in new:
                yield _went(f"{what}.{name}", told(old[name]), gaining)
            else:
                found = all_of(*inner)(old[name], new[name])
                yield from (replace(each, what=f"{what}.{name}.{each.what}") for each in found)

    return compare


def all_of(*compares: Compare[T]) -> Compare[T]:
    """Several comparisons, one after the other."""

    def compare(before: T, after: T) -> Iterator[Difference]:
        for each in compares:
            yield from each(before, after)

    return compare


def inside(of: Callable[[T], V], *inner: Compare[V]) -> Compare[T]:
    """The differences of a part."""

    def compare(before: T, after: T) -> Iterator[Difference]:
        yield from all_of(*inner)(of(before), of(after))

    return compare


def told_moment(value: Micros) -> str:
    """A moment in words."""
    return "never" if value == FOREVER else to_text(value)


def told_yes(value: bool) -> str:
    """A mark in words."""
    return "yes" if value else "no"


def _came(what: str, told: str, gaining: Direction) -> Difference:
    return Difference(what, NONE, told, gaining)


def _went(what: str, told: str, gaining: Direction) -> Difference:
    return Difference(what, told, NONE, gaining.opposite)
