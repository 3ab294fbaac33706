"""A handful of bad calls in a row, with no good one in between: what unavailable and credential have in common.

A lamp that does not light five times is out; one that then lights three times is mended; a flicker in between changes nothing.
A rate over a window would be surer about flicker and much slower about a dead model, and a dead model is what costs an agent
its time: so rates have detectors of their own, and this only counts runs.

A batch with good *and* bad calls does not tell their order. It breaks both runs, and only a run that it must contain in any
order counts: s good calls among f bad ones hold an unbroken run of at least ⌈s / (f + 1)⌉ good ones (pigeonhole). So a busy model
with a few faults is seen as alive, and one that fails nine calls in ten as gone.

Several reporters share the runs: where one of them still gets answers the model is not gone, and what the other one sees is
told by the share of errors.
"""

from interlock.health_monitor.core.detector import Judgement
from interlock.records.health import Level


class Runs:
    """Unknown until a first run, then as the last run that was long enough says.

    Args:
        bad_in_a_row: How many make a model unavailable.
        good_in_a_row: How many make it healthy, at first and again.
    """

    def __init__(self, bad_in_a_row: int, good_in_a_row: int) -> None:
        self._needed = (bad_in_a_row, good_in_a_row)
        self._bad = 0
        self._good = 0
        self._mixed = 0
        self._level = Level.UNKNOWN

    def count(self, bad: int, good: int) -> None:
        """Lengthen one run, or break both."""
        mixed = good > 0 and bad > 0
        bad_run = _certain_run(bad, good) if mixed else self._bad + bad
        good_run = _certain_run(good, bad) if mixed else self._good + good
        if bad_run >= self._needed[0] and bad:
            self._level = Level.UNAVAILABLE
        elif good_run >= self._needed[1] and good:
            self._level = Level.HEALTHY
        self._bad = 0 if good else bad_run
        self._good = 0 if bad else good_run
        self._mixed = good + bad if mixed else self._mixed

    def judge(self, what: str) -> Judgement:
        """The level that the last sufficient run gave; `what` names what became of the bad calls."""
        if self._good:
            needed = "" if self._level is Level.HEALTHY else f"; {self._needed[1]} in a row are needed"
            return Judgement(self._level, f"the last {self._good} calls succeeded{needed}", self._good)
        if self._bad:
            return Judgement(self._level, f"the last {self._bad} calls {what}", self._bad)
        partly = f"of the last {self._mixed} calls some {what}" if self._mixed else "no call yet"
        return Judgement(self._level, partly, self._mixed)


def _certain_run(part: int, others: int) -> int:
    """The longest run that `part` calls of one kind among `others` of the other must contain, whatever the order."""
    return -(-part // (others + 1))
