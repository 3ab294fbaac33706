"""What a route waits to be told and nobody tells yet."""

from collections.abc import Callable

import pytest

from interlock.health_monitor.core.objectives import CANARY, without_producer
from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.policy.authoring.triggers import UNREPORTED
from interlock.records.documents import RoutePolicy
from interlock.records.rules import BARE, Mode, TriggerRule, WatchedTrigger
from interlock.testing.builders import NOW, SUPPORT, Deployment
from interlock.vocabulary.time import SECOND, Micros

DraftOf = Callable[..., Draft | list[Problem]]


def warnings(draft: Draft | list[Problem]) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return check(draft, policy, NOW)


@pytest.mark.parametrize(
    ("trigger", "field", "objective"),
    [
        ("quality: {truth: {below: 0.8, for: 5m}}", "triggers.quality.truth", "quality.truth<0.8"),
        ("low_confidence: {above: 30%, for: 5m}", "triggers.low_confidence", "low_confidence>0.3"),
        ("cost: {usd_per_hour_above: 12, for: 5m}", "triggers.cost", "cost>12"),
    ],
)
def test_a_trigger_on_which_nobody_reports_is_a_warning_that_says_what_follows(
    draft_of: DraftOf, policy_text: str, trigger: str, field: str, objective: str
) -> None:
    (problem,) = warnings(draft_of(policy_text.replace("    blind:", f"      {trigger}\n    blind:")))
    assert (problem.severity, problem.field) == (Severity.WARNING, f"routes[0].{field}")
    assert f"nothing reports on {objective}" in problem.what
    assert "will enter no model" in problem.what


def test_a_canary_whose_steps_nobody_judges_is_a_warning(draft_of: DraftOf, policy_text: str) -> None:
    plan = "    canary: {steps: [5%], calls_min: 9, time_min: 1m, wait_max: 9m}\n    grace:"
    (problem,) = warnings(draft_of(policy_text.replace("    grace:", plan)))
    assert (problem.severity, problem.field) == (Severity.WARNING, "routes[0].canary")
    assert "rolled back" in problem.what


@pytest.mark.parametrize("trigger", [each for each in WatchedTrigger if each is not WatchedTrigger.OTHER])
def test_what_is_warned_of_is_what_the_health_monitor_does_not_judge(trigger: WatchedTrigger) -> None:
    deployment = Deployment()
    metric = "truth" if trigger is WatchedTrigger.QUALITY else ""
    mode = Mode.SUSPEND if trigger is WatchedTrigger.REFUSALS else Mode.CUTOVER
    watched = TriggerRule(trigger, 0.0 if trigger in BARE else 0.5, Micros(SECOND), mode, metric)
    outage = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(SECOND))
    policy = deployment.policy_of(SUPPORT.agent, deployment.rule(["atlas"], triggers=[outage, watched]))
    unjudged = set(without_producer(policy)) - {CANARY}
    assert unjudged == ({watched.objective} if trigger in UNREPORTED else set())
