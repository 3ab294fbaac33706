"""Keeps a flood of like findings from becoming a flood of records. Pure.

Whoever can write garbage to a topic could otherwise fill the findings topic through us, and hide one finding that matters among
a million that do not. So of like findings (one reason, one topic) a few a second are told; the others are counted, and the next
one that is told says how many they were.
"""

from dataclasses import dataclass

from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

LIKE_FINDINGS_PER_SECOND_MAX = 5
"""Enough to see a pattern; a person reads no more."""


@dataclass(slots=True)
class _Flow:
    second: int
    told: int = 0
    held_back: int = 0


class Damper:
    """Counts like findings. Reasons and our topics are closed lists, so its memory is bounded."""

    def __init__(self) -> None:
        self._flows: dict[tuple[Reason, str], _Flow] = {}

    def admit(self, reason: Reason, topic: str, now: Micros) -> int | None:
        """Whether a finding may be told now.

        Returns:
            How many like it were held back since the last one that was told; None if this one is held back too.
        """
        second = now // SECOND
        flow = self._flows.setdefault((reason, topic), _Flow(second))
        if flow.second != second:
            flow.second, flow.told = second, 0
        if flow.told >= LIKE_FINDINGS_PER_SECOND_MAX:
            flow.held_back += 1
            return None
        flow.told += 1
        held_back, flow.held_back = flow.held_back, 0
        return held_back
