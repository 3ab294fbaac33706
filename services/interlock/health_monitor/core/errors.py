"""Partial failure: the share of calls that fail by the provider's fault, over a sliding window.

Throttled replies are neither errors nor successes here: they are not in the sample at all, so that a storm of them does not
hide errors. Schema failures are not errors of the endpoint; see `detector` for what counts and why.
"""

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.health_monitor.core.window import ShareInWindow
from interlock.vocabulary.time import Micros


class Errors:
    """Judges `errors>SHARE`."""

    def __init__(self, share: ShareInWindow) -> None:
        self._share = share

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Count the faults among faults and successes."""
        self._share.count(seen.faults, seen.faults + seen.ok, now)
        return seen.calls > 0

    def judge(self, now: Micros) -> Judgement:
        """Degraded above the share."""
        return self._share.judge(now, "failed")
