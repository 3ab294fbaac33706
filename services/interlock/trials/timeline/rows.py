"""Things beside each other that must not overlap are put into rows."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """Something's place from left to right."""

    left: float
    width: float

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.left + self.width


def stacked(boxes: Sequence[Box], gap: float) -> list[int]:
    """The row of each box, from 0: the first one in which it keeps the gap to those placed before it.

    Args:
        boxes: In the order in which they are placed.
        gap: The least distance of two boxes in one row.
    """
    rows: list[list[Box]] = []
    placed = []
    for box in boxes:
        row = next((number for number, row in enumerate(rows) if _is_free(row, box, gap)), len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append(box)
        placed.append(row)
    return placed


def _is_free(row: Sequence[Box], box: Box, gap: float) -> bool:
    return all(other.right + gap <= box.left or box.right + gap <= other.left for other in row)
