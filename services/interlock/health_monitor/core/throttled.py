"""Throttling: the share of calls that the provider put off (HTTP 429 and its like), over a sliding window."""

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.health_monitor.core.window import ShareInWindow
from interlock.vocabulary.time import Micros


class Throttled:
    """Judges `throttled>SHARE`."""

    def __init__(self, share: ShareInWindow) -> None:
        self._share = share

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Count the throttled calls among all that the provider answered or failed."""
        self._share.count(seen.throttled, seen.calls, now)
        return seen.calls > 0

    def judge(self, now: Micros) -> Judgement:
        """Degraded above the share."""
        return self._share.judge(now, "were throttled")
