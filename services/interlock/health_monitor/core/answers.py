"""Refusals and schema failures: answers that came, and were of no use. A share of the answers, over a sliding window.

What the probe asks is never refused and has no schema to fail. Beside an agent that calls every ten seconds, a probe that calls
every second would hide that each of that agent's calls is refused. So agents' calls are judged by themselves wherever there are
enough of them, and all calls together where there are not: a standby, which only the probe calls, is then healthy and may be
entered.

Refusals are no part of the sample of schema failures, nor the other way round: neither hides the other.

Known: the share is of all agents' calls, so an agent that provokes refusals counts against the model under the objectives of
every agent that watches them at the same threshold. The most that comes of it is a safe state.
"""

from collections.abc import Callable

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.health_monitor.core.window import ShareInWindow
from interlock.records.health import Level
from interlock.vocabulary.time import Micros


class Answers:
    """Judges `refusals>SHARE` and `schema_failures>SHARE`.

    Args:
        by_agents: Over the answers to agents.
        by_anybody: Over all answers, those to the probe included.
        useless: How many answers of a batch are of no use.
        what: What was wrong with them, in words.
    """

    def __init__(
        self, by_agents: ShareInWindow, by_anybody: ShareInWindow, useless: Callable[[Tally], int], what: str
    ) -> None:
        self._by_agents = by_agents
        self._by_anybody = by_anybody
        self._useless = useless
        self._what = what

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Count the useless answers among them and the good ones."""
        useless = self._useless(seen)
        answers = useless + seen.ok
        for share in (self._by_anybody,) if seen.probed else (self._by_anybody, self._by_agents):
            share.count(useless, answers, now)
        return answers > 0

    def judge(self, now: Micros) -> Judgement:
        """Degraded above the share."""
        of_agents = self._by_agents.judge(now, self._what)
        return self._by_anybody.judge(now, self._what) if of_agents.level is Level.UNKNOWN else of_agents
