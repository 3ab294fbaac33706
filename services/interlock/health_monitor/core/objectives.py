"""What is judged: every model on a ladder, under every objective that a policy sets for it.

An objective's name holds its threshold (`errors>0.2`), so two agents that set the same one share a verdict, and two that differ
get one each. A kind of trigger that is not known here gets no detector, hence no verdict, and unknown is not healthy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from interlock.health_monitor.core.detector import Detector
from interlock.health_monitor.core.errors import Errors
from interlock.health_monitor.core.latency import SLOW_SHARE_MAX, Latency
from interlock.health_monitor.core.throttled import Throttled
from interlock.health_monitor.core.unavailable import Unavailable
from interlock.health_monitor.core.window import ShareInWindow
from interlock.policy.book import Book
from interlock.records.documents import WatchedTrigger
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Rules:
    """How the health-monitor judges, the same for every model.

    Attributes:
        window_us: How far back errors, throttled and latency look.
        calls_min: The smallest sample that they judge.
        faults_in_a_row: How many make a model unavailable.
        successes_in_a_row: How many make it available, at first and again.
        silence_us: After how long without a call a model is unknown.
        refresh_us: How often a verdict that did not change is said again.
        validity_us: How long a verdict may be believed.
    """

    window_us: Micros
    calls_min: int
    faults_in_a_row: int
    successes_in_a_row: int
    silence_us: Micros
    refresh_us: Micros
    validity_us: Micros


class Objective(NamedTuple):
    """One thing that a model is judged by: its name in verdicts, its kind and its threshold."""

    name: str
    trigger: WatchedTrigger
    threshold: float


def objectives_in(book: Book) -> dict[str, dict[str, Objective]]:
    """Every objective of every model on a ladder: by model, then by the objective's name."""
    found: dict[str, dict[str, Objective]] = {}
    for held in book.policies.values():
        for rule in held.value.routes:
            watched = [trigger for trigger in rule.triggers if trigger.trigger in _DETECTORS]
            for rung in rule.ladder:
                of_model = found.setdefault(rung.model.name, {})
                for trigger in watched:
                    of_model[trigger.objective] = Objective(trigger.objective, trigger.trigger, trigger.threshold)
    return found


def detector_for(objective: Objective, rules: Rules) -> Detector:
    """A new detector, which has seen nothing yet."""
    return _DETECTORS[objective.trigger](objective.threshold, rules)


def _share(rules: Rules, limit: float) -> ShareInWindow:
    return ShareInWindow(rules.window_us, rules.calls_min, limit)


_DETECTORS: dict[WatchedTrigger, Callable[[float, Rules], Detector]] = {
    WatchedTrigger.UNAVAILABLE: lambda _, rules: Unavailable(rules.faults_in_a_row, rules.successes_in_a_row),
    WatchedTrigger.ERRORS: lambda limit, rules: Errors(_share(rules, limit)),
    WatchedTrigger.THROTTLED: lambda limit, rules: Throttled(_share(rules, limit)),
    WatchedTrigger.LATENCY: lambda limit, rules: Latency(_share(rules, SLOW_SHARE_MAX), limit),
}
