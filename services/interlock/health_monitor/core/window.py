"""A share of calls over a sliding window, with a minimum sample: what errors, throttled and latency have in common.

The window slides in steps of a thirtieth, so that its memory and its cost do not grow with the traffic.

A sample below the minimum says nothing: unknown. With one exception: what was degraded stays so while any call of the window
is left, because fewer calls (everybody having left the model) are no evidence that it recovered.
"""

from collections import deque

from interlock.health_monitor.core.detector import Judgement
from interlock.records.health import Level
from interlock.vocabulary.time import Micros

STEPS = 30
"""Steps in a window: a call is counted for the window, or up to a thirtieth less."""


class ShareInWindow:
    """Judges the share of calls that are against the model.

    Args:
        window_us: How far back calls count.
        calls_min: The smallest sample that says anything.
        limit: The share, 0 to 1, above which the model is degraded.
    """

    def __init__(self, window_us: Micros, calls_min: int, limit: float) -> None:
        self._step = max(window_us // STEPS, 1)
        self._calls_min = calls_min
        self._limit = limit
        self._counts: deque[tuple[int, int, int]] = deque()
        self._degraded = False

    def count(self, against: int, calls: int, now: Micros) -> None:
        """Add calls, some of them against the model."""
        if calls <= 0:
            return
        step = now // self._step
        if self._counts and self._counts[-1][0] >= step:
            last, against_before, calls_before = self._counts.pop()
            step, against, calls = last, against + against_before, calls + calls_before
        self._counts.append((step, against, calls))
        self._expire(now)

    def judge(self, now: Micros, what: str) -> Judgement:
        """The level; `what` names the calls counted against the model."""
        self._expire(now)
        against = sum(count[1] for count in self._counts)
        calls = sum(count[2] for count in self._counts)
        detail = f"{against} of {calls} calls {what}"
        if calls >= self._calls_min:
            self._degraded = against > self._limit * calls
            return Judgement(Level.DEGRADED if self._degraded else Level.HEALTHY, detail, calls)
        self._degraded = self._degraded and calls > 0
        too_few = f"{detail}, too few to judge"
        return Judgement(Level.DEGRADED if self._degraded else Level.UNKNOWN, too_few, calls)

    def _expire(self, now: Micros) -> None:
        while self._counts and self._counts[0][0] <= now // self._step - STEPS:
            self._counts.popleft()
