"""Turns silence into an event.

A refreshed verdict that changes nothing is not journalled, so the state does not know how fresh its verdicts are. This does: it
remembers the last word under each key, drops what is older, and says once when the last word has run out.
"""

from interlock.decision.core.events import Lapse
from interlock.records.health import Verdict
from interlock.vocabulary.time import Micros


class Freshness:
    """The last word under each verdict key: when it was issued, and until when it is valid."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Micros, Micros]] = {}

    def is_news(self, verdict: Verdict) -> bool:
        """Whether no later verdict under its key was heard before."""
        last = self._last.get(verdict.key)
        return last is None or verdict.issued_at >= last[0]

    def hear(self, verdict: Verdict) -> None:
        """Note a verdict that counts: one that was refused must not hold off those that follow it."""
        self._last[verdict.key] = (verdict.issued_at, verdict.valid_until)

    def lapsed(self, now: Micros) -> list[Lapse]:
        """The keys whose last word has run out, each told once."""
        over = [Lapse(key, until) for key, (_, until) in self._last.items() if until <= now]
        for lapse in over:
            del self._last[lapse.key]
        return over
