"""One model as it is watched: its detectors, its silence, and what was last said of it.

When a verdict is said: at once if the level changed, and every `refresh_us` if it did not, so that whoever hears nothing knows
that nobody is judging any more. What was never judged yet is not said to be unknown before `silence_us` is over: a monitor that
has just started has no right to take back what its predecessor said.

After `silence_us` without a call the model is unknown under every objective, and the detectors forget what they saw: healthy
must then be earned again.
"""

from dataclasses import dataclass, replace

from interlock.health_monitor.core.detector import Detector, Judgement, Tally
from interlock.health_monitor.core.objectives import Objective, Rules, detector_for
from interlock.records.health import Level, Verdict
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import NEVER, Micros, duration_text


@dataclass(frozen=True, slots=True)
class _Said:
    """The level that was last said under an objective, since when it holds, and when it was said."""

    level: Level
    since: Micros
    at: Micros


@dataclass(slots=True)
class _Watch:
    """One objective: its detector, since when it is watched, and what was said."""

    objective: Objective
    detector: Detector
    began: Micros
    said: _Said | None = None


class Subject:
    """One model under all of its objectives."""

    def __init__(self, model: str, rules: Rules) -> None:
        self._model = model
        self._rules = rules
        self._watched: dict[str, _Watch] = {}
        self._heard: dict[str, Micros] = {}
        self._last_call: Micros = NEVER

    def watch(self, objectives: dict[str, Objective], now: Micros) -> None:
        """Judge exactly these objectives from now on; those that stay keep what they have seen."""
        kept = {name: watch for name, watch in self._watched.items() if name in objectives}
        new = {
            name: _Watch(objective, detector_for(objective, self._rules), now)
            for name, objective in objectives.items()
            if name not in kept
        }
        self._watched = kept | new

    def observe(self, reporter: str, seen: Tally, now: Micros) -> None:
        """Take in what a reporter tells. A batch without any call that counts breaks no silence."""
        if not seen.calls:
            return
        self._last_call = now
        self._heard[reporter] = now
        for watch in self._watched.values():
            watch.detector.observe(seen, now)

    def judge(self, now: Micros) -> list[Verdict]:
        """The verdicts to be said now."""
        silent = now - self._last_call >= self._rules.silence_us
        if silent:
            self._forget()
        verdicts = []
        for watch in self._watched.values():
            judgement = self._silence() if silent else watch.detector.judge(now)
            if self._worth_saying(watch, judgement.level, now):
                verdicts.append(self._say(watch, judgement, now))
        return verdicts

    def _worth_saying(self, watch: _Watch, level: Level, now: Micros) -> bool:
        if watch.said is None:
            return level is not Level.UNKNOWN or now - watch.began >= self._rules.silence_us
        return level is not watch.said.level or now - watch.said.at >= self._rules.refresh_us

    def _say(self, watch: _Watch, judgement: Judgement, now: Micros) -> Verdict:
        said = watch.said
        same = said is not None and said.level is judgement.level
        watch.said = replace(said, at=now) if said is not None and same else _Said(judgement.level, now, now)
        return Verdict(
            model=self._model,
            scope=ANY,
            objective=watch.objective.name,
            level=judgement.level,
            detail=judgement.detail[:TEXT_CHARS_MAX],
            calls=judgement.calls,
            reporters=tuple(sorted(self._reporters(now))),
            since=watch.said.since,
            issued_at=now,
            valid_until=Micros(now + self._rules.validity_us),
        )

    def _reporters(self, now: Micros) -> set[str]:
        return {reporter for reporter, at in self._heard.items() if now - at < self._rules.window_us}

    def _silence(self) -> Judgement:
        return Judgement(Level.UNKNOWN, f"no call reported for {duration_text(self._rules.silence_us)}", 0)

    def _forget(self) -> None:
        if self._heard:
            self._heard.clear()
            for watch in self._watched.values():
                watch.detector = detector_for(watch.objective, self._rules)
