"""Slowness: whether the 95th percentile of latency is above the limit, over a sliding window.

The percentile is above the limit exactly if more than 5 % of the calls are slower than it, so counting suffices and no
quantile is computed: a share again. Successful calls only; what fails is judged elsewhere, and a quick failure is not speed.
"""

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.health_monitor.core.window import ShareInWindow
from interlock.records.sketch import above
from interlock.vocabulary.time import Micros

SLOW_SHARE_MAX = 0.05
"""The share of slow calls that is borne: what is judged is the 95th percentile."""


class Latency:
    """Judges `latency>SECONDS`.

    Args:
        share: Over slow calls, with the limit `SLOW_SHARE_MAX`.
        limit_s: Seconds; a call in the limit's own bucket (within 1 %) is not slow.
    """

    def __init__(self, share: ShareInWindow, limit_s: float) -> None:
        self._share = share
        self._limit_s = limit_s

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Count the slow calls among the successful ones."""
        self._share.count(above(seen.latency, self._limit_s), sum(seen.latency.values()), now)
        return seen.calls > 0

    def judge(self, now: Micros) -> Judgement:
        """Degraded if the 95th percentile is above the limit."""
        return self._share.judge(now, f"took longer than {self._limit_s:g} s")
