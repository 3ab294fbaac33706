"""Rule 8: what the kind of work asks of a policy."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.policy.authoring.workflows import DEMANDS, TWO_OPERATORS
from interlock.records.documents import RoutePolicy, Workflow
from interlock.testing.builders import NOW

DraftOf = Callable[..., Draft | list[Problem]]


def problems(draft: Draft | list[Problem]) -> list[Problem]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return check(draft, policy, NOW)


def errors(draft: Draft | list[Problem]) -> list[Problem]:
    return [problem for problem in problems(draft) if problem.severity is Severity.ERROR]


def of(policy: str, workflow: str, *changes: tuple[str, str]) -> str:
    for old, new in (("customer_facing", workflow), *changes):
        assert old in policy
        policy = policy.replace(old, new)
    return policy


WINDOW = ("    grace:", "    approval: {within: 30m, ticket: true}\n    grace:")
OPEN = ("        accepted_in_advance", "        equivalent: false\n        accepted_in_advance")
SILENT = ("        accepted_in_advance: true\n", "")
ALONE = ("      - model: birch\n        accepted_by: oscar\n        accepted_in_advance: true\n", "")
QUEUE = ("safe_state: suspend", "safe_state: human_queue")
SHUTDOWN = ("safe_state: suspend", "safe_state: safe_shutdown")
CACHED = ("safe_state: suspend", "safe_state: {cached_response: {max_age: 10m}}")
DRAFTS = ("slot: main", "slot: drafting")


def pausing(policy: str) -> str:
    return policy.replace("for: 5s", "for: 5s, mode: await_approval").replace("for: 30s", "for: 30s, mode: suspend")


@pytest.mark.parametrize(
    ("workflow", "changes"),
    [
        ("drafting", []),
        ("drafting", [CACHED]),
        ("customer_facing", []),
        ("customer_facing", [CACHED]),
        ("money_moving", [OPEN]),
        ("money_moving", [OPEN, WINDOW]),
        ("clinical", [QUEUE]),
        ("clinical", [QUEUE, SILENT, WINDOW]),
        ("clinical", [QUEUE, ALONE]),
        ("live_system", [ALONE]),
        ("live_system", [DRAFTS]),
        ("safety_critical", [QUEUE]),
        ("safety_critical", [SHUTDOWN]),
    ],
)
def test_what_a_kind_of_work_allows_has_no_problem(
    draft_of: DraftOf, policy_text: str, workflow: str, changes: list[tuple[str, str]]
) -> None:
    assert errors(draft_of(of(policy_text, workflow, *changes))) == []


def test_trading_pauses_at_every_transition(draft_of: DraftOf, policy_text: str) -> None:
    hasty = of(policy_text, "trading", WINDOW)
    assert [problem.field for problem in errors(draft_of(hasty))] == [
        "routes[0].triggers.unavailable",
        "routes[0].triggers.errors",
        "routes[0].triggers.latency",
    ]
    assert errors(draft_of(pausing(hasty).replace("for: 1m", "for: 1m, mode: suspend"))) == []


@pytest.mark.parametrize(
    ("workflow", "changes", "field", "what"),
    [
        ("money_moving", [OPEN, CACHED], "safe_state", "an earlier answer about money is a wrong one"),
        ("money_moving", [], "ladder[1].model", "written as equivalent, but differs in tools, identity, regions"),
        (
            "money_moving",
            [OPEN, ("    grace:", "    approval: {within: 30m}\n    grace:")],
            "approval",
            "an approval needs no ticket",
        ),
        ("clinical", [], "safe_state", "it ends in suspend, not in human_queue"),
        ("clinical", [SHUTDOWN], "safe_state", "what no model may answer, a person does"),
        ("live_system", [], "ladder", "main falls back to birch"),
        ("safety_critical", [], "safe_state", "it ends in suspend, not in safe_shutdown or human_queue"),
        ("safety_critical", [CACHED], "safe_state", "it comes to rest"),
    ],
)
def test_what_a_kind_of_work_forbids_is_told_with_the_reason(
    draft_of: DraftOf, policy_text: str, workflow: str, changes: list[tuple[str, str]], field: str, what: str
) -> None:
    (problem,) = errors(draft_of(of(policy_text, workflow, *changes)))
    assert problem.field == f"routes[0].{field}"
    assert what in problem.what
    assert f"but this is {workflow}: " in problem.what
    assert problem.mend.endswith(".")


def test_a_clinical_substitute_that_nobody_accepted_is_refused_though_it_is_no_material_change(
    draft_of: DraftOf, policy_text: str, registry_text: str
) -> None:
    twin = registry_text.replace("[search, pay]", "[search]").replace("[west, east]", "[west]")
    twin = twin.replace("spiffe://example/birch", "spiffe://example/atlas")
    silent = of(policy_text, "clinical", QUEUE, SILENT, WINDOW)
    (problem,) = errors(draft_of(silent, twin))
    assert "birch is neither accepted in advance nor waits for an approval" in problem.what
    assert errors(draft_of(of(policy_text, "clinical", QUEUE), twin)) == []


@pytest.mark.parametrize("workflow", sorted(TWO_OPERATORS))
def test_where_two_operators_must_sign_one_is_a_warning(
    draft_of: DraftOf, policy_text: str, workflow: Workflow
) -> None:
    warnings = [
        problem for problem in problems(draft_of(of(policy_text, workflow))) if problem.severity is Severity.WARNING
    ]
    assert [(problem.line, problem.field) for problem in warnings] == [(4, "workflow")]
    assert "nobody could resume a route" in warnings[0].what


def test_every_demand_says_why_in_one_sentence_and_belongs_to_a_kind_of_work() -> None:
    assert all(demand.why and "." not in demand.why for demand in DEMANDS)
    free = {Workflow.OTHER, Workflow.DRAFTING, Workflow.CUSTOMER_FACING}
    assert {demand.workflow for demand in DEMANDS} == set(Workflow) - free
