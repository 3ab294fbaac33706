"""The probe in virtual time: the real schedule, and answers as an incident has them."""

from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import count

from interlock.health_monitor.probe.core import ROUTE, due
from interlock.records.health import Outcome, TelemetryBatch
from interlock.reporting.accumulator import Accumulator, Call
from interlock.trials.simulate.outage import Answer
from interlock.vocabulary.time import SECOND, Micros

Answering = Callable[[str, Micros, int], Answer | None]
"""How a call of a model ends that begins at a time; the third is its number. None: the probe leaves the model alone."""


class Probing:
    """Calls every model in its turn, and tells of what has ended.

    Args:
        reporter: The probe's name in the trust root.
        served_as: The models that are called, and the name that each gives itself in its answers.
        interval_us: How often each is called.
        answering: How a call ends.
        start: Before this nothing was called.
    """

    def __init__(
        self, reporter: str, served_as: Mapping[str, str], interval_us: Micros, answering: Answering, start: Micros
    ) -> None:
        self._served_as = dict(sorted(served_as.items()))
        self._interval_us = interval_us
        self._answering = answering
        self._last = start
        self._numbers = {model: count() for model in served_as}
        self._order = count()
        self._open: list[tuple[Micros, int, Call]] = []
        self._held = Accumulator(reporter, start)

    def until(self, now: Micros) -> list[TelemetryBatch]:
        """Call what is due until a time; what is told then."""
        for model in due(self._served_as, self._last, now, self._interval_us):
            answer = self._answering(model, now, next(self._numbers[model]))
            if answer is not None:
                told_at = now if answer.known else Micros(now + answer.after_us)
                heappush(self._open, (told_at, next(self._order), self._call(model, answer)))
        self._last = now
        while self._open and self._open[0][0] <= now:
            ended_at, _, call = heappop(self._open)
            self._held.note(call, ended_at)
        return self._held.drain()

    def skip(self, now: Micros) -> None:
        """Time in which nobody looks at the calls: they are not made, and those under way are forgotten."""
        self._last = now
        self._open.clear()

    def _call(self, model: str, answer: Answer) -> Call:
        named = self._served_as[model] if answer.outcome is Outcome.OK else None
        return Call(ROUTE, model, answer.outcome, answer.after_us / SECOND, None, named)
