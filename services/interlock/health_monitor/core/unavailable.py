"""Hard failure: a handful of faults in a row, with no success in between.

A lamp that does not light five times is out; one that then lights three times is mended; a flicker in between changes nothing.
A rate over a window would be surer about flicker and much slower about a dead model, and a dead model is what costs an agent
its time: so rates have detectors of their own, and this one only counts runs.

A batch with successes *and* faults does not tell their order. It breaks both runs, and only a run that it must contain in any
order counts: s successes among f faults hold an unbroken run of at least ⌈s / (f + 1)⌉ successes (pigeonhole). So a busy model
with a few faults is seen as alive, and one that fails nine calls in ten as gone. Throttled replies neither make nor break a run.

Several reporters share the runs: where one of them still gets answers the model is not gone, and what the other one sees is
told by the share of errors.
"""

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.records.health import Level
from interlock.vocabulary.time import Micros


class Unavailable:
    """Judges `unavailable`: unknown until a first run, then as the last run that was long enough says.

    Args:
        faults_in_a_row: How many make a model unavailable.
        successes_in_a_row: How many make it healthy, at first and again.
    """

    def __init__(self, faults_in_a_row: int, successes_in_a_row: int) -> None:
        self._needed = (faults_in_a_row, successes_in_a_row)
        self._faults = 0
        self._successes = 0
        self._mixed = 0
        self._level = Level.UNKNOWN

    def observe(self, seen: Tally, now: Micros) -> None:
        """Lengthen one run, or break both."""
        mixed = seen.ok > 0 and seen.faults > 0
        faults = _certain_run(seen.faults, seen.ok) if mixed else self._faults + seen.faults
        successes = _certain_run(seen.ok, seen.faults) if mixed else self._successes + seen.ok
        if faults >= self._needed[0] and seen.faults:
            self._level = Level.UNAVAILABLE
        elif successes >= self._needed[1] and seen.ok:
            self._level = Level.HEALTHY
        self._faults = 0 if seen.ok else faults
        self._successes = 0 if seen.faults else successes
        self._mixed = seen.ok + seen.faults if mixed else self._mixed

    def judge(self, now: Micros) -> Judgement:
        """The level that the last sufficient run gave."""
        if self._successes:
            needed = "" if self._level is Level.HEALTHY else f"; {self._needed[1]} in a row are needed"
            return Judgement(self._level, f"the last {self._successes} calls succeeded{needed}", self._successes)
        if self._faults:
            return Judgement(self._level, f"the last {self._faults} calls failed", self._faults)
        return Judgement(
            self._level, f"{self._mixed} calls partly failed" if self._mixed else "no call yet", self._mixed
        )


def _certain_run(part: int, others: int) -> int:
    """The longest run that `part` calls of one kind among `others` of the other must contain, whatever the order."""
    return -(-part // (others + 1))
