"""Every mode and every rung has what it needs to be carried out."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.records.documents import RoutePolicy
from interlock.records.rules import CanaryPlan
from interlock.testing.builders import NOW
from interlock.vocabulary.time import SECOND, Micros

DraftOf = Callable[..., Draft | list[Problem]]

PLAN = "    canary: {steps: [1%, 5%, 25%, 50%], calls_min: 50, time_min: 60s, wait_max: 30m}\n"
WINDOW = "    approval: {within: 30m}\n"


def compiled(draft: Draft | list[Problem]) -> RoutePolicy:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return policy


def errors(draft: Draft | list[Problem]) -> list[tuple[str, str]]:
    assert isinstance(draft, Draft), draft
    found = check(draft, compiled(draft), NOW)
    assert all(problem.mend.endswith(".") for problem in found)
    return [(problem.field, problem.what) for problem in found if problem.severity is Severity.ERROR]


def with_route(policy: str, lines: str) -> str:
    return policy.replace("    grace:", f"{lines}    grace:")


def test_a_canary_is_compiled_as_it_is_written(draft_of: DraftOf, policy_text: str) -> None:
    (rule,) = compiled(draft_of(with_route(policy_text, PLAN))).routes
    assert rule.canary == CanaryPlan((1, 5, 25, 50), 50, Micros(60 * SECOND), Micros(1_800 * SECOND))
    assert rule.dwell_us == 120 * SECOND


@pytest.mark.parametrize("trigger", ["errors: {above: 20%", "latency: {p95_above: 1500ms"])
def test_a_canary_without_a_plan_is_refused_at_its_trigger(draft_of: DraftOf, policy_text: str, trigger: str) -> None:
    policy = policy_text.replace(trigger, f"{trigger}, mode: canary")
    ((field, what),) = errors(draft_of(policy))
    assert (field, what) == (f"routes[0].triggers.{trigger.partition(':')[0]}.mode", "there is no plan for a canary")
    assert errors(draft_of(with_route(policy, PLAN))) == []


def test_recovery_by_canary_without_a_plan_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    policy = policy_text.replace("dwell: 2m", "dwell: 2m, canary: true")
    assert errors(draft_of(policy)) == [("routes[0].recovery.canary", "recovery by canary has no plan")]
    assert errors(draft_of(with_route(policy, PLAN))) == []


def test_recovery_that_should_not_be_by_canary_is_refused_where_it_would_be(
    draft_of: DraftOf, policy_text: str
) -> None:
    policy = policy_text.replace("dwell: 2m", "dwell: 2m, canary: false")
    assert errors(draft_of(policy)) == []
    told = [("routes[0].recovery.canary", "a route with a canary plan returns by canary")]
    assert errors(draft_of(with_route(policy, PLAN))) == told


@pytest.mark.parametrize("trigger", ["unavailable", "credential", "wrong_model"])
def test_a_model_that_fails_every_call_is_not_left_by_canary(draft_of: DraftOf, policy_text: str, trigger: str) -> None:
    policy = with_route(policy_text, PLAN).replace("      unavailable: {for: 5s}\n", "")
    lines = {"unavailable": "unavailable: {for: 5s}", trigger: f"{trigger}: {{for: 5s, mode: canary}}"}
    policy = policy.replace(
        "    triggers:\n", "    triggers:\n" + "".join(f"      {line}\n" for line in lines.values())
    )
    ((field, what),) = errors(draft_of(policy))
    assert field == f"routes[0].triggers.{trigger}.mode"
    assert "cannot serve beside its canary" in what


def test_waiting_for_an_approval_needs_a_time_to_wait(draft_of: DraftOf, policy_text: str) -> None:
    quality = "      quality: {truth: {below: 0.8, for: 5m, mode: await_approval}}\n"
    policy = policy_text.replace("    blind:", f"{quality}    blind:")
    ((field, what),) = errors(draft_of(policy))
    assert field == "routes[0].triggers.quality.truth.mode"
    assert "nobody can approve" in what
    assert errors(draft_of(with_route(policy, WINDOW))) == []


def test_a_material_rung_is_accepted_in_advance_or_can_be_approved(draft_of: DraftOf, policy_text: str) -> None:
    silent = policy_text.replace("        accepted_in_advance: true\n", "")
    ((field, what),) = errors(draft_of(silent))
    assert field == "routes[0].ladder[1].model"
    assert "material change (tools, identity, regions)" in what
    assert errors(draft_of(with_route(silent, WINDOW))) == []


def test_a_rung_that_is_declared_not_equivalent_is_material_though_nothing_differs(
    draft_of: DraftOf, policy_text: str, registry_text: str
) -> None:
    twin = registry_text.replace("[search, pay]", "[search]").replace("[west, east]", "[west]")
    twin = twin.replace("spiffe://example/birch", "spiffe://example/atlas")
    silent = policy_text.replace("        accepted_in_advance: true\n", "")
    assert errors(draft_of(silent, twin)) == []
    declared = silent.replace("      - model: birch\n", "      - model: birch\n        equivalent: false\n")
    ((field, what),) = errors(draft_of(declared, twin))
    assert field == "routes[0].ladder[1].model"
    assert "declared not equivalent" in what


def test_the_primary_cannot_be_declared_not_equivalent(draft_of: DraftOf, policy_text: str) -> None:
    policy = policy_text.replace("      - model: atlas\n", "      - model: atlas\n        equivalent: false\n")
    assert errors(draft_of(policy)) == [
        ("routes[0].ladder[0].equivalent", "the primary is always equivalent to itself")
    ]
