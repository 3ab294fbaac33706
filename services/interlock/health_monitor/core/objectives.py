"""What is judged: every model on a ladder, under every objective that a policy sets for it.

An objective's name holds its threshold (`errors>0.2`), so two agents that set the same one share a verdict, and two that differ
get one each.

Of what telemetry does not tell nothing is claimed. Quality, low confidence and cost need evaluators and prices that nobody reports
yet, and so do the steps of a canary: they get no detector, hence no verdict, and unknown is not healthy.
`without_producer` names them, so that it is said and not only missing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from interlock.health_monitor.core.answers import Answers
from interlock.health_monitor.core.credential import Credential
from interlock.health_monitor.core.detector import Detector
from interlock.health_monitor.core.errors import Errors
from interlock.health_monitor.core.latency import SLOW_SHARE_MAX, Latency
from interlock.health_monitor.core.runs import Runs
from interlock.health_monitor.core.throttled import Throttled
from interlock.health_monitor.core.unavailable import Unavailable
from interlock.health_monitor.core.window import ShareInWindow
from interlock.health_monitor.core.wrong_model import SHARE_MAX, WrongModel
from interlock.policy.book import Book
from interlock.records.documents import RoutePolicy
from interlock.records.models import Model
from interlock.records.rules import WatchedTrigger
from interlock.vocabulary.time import Micros

CANARY = "canary"
"""Stands for the verdicts on a canary's steps among the objectives without a producer."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the health-monitor judges, the same for every model.

    Attributes:
        window_us: How far back shares of calls look.
        calls_min: The smallest sample that they judge.
        faults_in_a_row: How many make a model, or its credential, unavailable.
        successes_in_a_row: How many make it available, at first and again.
        silence_us: After how long without a call that says anything a model is unknown.
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


@dataclass(slots=True)
class Wanted:
    """What policies ask about one model.

    Attributes:
        objectives: By name.
        entries: The model as each policy has it; where they differ, a name that one of them knows is the model's own.
    """

    objectives: dict[str, Objective] = field(default_factory=dict)
    entries: set[Model] = field(default_factory=set)

    def answers_to(self, name: str) -> bool:
        """Whether a reply that bears this name is the model's own."""
        return any(entry.answers_to(name) for entry in self.entries)


def wanted_in(book: Book) -> dict[str, Wanted]:
    """What policies ask about every model on a ladder, by the model's name."""
    found: dict[str, Wanted] = {}
    for held in book.policies.values():
        for rule in held.value.routes:
            watched = [trigger for trigger in rule.triggers if trigger.trigger in _DETECTORS]
            for rung in rule.ladder:
                of_model = found.setdefault(rung.model.name, Wanted())
                of_model.entries.add(rung.model)
                for trigger in watched:
                    of_model.objectives[trigger.objective] = Objective(
                        trigger.objective, trigger.trigger, trigger.threshold
                    )
    return found


def guards_in(book: Book) -> frozenset[str]:
    """Every guard that a policy requires."""
    return frozenset(guard for held in book.policies.values() for rule in held.value.routes for guard in rule.guards)


def without_producer(policy: RoutePolicy) -> list[str]:
    """The objectives of a policy that nobody judges yet, sorted."""
    watched = {trigger for rule in policy.routes for trigger in rule.triggers if trigger.trigger not in _DETECTORS}
    canary = {CANARY} if any(rule.canary for rule in policy.routes) else set()
    return sorted({trigger.objective for trigger in watched} | canary)


def detector_for(objective: Objective, rules: Rules) -> Detector:
    """A new detector, which has seen nothing yet."""
    return _DETECTORS[objective.trigger](objective.threshold, rules)


def _share(rules: Rules, limit: float) -> ShareInWindow:
    return ShareInWindow(rules.window_us, rules.calls_min, limit)


def _runs(rules: Rules) -> Runs:
    return Runs(rules.faults_in_a_row, rules.successes_in_a_row)


def _refusals(limit: float, rules: Rules) -> Answers:
    return Answers(_share(rules, limit), _share(rules, limit), lambda seen: seen.refused, "were refused")


def _schema_failures(limit: float, rules: Rules) -> Answers:
    what = "did not fit their schema"
    return Answers(_share(rules, limit), _share(rules, limit), lambda seen: seen.malformed, what)


_DETECTORS: dict[WatchedTrigger, Callable[[float, Rules], Detector]] = {
    WatchedTrigger.UNAVAILABLE: lambda _, rules: Unavailable(_runs(rules)),
    WatchedTrigger.ERRORS: lambda limit, rules: Errors(_share(rules, limit)),
    WatchedTrigger.THROTTLED: lambda limit, rules: Throttled(_share(rules, limit)),
    WatchedTrigger.LATENCY: lambda limit, rules: Latency(_share(rules, SLOW_SHARE_MAX), limit),
    WatchedTrigger.REFUSALS: _refusals,
    WatchedTrigger.SCHEMA_FAILURES: _schema_failures,
    WatchedTrigger.CREDENTIAL: lambda _, rules: Credential(_runs(rules)),
    WatchedTrigger.WRONG_MODEL: lambda _, rules: WrongModel(_share(rules, SHARE_MAX)),
}
