"""Differences of policies in words: `+` widens, `-` narrows, `~` does neither; in colours where there are any."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from interlock.cli.answer import plain
from interlock.policy.authoring.differences import NONE, Difference, Direction

SIGNS = {Direction.WIDENS: "+", Direction.NARROWS: "-", Direction.NEITHER: "~"}
_COLOURS = {Direction.WIDENS: "yellow", Direction.NARROWS: "green", Direction.NEITHER: "cyan"}
_WHOLE = "the whole policy"


def lines(found: Sequence[Difference]) -> list[str]:
    """One line for each difference, with its place."""
    return [
        f"{SIGNS[each.direction]} {place}: {_became(each)}" if (place := _place(each)) else _line(each)
        for each in found
    ]


def listing(found: Sequence[Difference]) -> Text:
    """All differences, place by place."""
    text = Text()
    inside_out = sorted(found, key=lambda each: (each.route, bool(each.rung)))  # of a route first what is its own
    for place, differences in groupby(inside_out, key=_place):
        text.append(f"{place or _WHOLE}\n", style="bold")
        for each in sorted(differences, key=lambda one: list(Direction).index(one.direction)):
            text.append(f"  {_line(each)}\n", style=_COLOURS[each.direction])
    return text


def tally(found: Sequence[Difference]) -> str:
    """How many of each kind."""
    return ", ".join(_counts(found)) + "."


def _counts(found: Sequence[Difference]) -> Iterator[str]:
    for direction, one, more in (
        (Direction.WIDENS, "widens", "widen"),
        (Direction.NARROWS, "narrows", "narrow"),
        (Direction.NEITHER, "does neither", "do neither"),
    ):
        count = sum(each.direction is direction for each in found)
        if count:
            yield f"{SIGNS[direction]} {count} {one if count == 1 else more}"


def _place(difference: Difference) -> str:
    return " ".join(filter(None, (difference.route, difference.rung)))


def _line(difference: Difference) -> str:
    return f"{SIGNS[difference.direction]} {_became(difference)}"


def _became(difference: Difference) -> str:
    before, after = plain(difference.before), plain(difference.after)
    if difference.before == NONE:
        return f"{difference.what}: {after} (new)"
    if difference.after == NONE:
        return f"{difference.what}: {before} (removed)"
    return f"{difference.what}: {before} -> {after}"
