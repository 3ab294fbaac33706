"""The rung's own credential: a handful of calls in a row that ended because the provider, or the gateway itself, had no use for it.

A credential that was revoked or has run out mends itself as little as a dead server, but somebody else must mend it: so it is
told apart, and a policy may treat it apart. The same calls count as faults under `unavailable` and `errors`. What fails for
another reason says nothing about the credential, neither for nor against.
"""

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.health_monitor.core.runs import Runs
from interlock.vocabulary.time import Micros


class Credential:
    """Judges `credential`."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Calls refused for their credential against successes."""
        self._runs.count(seen.credential, seen.ok)
        return seen.credential + seen.ok > 0

    def judge(self, now: Micros) -> Judgement:
        """Unavailable after enough of them."""
        return self._runs.judge("failed for their credential")
