"""A timeline for a terminal: colours where there are some, and characters that differ where there are none."""

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from interlock.trials.timeline.axis import caption, elapsed, ticks
from interlock.trials.timeline.lanes import (
    MARK_ROWS_MAX,
    UNDER_ROWS_MAX,
    WORDS,
    Kind,
    Lane,
    Span,
    Timeline,
    printable,
    shortened,
    wrapped,
)
from interlock.trials.timeline.rows import Box, stacked
from interlock.vocabulary.time import Micros

WIDTH_MIN = 40
_BAR_MIN = 16
_TICK_WIDTH = 13
_KEY_INDENT = 17

_LETTER = {Kind.PRIMARY: "━", Kind.FALLBACK: "▒", Kind.CANARY: "┅", Kind.SAFE: "█", Kind.OUTAGE: "×", Kind.NONE: "·"}
_STYLE = {
    Kind.PRIMARY: "bold blue",
    Kind.FALLBACK: "bold yellow",
    Kind.CANARY: "bold green",
    Kind.SAFE: "bold red",
    Kind.OUTAGE: "bold magenta",
    Kind.NONE: "dim",
}


def text(timeline: Timeline, width: int) -> Text:
    """Write a timeline.

    Args:
        timeline: What to write.
        width: The terminal's columns; less than 40 is taken as 40.
    """
    width = max(width, WIDTH_MIN)
    page = _Page(timeline, width)
    parts = [Text(line, "bold") for line in wrapped(printable(timeline.title), width) if line]
    parts += [page.legend()]
    numbers = iter(timeline.numbered())
    for lane in timeline.lanes:
        own = [next(numbers) for _ in timeline.marks(lane)]
        parts += [*page.marks([(number, mark.at) for number, _, mark in own]), *page.bars(lane)]
    parts += [*page.axis(), *(Text(line, "dim") for line in wrapped(caption(timeline), width)), *page.key()]
    return Text("\n").join(parts)


class _Page:
    """Columns: a name, then the bars."""

    def __init__(self, timeline: Timeline, width: int) -> None:
        names = max((cell_len(printable(lane.name)) for lane in timeline.lanes), default=0)
        self.timeline = timeline
        self.width = width
        self.left = min(names, width // 3, width - _BAR_MIN - 2) + 2
        self.columns = width - self.left

    def column(self, at: Micros) -> int:
        """The column of a moment, counted from where the bars begin."""
        return min(int(self.timeline.share(at) * self.columns), self.columns - 1)

    def legend(self) -> Text:
        """What the characters mean."""
        parts = [Text.assemble((_LETTER[kind] * 3, _STYLE[kind]), f" {WORDS[kind]}") for kind in self.timeline.kinds()]
        return Text("   ").join(parts)

    def marks(self, marks: list[tuple[int, Micros]]) -> Iterator[Text]:
        """The numbers above a lane, in as many rows as keep them apart; those without a number are short lines."""
        words = [(str(number) if number else "╷", self.column(at)) for number, at in marks]
        rows = stacked([Box(min(at, self.columns - len(word)), len(word)) for word, at in words], gap=1)
        for row in range(min(max(rows, default=-1), MARK_ROWS_MAX - 1), -1, -1):
            line = [" "] * self.columns
            for (word, at), its in zip(words, rows, strict=True):
                begin = min(at, self.columns - len(word))
                if its == row:
                    line[begin : begin + len(word)] = word
            yield Text(" " * self.left + "".join(line).rstrip(), "bold")

    def bars(self, lane: Lane) -> Iterator[Text]:
        """A lane's bars, one line; under it the words of bars that are too short for them."""
        line = Text(set_cell_size(printable(lane.name), self.left - 2) + "  ", "bold")
        spans = self.timeline.spans(lane)
        end, homeless, before = 0, [], None
        for span in spans:
            begin = max(self.column(span.start), end)
            stop = self.columns if span.end >= self.timeline.end else max(self.column(span.end), begin + 1)
            if begin >= self.columns:
                continue
            line.append(" " * (begin - end))
            bar = _filled(span, stop - begin)
            is_next = before is span.kind and begin == end and len(bar) > 1
            line.append("│" + bar[1:] if is_next else bar, _STYLE[span.kind])
            if cell_len(span.label) + 2 > stop - begin:
                homeless.append((span, begin))
            end, before = stop, span.kind
        yield line
        yield from self._under(homeless)

    def _under(self, spans: list[tuple[Span, int]]) -> Iterator[Text]:
        labels = [shortened(f"└ {span.label}", self.columns) for span, _ in spans]
        rows = stacked(
            [Box(self._held(at, label), cell_len(label)) for label, (_, at) in zip(labels, spans, strict=True)], gap=2
        )
        for row in range(min(max(rows, default=-1) + 1, UNDER_ROWS_MAX)):
            line = Text(" " * self.left)
            for label, (span, at), its in zip(labels, spans, rows, strict=True):
                if its == row:
                    line.append(" " * (self.left + self._held(at, label) - line.cell_len))
                    line.append(label, "red" if span.kind is Kind.SAFE else "")
            yield line

    def _held(self, at: int, label: str) -> int:
        """Where a label begins that starts at a column and must not go over the edge."""
        return max(min(at, self.columns - cell_len(label)), 0)

    def axis(self) -> Iterator[Text]:
        """The line and the ticks' labels."""
        line, labels = ["─"] * self.columns, Text(" " * self.left)
        for tick in ticks(self.timeline, max(self.columns // _TICK_WIDTH, 3)):
            at = self.column(tick.at)
            line[at] = "┴"
            begin = self.left + min(at, self.columns - len(tick.label))
            if begin > labels.cell_len or not at:
                labels.append(" " * (begin - labels.cell_len) + tick.label)
        yield Text(" " * self.left + "".join(line), "dim")
        labels.stylize("dim")
        yield labels

    def key(self) -> Iterator[Text]:
        """What the numbers mean."""
        numbered = self.timeline.numbered()
        for number, lane, mark in numbered:
            if number:
                whose = f"{printable(lane.name)}: " if len(self.timeline.lanes) > 1 else ""
                after = elapsed(Micros(mark.at - self.timeline.zero))
                lines = wrapped(f"{whose}{mark.label}", self.width - _KEY_INDENT)
                yield Text.assemble((f"{number:>3}", "bold"), f"  {after:<{_KEY_INDENT - 5}}", next(lines))
                yield from (Text(" " * _KEY_INDENT + line) for line in lines)
        if unlisted := sum(1 for number, _, _ in numbered if not number):
            yield Text(f"     and {unlisted} more, which are not listed", "dim")


def _filled(span: Span, columns: int) -> str:
    """A bar with its words in the middle, if they fit."""
    words = f" {span.label} "
    if cell_len(words) > columns:
        return _LETTER[span.kind] * columns
    before = (columns - cell_len(words)) // 2
    return _LETTER[span.kind] * before + words + _LETTER[span.kind] * (columns - before - cell_len(words))
