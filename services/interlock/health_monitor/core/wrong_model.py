"""Silent substitution: answers that bear the name of another model than was approved.

No share of it is borne: an unreliable network drops calls, but it does not make another model answer. A provider that serves a
substitute to one caller in fifty would never fail a handful of calls in a row, so runs are not looked for here: from the smallest
sample on, one wrong name within the window is against the model. A policy's `for` says how much of it is a slip.

An answer without any name is withheld by the gateway as well, and counts as a fault (`model_gone`); here it is not in the sample.
"""

from interlock.health_monitor.core.detector import Judgement, Tally
from interlock.health_monitor.core.window import ShareInWindow
from interlock.vocabulary.time import Micros

SHARE_MAX = 0.0
"""The share of other models' names that is borne."""


class WrongModel:
    """Judges `wrong_model`.

    Args:
        share: Over answers that bear a name, with the limit `SHARE_MAX`.
    """

    def __init__(self, share: ShareInWindow) -> None:
        self._share = share

    def observe(self, seen: Tally, now: Micros) -> bool:
        """Count the wrong names among all."""
        named = seen.own_names + seen.other_names
        self._share.count(seen.other_names, named, now)
        return named > 0

    def judge(self, now: Micros) -> Judgement:
        """Degraded as soon as there is one."""
        return self._share.judge(now, "bore another model's name")
