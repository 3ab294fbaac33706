"""One model as it is watched, under each of its objectives by itself.

After `silence_us` without a call that says anything under an objective, the model is unknown under it, and the detector forgets
what it saw: healthy must then be earned again. What was never judged yet is not said to be unknown before `silence_us` is over: a
monitor that has just started has no right to take back what its predecessor said.
"""

from interlock.health_monitor.core.detector import Judgement, Tally, tally
from interlock.health_monitor.core.objectives import Objective, Rules, Wanted, detector_for
from interlock.health_monitor.core.saying import Saying
from interlock.records.health import Cell, Level, Verdict
from interlock.vocabulary.time import Micros, duration_text


class Subject:
    """One model under all of its objectives."""

    def __init__(self, model: str, rules: Rules) -> None:
        self._model = model
        self._rules = rules
        self._wanted = Wanted()
        self._watched: dict[str, _Watch] = {}

    def watch(self, wanted: Wanted, now: Micros) -> None:
        """Judge exactly these objectives from now on; those that stay keep what they have seen."""
        self._wanted = wanted
        self._watched = {
            name: self._watched.get(name) or _Watch(self._model, objective, self._rules, now)
            for name, objective in wanted.objectives.items()
        }

    def observe(self, reporter: str, cells: tuple[Cell, ...], now: Micros) -> None:
        """Take in what a reporter tells."""
        seen = tally(cells, self._wanted.answers_to)
        for watch in self._watched.values():
            watch.observe(reporter, seen, now)

    def judge(self, now: Micros) -> list[Verdict]:
        """The verdicts to be said now."""
        judged = [watch.judge(now) for watch in self._watched.values()]
        return [verdict for verdict in judged if verdict is not None]


class _Watch:
    """One objective: its detector, since when it is watched, whom it heard of and when, and what was said."""

    def __init__(self, model: str, objective: Objective, rules: Rules, now: Micros) -> None:
        self._objective = objective
        self._rules = rules
        self._detector = detector_for(objective, rules)
        self._began = now
        self._heard: dict[str, Micros] = {}
        self._saying = Saying(model, objective.name, rules)

    def observe(self, reporter: str, seen: Tally, now: Micros) -> None:
        """Take in a batch; one that says nothing under this objective breaks no silence."""
        if self._detector.observe(seen, now):
            self._heard[reporter] = now

    def judge(self, now: Micros) -> Verdict | None:
        """The verdict, if it is to be said now."""
        last = max(self._heard.values(), default=None)
        if last is not None and now - last >= self._rules.silence_us:
            self._heard.clear()
            self._detector = detector_for(self._objective, self._rules)
        judgement = self._detector.judge(now) if self._heard else self._silence()
        if (
            judgement.level is Level.UNKNOWN
            and self._saying.level is None
            and now - self._began < self._rules.silence_us
        ):
            return None
        reporters = [name for name, at in self._heard.items() if now - at < self._rules.window_us]
        return self._saying.say(judgement, reporters, now)

    def _silence(self) -> Judgement:
        return Judgement(Level.UNKNOWN, f"no call reported for {duration_text(self._rules.silence_us)}", 0)
