"""When a judgement is said: at once if the level changed, and every `refresh_us` if it did not.

So whoever hears nothing knows that nobody is judging any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from interlock.health_monitor.core.detector import Judgement
from interlock.health_monitor.core.objectives import Rules
from interlock.records.health import Level, Verdict
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class _Said:
    """The level that was last said, since when it holds, and when it was said."""

    level: Level
    since: Micros
    at: Micros


class Saying:
    """What is said of one subject under one objective.

    Args:
        subject: A model, or a guard as verdicts name it.
        objective: The objective's name.
        rules: How often a verdict is said, and how long it may be believed.
    """

    def __init__(self, subject: str, objective: str, rules: Rules) -> None:
        self._subject = subject
        self._objective = objective
        self._rules = rules
        self._said: _Said | None = None

    @property
    def level(self) -> Level | None:
        """The level that was last said; None: nothing was."""
        return self._said.level if self._said else None

    def say(self, judgement: Judgement, reporters: Iterable[str], now: Micros) -> Verdict | None:
        """The verdict, if it is worth saying now."""
        said = self._said
        if said is not None and said.level is judgement.level:
            if now - said.at < self._rules.refresh_us:
                return None
            self._said = replace(said, at=now)
        else:
            self._said = _Said(judgement.level, now, now)
        return Verdict(
            model=self._subject,
            scope=ANY,
            objective=self._objective,
            level=judgement.level,
            detail=judgement.detail[:TEXT_CHARS_MAX],
            calls=judgement.calls,
            reporters=tuple(sorted(reporters)),
            since=self._said.since,
            issued_at=now,
            valid_until=Micros(now + self._rules.validity_us),
        )
