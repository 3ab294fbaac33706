"""Guards: the guardrails and verification tools without which a policy lets no model serve its agents.

A guard is someone else's program. It beats, signed with its own key, as long as it works; nothing else is known of it. While its
beats come it is healthy; when they stay away for `GUARD_SILENT_US_MAX` it is unavailable, and every route that requires it stops.
Unlike a model it is never unknown: that nobody can say whether a guard works is the case that must stop a route.

A beat counts from when it was made, so that one which was held back on its way, or is sent again, lengthens nothing; if the
guard's clock is ahead of ours, from when it came.

Who was not there cannot say that somebody was silent. So before a guard's first beat, after this monitor was away, and after it was
without its partitions of the topic, the silence counts from then on, and in the meantime only what is known is said again: that a
guard is gone. Whoever hears nothing of a guard does not take it for healthy.
"""

from collections.abc import Collection
from dataclasses import dataclass

from interlock.health_monitor.core.detector import Judgement
from interlock.health_monitor.core.objectives import Rules
from interlock.health_monitor.core.saying import Saying
from interlock.records.health import GuardBeat, Level, Verdict
from interlock.records.rules import GUARD_OBJECTIVE, guard_subject
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX, GUARD_SILENT_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros, duration_text, to_text


@dataclass(slots=True)
class _Guard:
    """One guard: from when its silence counts, whether that is a beat, the time that its last beat bore, and what was said."""

    saying: Saying
    since: Micros
    beats: bool = False
    last: Micros = NEVER


class Guards:
    """Judges every guard that a policy requires."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._guards: dict[str, _Guard] = {}

    def watch(self, required: Collection[str], now: Micros) -> None:
        """Judge exactly these guards from now on."""
        self._guards = {
            name: self._guards.get(name) or _Guard(Saying(guard_subject(name), GUARD_OBJECTIVE, self._rules), now)
            for name in required
        }

    def judges(self, name: str) -> bool:
        """Whether a policy requires that guard."""
        return name in self._guards

    def listen(self, now: Micros) -> None:
        """Count every silence from now: before, beats may have come that nobody heard."""
        for guard in self._guards.values():
            guard.since, guard.beats = now, False

    def hear(self, beat: Verified[GuardBeat], now: Micros) -> Refused | None:
        """Take in one beat; why it does not count, if it does not."""
        value = beat.value
        guard = self._guards.get(value.guard)
        who = f"{value.guard}'s beat of {to_text(value.at)}"
        if guard is None:
            return Refused(Reason.GUARD_NOT_REQUIRED, value.guard)
        if value.at > now + CLOCK_SKEW_US_MAX:
            return Refused(Reason.FROM_THE_FUTURE, who)
        if value.at <= now - GUARD_SILENT_US_MAX:
            return Refused(Reason.EXPIRED, who)
        if value.at <= guard.last:
            return Refused(Reason.NOT_NEWER, who)
        guard.since, guard.beats, guard.last = min(value.at, now), True, value.at
        return None

    def judge(self, now: Micros) -> list[Verdict]:
        """The verdicts to be said now."""
        verdicts = []
        for name, guard in self._guards.items():
            judgement = _judge(guard, now)
            verdict = guard.saying.say(judgement, [name] if guard.beats else [], now) if judgement else None
            verdicts += [verdict] if verdict else []
        return verdicts


def _judge(guard: _Guard, now: Micros) -> Judgement | None:
    """What is known of a guard; None: nothing, as nobody has listened for long enough."""
    silent = now - guard.since >= GUARD_SILENT_US_MAX
    if guard.beats and not silent:
        return Judgement(Level.HEALTHY, "its beats come", 0)
    if silent or guard.saying.level is Level.UNAVAILABLE:
        return Judgement(Level.UNAVAILABLE, f"no beat for {duration_text(Micros(GUARD_SILENT_US_MAX))}", 0)
    return None
