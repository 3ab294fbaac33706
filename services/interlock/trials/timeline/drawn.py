"""A timeline as an SVG document that stands alone: no scripts, no fonts, nothing that is fetched.

From top to bottom: the title and the legend, a lane for each story with its marks above the bar, the axis, and what the marks' numbers
mean. Labels give way to each other: what does not fit into its bar stands under it, in as many rows as it takes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from interlock.trials.timeline.axis import caption, elapsed, ticks
from interlock.trials.timeline.lanes import (
    MARK_ROWS_MAX,
    UNDER_ROWS_MAX,
    WORDS,
    Kind,
    Lane,
    Mark,
    Span,
    Timeline,
    printable,
    shortened,
    wrapped,
)
from interlock.trials.timeline.look import (
    BAR_HEIGHT,
    BOLD,
    CHAR_WIDTH,
    FILL,
    FONT_SIZE,
    INK,
    LANE_GAP,
    MARGIN,
    MARK_RADIUS,
    NAME_WIDTH_MAX,
    ROW_HEIGHT,
    STYLE,
    TITLE_SIZE,
    WIDTH,
    paint,
    patterns,
    text_width,
)
from interlock.trials.timeline.rows import Box, stacked
from interlock.vocabulary.time import Micros

_TICK_WIDTH = 90
_PLATE_HEIGHT = 18
_MARK_STEP = 2 * MARK_RADIUS + 2
_LEGEND_STEP = 150
_KEY_CHARS = int((WIDTH - 2 * MARGIN - 26) / CHAR_WIDTH)


@dataclass(frozen=True, slots=True)
class _Page:
    """Where things are drawn."""

    timeline: Timeline
    prefix: str
    left: float
    right: float = WIDTH - MARGIN

    def x(self, at: Micros) -> float:
        return self.left + self.timeline.share(at) * (self.right - self.left)


def svg(timeline: Timeline) -> str:
    """Draw a timeline."""
    prefix = f"tl{zlib.crc32(repr(timeline).encode('utf-8', 'backslashreplace')):08x}"
    page = _Page(timeline, prefix, _left(timeline))
    head, top = _head(page)
    lanes, bottom = _lanes(page, top)
    axis, below = _axis(page, top, bottom)
    key, height = _key(page, below)
    title = printable(timeline.title) or "Timeline"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="interlock-timeline" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-desc" viewBox="0 0 {WIDTH} {height:g}" font-size="{FONT_SIZE}">\n'
        f'<title id="{prefix}-title">{escape(title)}</title>\n'
        f'<desc id="{prefix}-desc">{escape(in_words(timeline))}</desc>\n'
        f"<style>{STYLE}</style>\n<defs>{patterns(prefix)}</defs>\n"
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="8"/>\n'
        + "\n".join([*head, *axis, *lanes, *key])
        + "\n</svg>\n"
    )


def in_words(timeline: Timeline) -> str:
    """The whole timeline in words, for those who do not see it."""
    said = []
    for lane in timeline.lanes:
        bars = [
            f"{span.label} ({WORDS[span.kind]}) from {_after(timeline, span.start)} to {_after(timeline, span.end)}"
            for span in timeline.spans(lane)
        ]
        marks = [f"at {_after(timeline, mark.at)} {mark.label}" for mark in timeline.marks(lane)]
        said.append(f"{printable(lane.name)}: {'; '.join([*bars, *marks]) or 'nothing'}.")
    return " ".join(said)


def _after(timeline: Timeline, at: Micros) -> str:
    return elapsed(Micros(at - timeline.zero))


def _left(timeline: Timeline) -> float:
    """Where the lanes begin: behind the longest name."""
    names = (text_width(printable(lane.name)) * BOLD for lane in timeline.lanes)
    return MARGIN + min(max(names, default=0.0), NAME_WIDTH_MAX) + 14


def _head(page: _Page) -> tuple[list[str], float]:
    """The title and the legend, and where they end."""
    drawn, y = [], float(MARGIN)
    if page.timeline.title:
        title = shortened(printable(page.timeline.title), int((WIDTH - 2 * MARGIN) / (CHAR_WIDTH * 1.4)))
        drawn.append(_text(MARGIN, y + 13, title, size=TITLE_SIZE, bold=True))
        y += 30
    for number, kind in enumerate(page.timeline.kinds()):
        x = MARGIN + number * _LEGEND_STEP
        drawn += [_bar(page, kind, Box(x, 34), y, 14), _text(x + 42, y + 11.5, WORDS[kind])]
    return drawn, y + 14 + LANE_GAP


def _lanes(page: _Page, top: float) -> tuple[list[str], float]:
    """Every lane, and where the last one ends."""
    drawn: list[str] = []
    numbered = page.timeline.numbered()
    for lane in page.timeline.lanes:
        own = [(number, mark) for number, whose, mark in numbered if whose is lane]
        more, top = _lane(page, lane, own, top)
        drawn += more
    return drawn, top


def _lane(page: _Page, lane: Lane, marks: Sequence[tuple[int, Mark]], top: float) -> tuple[list[str], float]:
    """One lane, and where the next one begins."""
    listed = [(number, mark) for number, mark in marks if number]
    rows = stacked([Box(page.x(mark.at) - MARK_RADIUS, 2 * MARK_RADIUS) for _, mark in listed], gap=2)
    highest = min(max(rows, default=-1), MARK_ROWS_MAX - 1)
    bar_top = top + (highest + 1) * _MARK_STEP + (4 if listed else 0)
    name = printable(lane.name)
    fits = int(NAME_WIDTH_MAX / CHAR_WIDTH)
    drawn = [
        f"<g><title>{escape(name)}</title>"
        + _text(MARGIN, bar_top + BAR_HEIGHT / 2 + 4, shortened(name, fits), bold=True)
        + "</g>"
    ]
    bars, bottom = _bars(page, page.timeline.spans(lane), bar_top)
    drawn += bars
    for (number, mark), row in zip(listed, rows, strict=True):
        if row <= highest:
            drawn.append(_mark(page, number, mark, top + (highest - row) * _MARK_STEP + MARK_RADIUS, bar_top))
    drawn += [_unlisted(page, mark, bar_top) for number, mark in marks if not number]
    return drawn, bottom + LANE_GAP


def _bars(page: _Page, spans: Sequence[Span], top: float) -> tuple[list[str], float]:
    """The bars of a lane with their labels, and where the lowest label ends."""
    drawn: list[str] = []
    homeless: list[tuple[Span, Box]] = []
    for span in spans:
        box = Box(page.x(span.start), max(page.x(span.end) - page.x(span.start), 1.5))
        told = f"{span.label}: {_after(page.timeline, span.start)} to {_after(page.timeline, span.end)}"
        drawn.append(f"<g><title>{escape(told)}</title>{_bar(page, span.kind, box, top, BAR_HEIGHT)}")
        if (needed := text_width(span.label) * (BOLD if span.kind is Kind.SAFE else 1) + 12) <= box.width:
            drawn.append(_plate(span, box, top, needed))
        elif span.label:
            homeless.append((span, box))
        drawn.append("</g>")
    bottom = top + BAR_HEIGHT
    labels = [_under(page, span, box) for span, box in homeless]
    rows = stacked([place for _, place in labels], gap=8)
    lines, words = [], []
    for (_, box), (label, place), row in zip(homeless, labels, rows, strict=True):
        if row < UNDER_ROWS_MAX:
            x, y = box.left + box.width / 2, top + BAR_HEIGHT + (row + 1) * ROW_HEIGHT
            lines.append(f'<line class="lead" x1="{x:.1f}" y1="{top + BAR_HEIGHT}" x2="{x:.1f}" y2="{y - 9:.1f}"/>')
            words.append(f'<g class="over">{_text(place.left, y, label)}</g>')
            bottom = max(bottom, y + 2)
    drawn += [*lines, *words]
    return drawn, bottom


def _under(page: _Page, span: Span, box: Box) -> tuple[str, Box]:
    """A label that stands under its bar: cut to the lane's width, moved so that it stays inside."""
    label = shortened(span.label, int((page.right - page.left) / CHAR_WIDTH))
    width = text_width(label)
    left = box.left + box.width / 2 - width / 2
    return label, Box(max(page.left, min(left, page.right - width)), width)


def _bar(page: _Page, kind: Kind, box: Box, top: float, height: float) -> str:
    dashes = ' stroke-dasharray="4 3"' if kind is Kind.NONE else ""
    thick = 2 if kind is Kind.SAFE and height > ROW_HEIGHT else 0.75
    return (
        f'<rect class="edge" x="{box.left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{height}" rx="2" '
        f'style="fill:{paint(kind, page.prefix)}" stroke-width="{thick}"{dashes}/>'
    )


def _plate(span: Span, box: Box, top: float, width: float) -> str:
    """The words in a bar, on a plate of the bar's plain colour where a pattern would disturb them."""
    x, y = box.left + box.width / 2, top + (BAR_HEIGHT - _PLATE_HEIGHT) / 2
    words = _text(x, y + 13, span.label, colour=INK[span.kind], centred=True, bold=span.kind is Kind.SAFE)
    if span.kind in {Kind.PRIMARY, Kind.NONE}:
        return words
    plate = f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_PLATE_HEIGHT}" rx="3" '
    return f'{plate}fill="{FILL[span.kind]}"/>{words}'


def _mark(page: _Page, number: int, mark: Mark, y: float, bar_top: float) -> str:
    x = page.x(mark.at)
    return (
        f"<g><title>{escape(f'{_after(page.timeline, mark.at)}: {mark.label}')}</title>"
        f'<line class="stem" x1="{x:.1f}" y1="{y + MARK_RADIUS:.1f}" x2="{x:.1f}" y2="{bar_top + 4:.1f}"/>'
        f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="{MARK_RADIUS}"/>'
        + _text(x, y + 3.5, str(number), size=10, centred=True)
        + "</g>"
    )


def _unlisted(page: _Page, mark: Mark, bar_top: float) -> str:
    """A mark beyond those that are listed: its place, and its words where the pointer rests on it."""
    x = page.x(mark.at)
    told = escape(f"{_after(page.timeline, mark.at)}: {mark.label}")
    line = f'<line class="stem" x1="{x:.1f}" y1="{bar_top - 6:.1f}" x2="{x:.1f}" y2="{bar_top:.1f}"/>'
    return f"<g><title>{told}</title>{line}</g>"


def _axis(page: _Page, top: float, bottom: float) -> tuple[list[str], float]:
    """The ticks through all lanes, their labels and the caption, and where it ends. Drawn first, so under the lanes."""
    drawn = [
        f'<line class="grid" x1="{page.left:.1f}" y1="{bottom:g}" x2="{page.right:.1f}" y2="{bottom:g}"/>',
    ]
    for tick in ticks(page.timeline, int((page.right - page.left) / _TICK_WIDTH)):
        x = page.x(tick.at)
        drawn.append(f'<line class="grid" x1="{x:.1f}" y1="{top - 8:g}" x2="{x:.1f}" y2="{bottom + 5:g}"/>')
        held = min(x, page.right - text_width(tick.label) / 2)
        drawn.append(_text(held, bottom + 19, tick.label, centred=True, pale=True))
    drawn.append(_text(page.left, bottom + 38, caption(page.timeline), pale=True))
    return drawn, bottom + 54


def _key(page: _Page, top: float) -> tuple[list[str], float]:
    """What the numbers mean, and the picture's height."""
    numbered = page.timeline.numbered()
    drawn, y = [], top + 8
    for number, lane, mark in numbered:
        if number:
            for row, line in enumerate(wrapped(_entry(page, lane, mark), _KEY_CHARS)):
                if not row:
                    drawn.append(f'<circle class="mark" cx="{MARGIN + 8}" cy="{y:g}" r="{MARK_RADIUS}"/>')
                    drawn.append(_text(MARGIN + 8, y + 3.5, str(number), size=10, centred=True))
                drawn.append(_text(MARGIN + 26, y + 4, line))
                y += ROW_HEIGHT
            y += 4
    unlisted = sum(1 for number, _, _ in numbered if not number)
    if unlisted:
        drawn.append(_text(MARGIN, y + 4, f"{unlisted} more are drawn as short lines and not listed", pale=True))
        y += ROW_HEIGHT
    return drawn, y + (4 if numbered else -8)


def _entry(page: _Page, lane: Lane, mark: Mark) -> str:
    whose = f"{printable(lane.name)}: " if len(page.timeline.lanes) > 1 else ""
    return f"{_after(page.timeline, mark.at)} · {whose}{mark.label}"


def _text(  # noqa: PLR0913 - every one has a default
    x: float,
    y: float,
    label: str,
    *,
    size: int = FONT_SIZE,
    colour: str = "",
    centred: bool = False,
    bold: bool = False,
    pale: bool = False,
) -> str:
    look = f'fill="{colour}"' if colour else 'class="pale"' if pale else 'class="ink"'
    anchor = ' text-anchor="middle"' if centred else ""
    weight = ' font-weight="600"' if bold else ""
    sized = f' style="font-size:{size}px"' if size != FONT_SIZE else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}{anchor}{weight}{sized}>{escape(label)}</text>'
