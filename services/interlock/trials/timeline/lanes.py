"""What a timeline says, whatever it is drawn with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rich.cells import cell_len, chop_cells

from interlock.vocabulary.time import Micros

LABEL_CHARS_MAX = 300
"""A longer label is cut: nobody reads it, and a picture has an end."""

MARKS_LISTED_MAX = 60
"""So many marks are numbered and listed under the picture; a list beyond that is no picture."""

MARK_ROWS_MAX = 6
"""Numbers of marks that stand above each other; those that find no place there are in the list alone."""

UNDER_ROWS_MAX = 4
"""Rows of labels under bars that are too short for them. What finds no place there is told by the marks, and in words."""


class Kind(StrEnum):
    """What a bar stands for."""

    PRIMARY = "primary"
    FALLBACK = "fallback"
    CANARY = "canary"
    SAFE = "safe"
    OUTAGE = "outage"
    NONE = "none"


WORDS = {
    Kind.PRIMARY: "primary",
    Kind.FALLBACK: "fallback",
    Kind.CANARY: "canary",
    Kind.SAFE: "safe state",
    Kind.OUTAGE: "outage",
    Kind.NONE: "none of these",
}
"""What a person calls each kind."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted: from `start` (included) to `end`."""

    start: Micros
    end: Micros
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one moment."""

    at: Micros
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One agent's, route's or model's story."""

    name: str
    spans: Sequence[Span] = ()
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """Several stories beside each other.

    Attributes:
        start: Where the time axis begins: since the epoch, or 0 for a story that happened at no date.
        end: Where it ends. What lies outside is not shown.
        lanes: From top to bottom.
        title: What the picture is of; may be empty.
        counted_from: The moment from which times are counted, not after `start`; None: from `start`.
    """

    start: Micros
    end: Micros
    lanes: Sequence[Lane] = field(default=())
    title: str = ""
    counted_from: Micros | None = None

    @property
    def zero(self) -> Micros:
        """The moment from which times are counted."""
        return self.start if self.counted_from is None else self.counted_from

    @property
    def length(self) -> int:
        """How long it lasts, in microseconds; at least one, so that it can be divided by."""
        return max(self.end - self.start, 1)

    def share(self, at: Micros) -> float:
        """Where a moment lies between the start (0) and the end (1)."""
        return min(max((at - self.start) / self.length, 0.0), 1.0)

    def spans(self, lane: Lane) -> list[Span]:
        """The spans of a lane that show, cut to the picture, by their beginning."""
        shown = [
            Span(Micros(max(span.start, self.start)), Micros(min(span.end, self.end)), printable(span.label), span.kind)
            for span in lane.spans
        ]
        return sorted((span for span in shown if span.start < span.end), key=lambda span: span.start)

    def marks(self, lane: Lane) -> list[Mark]:
        """The marks of a lane that show, in their order."""
        shown = (Mark(mark.at, printable(mark.label)) for mark in lane.marks if self.start <= mark.at <= self.end)
        return sorted(shown, key=lambda mark: mark.at)

    def numbered(self) -> list[tuple[int, Lane, Mark]]:
        """Every mark that shows, lane by lane, with its number in the picture, from 1; those past the limit have number 0."""
        return list(self._numbered())

    def _numbered(self) -> Iterator[tuple[int, Lane, Mark]]:
        number = 0
        for lane in self.lanes:
            for mark in self.marks(lane):
                number += 1
                yield number if number <= MARKS_LISTED_MAX else 0, lane, mark

    def kinds(self) -> list[Kind]:
        """The kinds that show, in the order of the legend. What is none of them says itself what it is."""
        found = {span.kind for lane in self.lanes for span in self.spans(lane)}
        return [kind for kind in Kind if kind in found and kind is not Kind.NONE]


def printable(label: str) -> str:
    """A label without what could move a cursor, hide other text or break a document, and no longer than the limit."""
    harmless = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in label)
    return shortened(harmless, LABEL_CHARS_MAX)


def shortened(label: str, cells: int) -> str:
    """The label, cut with an ellipsis if it is wider than that; wide scripts take two cells a character."""
    return label if cell_len(label) <= cells else chop_cells(label, max(cells - 1, 2))[0] + "…"


def wrapped(label: str, cells: int) -> Iterator[str]:
    """A label in lines no wider than that, broken at spaces where there are some."""
    while cell_len(label) > cells:
        fits = len(chop_cells(label, cells)[0])
        cut = label.rfind(" ", fits // 2, fits + 1)
        cut = cut if cut > 0 else fits
        yield label[:cut]
        label = label[cut:].lstrip()
    yield label
