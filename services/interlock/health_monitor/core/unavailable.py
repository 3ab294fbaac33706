"""Hard failure: a handful of faults in a row, with no success in between.

Throttled replies neither make nor break a run: they show a living endpoint, and no more.
"""

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.health_monitor.core.runs import Runs
from interlock.vocabulary.time import Micros


class Unavailable:
    """Judges `unavailable`."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Faults against successes."""
        self._runs.count(seen.faults, seen.ok)
        return seen.calls > 0

    def judge(self, now: Micros) -> Judgement:
        """Unavailable after enough faults."""
        return self._runs.judge("failed")
