"""Rule 8: what the kind of work asks of a policy, and what it gets where it says nothing."""

import re
from collections.abc import Callable, Sequence

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.policy.authoring.usual import USUAL
from interlock.policy.authoring.workflows import DEMANDS, TWO_OPERATORS, demands_on
from interlock.records.documents import RoutePolicy, Workflow
from interlock.records.rules import Approval, Mode, SafeState
from interlock.testing.builders import NOW
from interlock.vocabulary.identifiers import is_name
from interlock.vocabulary.time import parse_duration

DraftOf = Callable[..., Draft | list[Problem]]
Change = tuple[str, str]


def compiled(draft: Draft | list[Problem]) -> tuple[Draft, RoutePolicy]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return draft, policy


def problems(draft: Draft | list[Problem]) -> list[Problem]:
    return check(*compiled(draft), NOW)


def errors(draft: Draft | list[Problem]) -> list[Problem]:
    return [problem for problem in problems(draft) if problem.severity is Severity.ERROR]


def of(policy: str, workflow: str, *changes: Change) -> str:
    """A policy of one kind of work that leaves out whatever it may, and then says what the changes say."""
    terse = re.sub(r"^ *(blind|recovery|grace|safe_state|review_within): .*\n", "", policy, flags=re.MULTILINE)
    for old, new in (("customer_facing", workflow), *changes):
        assert old in terse, old
        terse = terse.replace(old, new, 1)
    return terse


def adding(line: str) -> Change:
    """A line more in the route."""
    return ("    triggers:", f"    {line}\n    triggers:")


FALLBACK = "      - model: birch\n        accepted_by: oscar\n        accepted_in_advance: true\n"
ALONE = (FALLBACK, "")
OPEN = ("        accepted_in_advance", "        equivalent: false\n        accepted_in_advance")
ASKED = ("accepted_in_advance: true", "equivalent: false")
SILENT = ("        accepted_in_advance: true\n", "")
CACHED = adding("safe_state: {cached_response: {max_age: 10m}}")
PLAN = adding("canary: {steps: [5%], calls_min: 9, time_min: 1m, wait_max: 9m}")
DRAFTS = ("slot: main", "slot: drafting")
BARE = ("      errors: {above: 20%, for: 30s}\n      latency: {p95_above: 1500ms, for: 1m}\n", "")
UNTOLD = (
    BARE[0],
    "      quality: {truth: {below: 0.5, for: 1m}}\n      cost: {usd_per_hour_above: 9, for: 1m}\n",
)

MET: dict[Workflow, list[Change]] = {
    Workflow.DRAFTING: [],
    Workflow.CUSTOMER_FACING: [],
    Workflow.MONEY_MOVING: [OPEN],
    Workflow.TRADING: [ASKED],
    Workflow.CLINICAL: [],
    Workflow.LIVE_SYSTEM: [ALONE],
    Workflow.SAFETY_CRITICAL: [],
}
"""For each kind of work, what makes the example meet every demand on it."""


@pytest.mark.parametrize("workflow", USUAL)
def test_a_policy_that_leaves_out_what_it_may_meets_every_demand_on_its_kind_of_work(
    draft_of: DraftOf, policy_text: str, workflow: Workflow
) -> None:
    assert errors(draft_of(of(policy_text, workflow, *MET[workflow]))) == []


@pytest.mark.parametrize("workflow", USUAL)
def test_what_is_left_out_stands_in_what_is_signed(draft_of: DraftOf, policy_text: str, workflow: Workflow) -> None:
    _, policy = compiled(draft_of(of(policy_text, workflow, *MET[workflow])))
    (rule,), usual = policy.routes, USUAL[workflow]
    assert policy.review_within_us == usual.review_within.usual
    assert (rule.blind_us, rule.grace_us) == (usual.blind.usual, usual.grace.usual)
    assert (rule.stable_us, rule.dwell_us) == (usual.stable, usual.dwell)
    assert (rule.safe_state, rule.approval) == (usual.safe_state, usual.approval)
    assert {trigger.mode for trigger in rule.triggers} == {usual.mode}


def test_what_is_written_is_what_is_signed_whatever_is_usual(draft_of: DraftOf, policy_text: str) -> None:
    said = of(
        policy_text,
        "trading",
        ("team: helpdesk", "team: helpdesk\nreview_within: 3d"),
        ("unavailable: {for: 5s}", "unavailable: {for: 5s, mode: suspend}"),
        adding("blind: 0s"),
        adding("grace: 0s"),
        adding("recovery: {stable: 7s, dwell: 0s}"),
        adding("safe_state: human_queue"),
        adding("approval: {within: 9m, ticket: true}"),
    )
    _, policy = compiled(draft_of(said))
    (rule,) = policy.routes
    assert policy.review_within_us == parse_duration("3d")
    assert (rule.blind_us, rule.grace_us, rule.dwell_us) == (0, 0, 0)
    assert rule.stable_us == parse_duration("7s")
    assert rule.safe_state is SafeState.HUMAN_QUEUE
    assert rule.approval == Approval(parse_duration("9m"), ticket=True)
    assert [trigger.mode for trigger in rule.triggers] == [Mode.SUSPEND, Mode.AWAIT_APPROVAL, Mode.AWAIT_APPROVAL]


BREACHES: Sequence[tuple[str, str, list[Change], str, str]] = [
    ("review-soon", "drafting", [("team: helpdesk", "team: helpdesk\nreview_within: 91d")], "review_within", "90d"),
    ("review-soon", "clinical", [("team: helpdesk", "team: helpdesk\nreview_within: 6d")], "review_within", "5d"),
    ("short-silence", "customer_facing", [adding("blind: 16m")], "routes[0].blind", "16m is longer than 15m"),
    ("short-silence", "safety_critical", [adding("blind: 16s")], "routes[0].blind", "16s is longer than 15s"),
    ("short-grace", "customer_facing", [adding("grace: 2h")], "routes[0].grace", "2h is longer than 1h"),
    ("short-grace", "money_moving", [OPEN, adding("grace: 61s")], "routes[0].grace", "61s is longer than 1m"),
    ("watches-degradation", "clinical", [BARE], "routes[0].triggers", "nothing is watched that shows before"),
    ("watches-degradation", "trading", [ASKED, UNTOLD], "routes[0].triggers", "nothing is watched that shows before"),
    (
        "accepted-by-owner",
        "clinical",
        [("accepted_by: oscar", "accepted_by: vera")],
        "routes[0].ladder[0].accepted_by",
        "vera does not own the agent support",
    ),
    ("no-old-answers", "money_moving", [OPEN, CACHED], "routes[0].safe_state", "it ends in cached_response"),
    ("no-old-answers", "live_system", [ALONE, CACHED], "routes[0].safe_state", "it ends in cached_response"),
    (
        "open-material-change",
        "money_moving",
        [],
        "routes[0].ladder[1].model",
        "written as equivalent, but differs in tools, identity, regions",
    ),
    (
        "ticket-named",
        "money_moving",
        [OPEN, adding("approval: {within: 30m}")],
        "routes[0].approval",
        "an approval needs no ticket",
    ),
    (
        "pause-each-transition",
        "trading",
        [ASKED, ("for: 30s", "for: 30s, mode: cutover")],
        "routes[0].triggers.errors",
        "it leaves its model by cutover",
    ),
    ("pause-each-transition", "trading", [], "routes[0].ladder[1].model", "birch would take over unasked"),
    (
        "pause-each-transition",
        "trading",
        [("accepted_in_advance: true", "equivalent: false\n        accepted_in_advance: true")],
        "routes[0].ladder[1].model",
        "birch would take over unasked",
    ),
    (
        "ends-with-a-person",
        "clinical",
        [adding("safe_state: safe_shutdown")],
        "routes[0].safe_state",
        "it ends in safe_shutdown, not in human_queue",
    ),
    ("execution-stays", "live_system", [], "routes[0].ladder", "main falls back to birch"),
    (
        "comes-to-rest",
        "safety_critical",
        [adding("safe_state: suspend")],
        "routes[0].safe_state",
        "it ends in suspend, not in safe_shutdown or human_queue",
    ),
    ("no-canary", "safety_critical", [PLAN], "routes[0].canary", "it moves by canary"),
]
"""The demand, the kind of work, what breaks it, where that is told, and what."""


@pytest.mark.parametrize(("name", "workflow", "changes", "field", "what"), BREACHES)
def test_what_a_kind_of_work_forbids_is_told_with_the_reason(
    draft_of: DraftOf, policy_text: str, name: str, workflow: str, changes: list[Change], field: str, what: str
) -> None:
    (problem,) = errors(draft_of(of(policy_text, workflow, *changes)))
    (demand,) = (demand for demand in DEMANDS if demand.name == name)
    assert problem.field == field
    assert what in problem.what
    assert f"but this is {workflow}: {demand.why} ({name})" in problem.what
    assert problem.mend.endswith(".")


def test_a_live_system_may_fall_back_where_it_only_drafts(
    draft_of: DraftOf, policy_text: str, registry_text: str
) -> None:
    drafting = of(policy_text, "live_system", DRAFTS)
    assert errors(draft_of(drafting)) == []
    acting = registry_text.replace("autonomy: act_with_approval", "autonomy: act")
    (problem,) = errors(draft_of(drafting, acting))
    assert (problem.field, problem.what.partition(",")[0]) == (
        "routes[0].ladder[0].model",
        "atlas may act without a person",
    )
    assert "(drafts-only)" in problem.what
    assert errors(draft_of(of(policy_text, "live_system", ALONE), acting)) == [], "what executes may act"


@pytest.mark.parametrize("workflow", ["clinical", "safety_critical"])
def test_a_substitute_that_nobody_accepted_is_refused_though_it_is_no_material_change(
    draft_of: DraftOf, policy_text: str, registry_text: str, workflow: str
) -> None:
    twin = registry_text.replace("[search, pay]", "[search]").replace("[west, east]", "[west]")
    twin = twin.replace("spiffe://example/birch", "spiffe://example/atlas")
    silent = of(policy_text, workflow, SILENT, adding("approval: {within: 30m, ticket: true}"))
    (problem,) = errors(draft_of(silent, twin))
    assert "birch is neither accepted in advance nor waits for an approval" in problem.what
    assert "(accepted-substitutes)" in problem.what
    assert errors(draft_of(of(policy_text, workflow), twin)) == []
    assert errors(draft_of(silent)) == [], "a material change waits for the owner"


@pytest.mark.parametrize("workflow", sorted(TWO_OPERATORS))
def test_where_two_operators_must_sign_one_is_a_warning(
    draft_of: DraftOf, policy_text: str, workflow: Workflow
) -> None:
    (warning,) = problems(draft_of(of(policy_text, workflow, *MET[workflow])))
    assert (warning.severity, warning.line, warning.field) == (Severity.WARNING, 4, "workflow")
    assert "nobody could resume a route" in warning.what


def test_every_demand_has_a_name_of_its_own_and_says_why_in_one_sentence() -> None:
    names = [demand.name for demand in DEMANDS]
    assert len(set(names)) == len(names)
    assert all(is_name(name) for name in names)
    assert all(demand.workflows and demand.asks and demand.why and "." not in demand.why for demand in DEMANDS)


def test_every_demand_is_seen_broken_here() -> None:
    shown = {name for name, *_ in BREACHES} | {"drafts-only", "accepted-substitutes", "two-operators"}
    assert shown == {demand.name for demand in DEMANDS}


def test_what_is_usual_keeps_within_its_own_bounds() -> None:
    assert set(USUAL) == set(Workflow) - {Workflow.OTHER}
    for usual in USUAL.values():
        for span in (usual.review_within, usual.blind, usual.grace):
            assert span.most is None or span.usual <= span.most


def test_the_graver_the_work_the_more_is_asked() -> None:
    asked = {workflow: {demand.name for demand in demands_on(workflow)} for workflow in USUAL}
    grave = set(USUAL) - {Workflow.DRAFTING, Workflow.CUSTOMER_FACING}
    assert asked[Workflow.DRAFTING] < asked[Workflow.CUSTOMER_FACING]
    assert all(asked[Workflow.CUSTOMER_FACING] < asked[workflow] for workflow in grave)
