"""How the picture looks: sizes, colours and patterns.

Colours are Okabe and Ito's, which people with any of the usual kinds of colour blindness tell apart; the patterns tell them apart in grey.
The picture has its own ground, light or dark as the reader's system is, so that it can be read wherever it is put.
"""

from rich.cells import cell_len

from interlock.trials.timeline.lanes import Kind

WIDTH = 1000
MARGIN = 20
BAR_HEIGHT = 28
LANE_GAP = 22
ROW_HEIGHT = 16
MARK_RADIUS = 8
NAME_WIDTH_MAX = 280
FONT_SIZE = 12
TITLE_SIZE = 16
CHAR_WIDTH = 6.9
"""The usual width of a character of this size; text is placed by it, since a document that stands alone cannot measure."""

BOLD = 1.1
"""How much wider bold words are."""

FILL = {
    Kind.PRIMARY: "#0072B2",
    Kind.FALLBACK: "#E69F00",
    Kind.CANARY: "#009E73",
    Kind.SAFE: "#D55E00",
    Kind.OUTAGE: "#CC79A7",
    Kind.NONE: "none",
}
INK = {
    Kind.PRIMARY: "#ffffff",
    Kind.FALLBACK: "#1a1a1a",
    Kind.CANARY: "#ffffff",
    Kind.SAFE: "#ffffff",
    Kind.OUTAGE: "#1a1a1a",
    Kind.NONE: "currentColor",
}

_PATTERNS = {
    Kind.FALLBACK: (
        '<pattern id="{id}" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="8" height="8" fill="#E69F00"/><rect width="2" height="8" fill="#a87400"/></pattern>'
    ),
    Kind.CANARY: (
        '<pattern id="{id}" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<rect width="8" height="8" fill="#009E73"/><circle cx="4" cy="4" r="1.5" fill="#d9fff3"/></pattern>'
    ),
    Kind.SAFE: (
        '<pattern id="{id}" width="16" height="16" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="16" height="16" fill="#D55E00"/><rect width="8" height="16" fill="#1a1a1a"/></pattern>'
    ),
    Kind.OUTAGE: (
        '<pattern id="{id}" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<rect width="8" height="8" fill="#CC79A7"/><path d="M0 0L8 8M8 0L0 8" stroke="#7a3a5c"/></pattern>'
    ),
}
"""Fallback: hatched. Canary: dotted. The safe state: the black stripes of a barrier. An outage: crossed. The primary is plain; nothing has an outline only."""

STYLE = """\
.interlock-timeline { color: #1a1a1a; font: 12px system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
.interlock-timeline .ground { fill: #ffffff; stroke: #d0d5da; }
.interlock-timeline .ink { fill: currentColor; }
.interlock-timeline .pale { fill: #57606a; }
.interlock-timeline .grid { stroke: #d8dde2; }
.interlock-timeline .lead { stroke: #8c959f; }
.interlock-timeline .over text { stroke: #ffffff; stroke-width: 4; paint-order: stroke; }
.interlock-timeline .mark { fill: #ffffff; stroke: #1a1a1a; stroke-width: 1.5; }
.interlock-timeline .stem { stroke: #1a1a1a; stroke-width: 1.5; }
.interlock-timeline .edge { fill: none; stroke: #1a1a1a; }
@media (prefers-color-scheme: dark) {
  .interlock-timeline { color: #e6e8ea; }
  .interlock-timeline .ground { fill: #15191e; stroke: #3a424b; }
  .interlock-timeline .pale { fill: #a5afb9; }
  .interlock-timeline .grid { stroke: #313840; }
  .interlock-timeline .over text { stroke: #15191e; }
  .interlock-timeline .mark { fill: #15191e; stroke: #e6e8ea; }
  .interlock-timeline .stem, .interlock-timeline .edge { stroke: #e6e8ea; }
}"""


def text_width(label: str) -> float:
    """About how wide a label is."""
    return cell_len(label) * CHAR_WIDTH


def patterns(prefix: str) -> str:
    """The patterns' definitions."""
    return "".join(shape.format(id=f"{prefix}-{kind}") for kind, shape in _PATTERNS.items())


def paint(kind: Kind, prefix: str) -> str:
    """What a bar of a kind is filled with."""
    return f"url(#{prefix}-{kind})" if kind in _PATTERNS else FILL[kind]
