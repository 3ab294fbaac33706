"""How two policies differ. A table of every field of every record in a policy says which way is more."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.policy.authoring.diff import diff
from interlock.policy.authoring.differences import Difference, Direction
from interlock.policy.lattice import DIMENSIONS
from interlock.records.documents import Departure, RoutePolicy, Unnotified, Webhook, Workflow
from interlock.records.models import (
    Autonomy,
    Capability,
    DataHandling,
    Evidence,
    Identity,
    Logging,
    Model,
    Network,
)
from interlock.records.rules import (
    Approval,
    CanaryPlan,
    Mode,
    Needs,
    RouteRule,
    Rung,
    SafeReply,
    SafeState,
    TriggerRule,
    WatchedTrigger,
)
from interlock.testing.builders import DAY, Deployment, model
from interlock.vocabulary.time import FOREVER, SECOND, Micros, seconds

WIDENS, NARROWS, NEITHER = Direction
DEPLOYMENT = Deployment()


def said(name: str, **values: Any) -> Evidence:
    usual = Evidence(name, "2026-01", "chat", "vera", 2, 2, 2, "report", DEPLOYMENT.issued_at, DEPLOYMENT.expires_at)
    return replace(usual, **values)


def rung(name: str, evidence: Evidence | None = None, **values: Any) -> Rung:
    sealed = DEPLOYMENT.seal(evidence or said(name), "vera")
    usual = Rung(model(name), "oscar", sealed, equivalent=False, accepted_in_advance=False)
    return replace(usual, **values)


ERRORS = TriggerRule(WatchedTrigger.ERRORS, 0.2, seconds(30))
DOWN = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, seconds(5))
GROUNDED = TriggerRule(WatchedTrigger.QUALITY, 0.8, seconds(60), metric="groundedness")
PLAN = CanaryPlan((1, 5, 25), 50, seconds(60), seconds(600))
RULE = DEPLOYMENT.rule(
    [rung("atlas"), rung("birch"), rung("cedar")],
    triggers=(DOWN, ERRORS, GROUNDED),
    evidence_level=2,
    needs=Needs(1_000, ("text",), ("json",), ("search",)),
    cost_ceiling=5.0,
    guards=("guardrail-1",),
    dwell_us=seconds(5),
    canary=PLAN,
    approval=Approval(seconds(600), ticket=True),
    safe_state=SafeState.CACHED_RESPONSE,
    safe_reply=SafeReply(cache_us=seconds(60)),
)
POLICY = replace(
    DEPLOYMENT.policy_of("support", RULE, webhook="https://one.example/"),
    notify=(Webhook("https://one.example/", allow_private=False),),
    unnotified=Unnotified.SUSPEND,
    last_channel=Webhook("https://last.example/", allow_private=False),
    departures=(Departure("two_operators", "there is one"),),
)


def with_rule(**values: Any) -> RoutePolicy:
    return replace(POLICY, routes=(replace(RULE, **values),))


def with_rung(**values: Any) -> RoutePolicy:
    return with_rule(ladder=(*RULE.ladder[:2], replace(RULE.ladder[2], **values)))


def with_model(**values: Any) -> RoutePolicy:
    return with_rung(model=replace(RULE.ladder[2].model, **values))


def with_part(part: str, **values: Any) -> RoutePolicy:
    return with_model(**{part: replace(getattr(RULE.ladder[2].model, part), **values)})


def with_evidence(**values: Any) -> RoutePolicy:
    return with_rung(evidence=DEPLOYMENT.seal(said("cedar", **values), "vera"))


def with_trigger(**values: Any) -> RoutePolicy:
    return with_rule(triggers=(DOWN, replace(ERRORS, **values), GROUNDED))


def with_plan(**values: Any) -> RoutePolicy:
    return with_rule(canary=replace(PLAN, **values))


Made = Callable[..., RoutePolicy]
OTHER_HOOK = Webhook("https://two.example/", allow_private=False)
LADDER = RULE.ladder

TABLE: dict[type, tuple[Made, dict[str, tuple[Any, Direction]]]] = {
    RoutePolicy: (
        lambda **values: replace(POLICY, **values),
        {
            "agent": ("triage", NEITHER),
            "version": (2, NEITHER),
            "deployment": ("other", NEITHER),
            "workflow": (Workflow.DRAFTING, WIDENS),
            "team": ("others", NEITHER),
            "expires_at": (Micros(POLICY.expires_at + DAY), WIDENS),
            "review_within_us": (Micros(2 * DAY), WIDENS),
            "routes": ((RULE, replace(RULE, scope="free")), WIDENS),
            "notify": ((*POLICY.notify, OTHER_HOOK), NARROWS),
            "unnotified": (Unnotified.RECORD, WIDENS),
            "last_channel": (None, WIDENS),
            "departures": ((), NARROWS),
        },
    ),
    Webhook: (
        lambda **values: replace(POLICY, notify=(replace(POLICY.notify[0], **values),)),
        {"allow_private": (True, WIDENS)},
    ),
    Departure: (
        lambda **values: replace(POLICY, departures=(replace(POLICY.departures[0], **values),)),
        {"because": ("there are none", NEITHER)},
    ),
    RouteRule: (
        with_rule,
        {
            "profile": ("mail", NEITHER),
            "ladder": (LADDER[:2], NARROWS),
            "triggers": ((DOWN, GROUNDED), WIDENS),
            "blind_us": (seconds(11), WIDENS),
            "stable_us": (seconds(6), NARROWS),
            "grace_us": (seconds(11), WIDENS),
            "safe_state": (SafeState.SUSPEND, NARROWS),
            "evidence_level": (1, WIDENS),
            "needs": (Needs(), WIDENS),
            "cost_ceiling": (None, WIDENS),
            "guards": ((), WIDENS),
            "dwell_us": (seconds(6), NARROWS),
            "canary": (None, WIDENS),
            "approval": (Approval(seconds(700), ticket=True), WIDENS),
            "safe_reply": (SafeReply(cache_us=seconds(61)), WIDENS),
        },
    ),
    Needs: (
        lambda **values: with_rule(needs=replace(RULE.needs, **values)),
        {
            "context_tokens": (999, WIDENS),
            "modalities": (("image", "text"), NARROWS),
            "outputs": ((), WIDENS),
            "tools": ((), WIDENS),
        },
    ),
    Approval: (
        lambda **values: with_rule(approval=replace(RULE.approval, **values)),
        {"within_us": (seconds(601), WIDENS), "ticket": (False, WIDENS)},
    ),
    SafeReply: (
        lambda **values: with_rule(safe_reply=replace(RULE.safe_reply, **values)),
        {"model": ("birch", NEITHER), "text": ("We shall call you.", NEITHER), "cache_us": (seconds(59), NARROWS)},
    ),
    TriggerRule: (
        with_trigger,
        {
            "threshold": (0.3, WIDENS),
            "for_us": (seconds(31), WIDENS),
            "mode": (Mode.SUSPEND, NARROWS),
            "tolerated": (True, WIDENS),
        },
    ),
    CanaryPlan: (
        with_plan,
        {
            "steps": ((5, 25), WIDENS),
            "calls_min": (49, WIDENS),
            "time_min_us": (seconds(59), WIDENS),
            "wait_max_us": (seconds(601), WIDENS),
        },
    ),
    Rung: (
        with_rung,
        {
            "accepted_by": ("olga", NEITHER),
            "evidence": (b"", NARROWS),
            "equivalent": (True, WIDENS),
            "accepted_in_advance": (True, WIDENS),
        },
    ),
    Model: (
        with_model,
        {
            "version": ("2026-02", NEITHER),
            "provider": ("other-works", NEITHER),
            "endpoint": ("http://127.0.0.1:10/v1", NEITHER),
            "intermediaries": (("market",), WIDENS),
            "served_as": ("cedar", NEITHER),
            "aliases": ((), NARROWS),
            "approvals": (("iso-42001",), NARROWS),
            "integrity": (1, NARROWS),
            "usd_per_mtok": (1.0, NEITHER),
            "retires_at": (Micros(FOREVER - DAY), NARROWS),
        },
    ),
    Identity: (
        lambda **values: with_part("identity", **values),
        {
            "id": ("spiffe://other", NEITHER),
            "owner": ("olga", NEITHER),
            "secret_ref": ("env:OTHER_KEY", NEITHER),
            "scopes": (("models.call", "pay"), WIDENS),
            "assurance": (1, WIDENS),
            "rotation_due": (Micros(FOREVER - DAY), NARROWS),
        },
    ),
    DataHandling: (
        lambda **values: with_part("data", **values),
        {
            "classes": ((), WIDENS),
            "regions": (("eu", "us"), WIDENS),
            "retention_days": (30, WIDENS),
            "logging": (Logging.TRAINING, WIDENS),
        },
    ),
    Capability: (
        lambda **values: with_part("capability", **values),
        {
            "tools": (("pay", "search"), WIDENS),
            "code_execution": (True, WIDENS),
            "network": (Network.INTERNET, WIDENS),
            "modalities": (("image", "text"), WIDENS),
            "context_tokens": (1, NARROWS),
            "outputs": (("json",), NARROWS),
            "autonomy": (Autonomy.ACT, WIDENS),
            "deterministic": (True, NEITHER),
        },
    ),
    Evidence: (
        with_evidence,
        {
            "model": ("birch", NEITHER),
            "model_version": ("2026-02", NEITHER),
            "profile": ("mail", NEITHER),
            "by": ("victor", NEITHER),
            "capability_boundaries": (1, WIDENS),
            "safety": (3, NARROWS),
            "governance_compliance": (1, WIDENS),
            "report": ("another", NEITHER),
            "issued_at": (Micros(DEPLOYMENT.issued_at + DAY), NEITHER),
            "expires_at": (Micros(DEPLOYMENT.expires_at + DAY), WIDENS),
        },
    ),
}
"""By record, how a policy is made with one field of it changed; by field, another value, and what it means."""

NAMES: dict[type, set[str]] = {
    RoutePolicy: {"issued_at"},  # only says when somebody compiled it
    Webhook: {"url"},
    Departure: {"demand"},
    RouteRule: {"slot", "scope"},
    TriggerRule: {"trigger", "metric"},
    Rung: {"model"},
    Model: {"name", "identity", "data", "capability"},
}
"""Fields that name the thing itself, so that another value is another thing, and those that have a row of their own in `TABLE`."""

ROWS = [(kind, name, *row) for kind, (_, rows) in TABLE.items() for name, row in rows.items()]


def records_in(kind: type) -> Iterator[type]:
    """Every kind of record that a policy is made of, found in the values of one that has everything."""
    seen: list[Any] = [POLICY, said("atlas")]
    found: set[type] = set()
    while seen:
        value = seen.pop()
        if isinstance(value, tuple):
            seen += value
        elif is_dataclass(value) and type(value) not in found:
            found.add(type(value))
            seen += [getattr(value, field.name) for field in fields(value)]
    return iter(found)


def test_every_field_of_every_record_in_a_policy_has_a_direction() -> None:
    assert set(records_in(RoutePolicy)) == set(TABLE)
    for kind, (_, rows) in TABLE.items():
        assert {field.name for field in fields(kind)} == rows.keys() | NAMES.get(kind, set()), kind


@pytest.mark.parametrize(("kind", "name", "value", "direction"), ROWS, ids=lambda each: getattr(each, "__name__", None))
def test_a_change_of_one_field_is_seen_and_has_its_direction(
    kind: type, name: str, value: Any, direction: Direction
) -> None:
    changed = TABLE[kind][0](**{name: value})
    found = diff(POLICY, changed)
    assert found, "a field that nobody looks at could be widened unseen"
    assert {difference.direction for difference in found} == {direction}
    assert all(difference.before != difference.after for difference in found)


def test_only_the_time_of_compiling_is_no_difference() -> None:
    assert diff(POLICY, replace(POLICY, issued_at=Micros(POLICY.issued_at + 1))) == ()


def test_each_dimension_of_the_lattice_is_compared() -> None:
    broader = {
        "tools": with_part("capability", tools=("pay", "search")),
        "code_execution": with_part("capability", code_execution=True),
        "network": with_part("capability", network=Network.INTERNET),
        "modalities": with_part("capability", modalities=("image", "text")),
        "context": with_part("capability", context_tokens=200_000),
        "outputs": with_part("capability", outputs=("image", "json", "text", "tool_calls")),
        "autonomy": with_part("capability", autonomy=Autonomy.ACT),
        "scopes": with_part("identity", scopes=("models.call", "pay")),
        "assurance": with_part("identity", assurance=1),
        "data classes": with_part("data", classes=()),
        "regions": with_part("data", regions=("eu", "us")),
        "retention": with_part("data", retention_days=1),
        "logging": with_part("data", logging=Logging.CONTENT),
        "approvals": None,
        "integrity": None,
    }
    assert broader.keys() == {dimension.name for dimension in DIMENSIONS}
    for name, changed in broader.items():
        if changed is not None:
            assert [(found.what, found.direction, found.rung) for found in diff(POLICY, changed)] == [
                (name, WIDENS, "cedar")
            ]
    approved = with_model(approvals=("iso-42001",), integrity=2)
    assert [(found.what, found.direction) for found in diff(approved, POLICY)] == [
        ("approvals", WIDENS),
        ("integrity", WIDENS),
    ]


def of(found: tuple[Difference, ...]) -> list[tuple[str, str, str, str, Direction]]:
    return [(each.rung, each.what, each.before, each.after, each.direction) for each in found]


def test_a_rung_added_removed_moved_up_and_moved_down() -> None:
    oak = rung("oak")
    changed = with_rule(ladder=(LADDER[0], LADDER[2], LADDER[1], oak))
    assert of(diff(POLICY, changed)) == [
        ("cedar", "ladder", "after atlas, birch", "after atlas", WIDENS),
        ("birch", "ladder", "after atlas", "after atlas, cedar", NARROWS),
        ("oak", "ladder", "none", "rung 4", WIDENS),
    ]
    assert of(diff(POLICY, with_rule(ladder=LADDER[1:]))) == [("atlas", "ladder", "rung 1", "none", NARROWS)], (
        "those that stay have not moved: they only stand higher for want of the first"
    )


def test_a_route_added_and_removed() -> None:
    more = replace(POLICY, routes=(RULE, replace(RULE, scope="free")))
    (added,) = diff(POLICY, more)
    told = "atlas, then birch, then cedar; at the end cached_response"
    assert added == Difference("route", "none", told, WIDENS, "main/free")
    assert diff(more, POLICY) == (Difference("route", told, "none", NARROWS, "main/free"),)


def test_what_is_told_reads_as_people_write_it() -> None:
    changed = with_rule(
        triggers=(DOWN, replace(ERRORS, threshold=0.25), replace(GROUNDED, threshold=0.7)), grace_us=Micros(90 * SECOND)
    )
    assert of(diff(POLICY, changed)) == [
        ("", "triggers.errors.above", "20%", "25%", WIDENS),
        ("", "triggers.quality.groundedness.below", "0.8", "0.7", WIDENS),
        ("", "grace", "10s", "90s", WIDENS),
    ]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (SafeState.SUSPEND, SafeState.HUMAN_QUEUE, NEITHER),
        (SafeState.SAFE_SHUTDOWN, SafeState.SUSPEND, NEITHER),
        (SafeState.HUMAN_QUEUE, SafeState.TEMPLATED_REPLY, WIDENS),
        (SafeState.TEMPLATED_REPLY, SafeState.CACHED_RESPONSE, WIDENS),
        (SafeState.CACHED_RESPONSE, SafeState.READ_ONLY, WIDENS),
        (SafeState.READ_ONLY, SafeState.SUSPEND, NARROWS),
    ],
)
def test_a_safe_state_in_which_the_agent_says_more_widens(
    before: SafeState, after: SafeState, direction: Direction
) -> None:
    reply = SafeReply("birch", "We shall call you.", seconds(60))
    old, new = (with_rule(safe_state=state, safe_reply=reply) for state in (before, after))
    assert [(found.what, found.direction) for found in diff(old, new)] == [("safe_state", direction)]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (Mode.SUSPEND, Mode.AWAIT_APPROVAL, WIDENS),
        (Mode.AWAIT_APPROVAL, Mode.CUTOVER, WIDENS),
        (Mode.CANARY, Mode.CUTOVER, NEITHER),
        (Mode.CUTOVER, Mode.SUSPEND, NARROWS),
    ],
)
def test_a_mode_in_which_the_agent_goes_on_sooner_widens(before: Mode, after: Mode, direction: Direction) -> None:
    found = diff(with_trigger(mode=before), with_trigger(mode=after))
    assert [(each.what, each.direction) for each in found] == [("triggers.errors.mode", direction)]


@pytest.mark.parametrize(
    ("steps", "direction"),
    [
        ((90,), WIDENS),
        ((2, 5, 25), WIDENS),
        ((1, 5, 26), WIDENS),
        ((1, 5, 24), NARROWS),
        ((1, 5, 25, 50), NARROWS),
        ((2, 4, 25), NEITHER),
        ((1, 2, 3), NARROWS),
        ((2, 6, 26, 50), NEITHER),
    ],
)
def test_a_canary_that_halts_later_widens(steps: tuple[int, ...], direction: Direction) -> None:
    (found,) = diff(POLICY, with_plan(steps=steps))
    assert (found.what, found.direction) == ("canary.steps", direction)
    (back,) = diff(with_plan(steps=steps), POLICY)
    assert back.direction is direction.opposite
    assert (found.before, found.after) == (back.after, back.before)


def test_a_kind_of_work_of_which_other_things_are_asked_is_told_demand_by_demand() -> None:
    trading, clinical = (replace(POLICY, workflow=workflow) for workflow in (Workflow.TRADING, Workflow.CLINICAL))
    whole, *asked = diff(trading, clinical)
    assert (whole.what, whole.direction) == ("workflow", NEITHER)
    told = {(each.before, each.after): each.direction for each in asked}
    assert told["pause-each-transition", "none"] is WIDENS
    assert told["none", "ends-with-a-person"] is NARROWS


def test_evidence_that_only_bears_another_signature_is_neither() -> None:
    again = DEPLOYMENT.seal(said("cedar"), "grace")
    (found,) = diff(POLICY, with_rung(evidence=again))
    assert (found.what, found.direction) == ("evidence", NEITHER)


def test_another_last_channel_is_neither_and_a_private_one_widens() -> None:
    other = replace(POLICY, last_channel=Webhook("https://two.example/", allow_private=True))
    assert [(each.what, each.direction) for each in diff(POLICY, other)] == [
        ("last_channel", NEITHER),
        ("last_channel.allow_private", WIDENS),
    ]


@st.composite
def policies(draw: st.DrawFn) -> RoutePolicy:
    """A policy with any of the changes of the table, any ladder, triggers and notices."""
    chosen = draw(st.lists(st.sampled_from(ROWS), max_size=4, unique_by=lambda row: row[:2]))
    made = POLICY
    for kind, name, value, _ in chosen:
        if kind is RoutePolicy:
            made = replace(made, **{name: value})
    rows = {name: value for kind, name, value, _ in chosen if kind is RouteRule}
    ladder = draw(st.permutations([*LADDER, rung("oak")]))[: draw(st.integers(1, 4))]
    triggers = (DOWN, *draw(st.sets(st.sampled_from([ERRORS, GROUNDED, replace(ERRORS, threshold=0.5)]), max_size=1)))
    rule = replace(RULE, **{**rows, "ladder": tuple(ladder), "triggers": triggers})
    return replace(made, routes=(rule, *made.routes[1:]))


@given(policies())
def test_a_policy_does_not_differ_from_itself(policy: RoutePolicy) -> None:
    assert diff(policy, policy) == ()


@given(policies(), policies())
def test_the_way_back_widens_exactly_where_the_way_there_narrows(before: RoutePolicy, after: RoutePolicy) -> None:
    there, back = diff(before, after), diff(after, before)
    turned = [replace(each, before=each.after, after=each.before, direction=each.direction.opposite) for each in back]
    assert sorted(there, key=str) == sorted(turned, key=str)
