"""Every bound of every record: a value at the bound counts, the one beyond it is a reason and never an exception.

The bytes are made at the wire, beneath the dataclasses, as a hostile writer would.
"""

from dataclasses import replace
from typing import Any

import pytest

from interlock.records.change import AckKind, Acknowledgement, Heartbeat, Trigger
from interlock.records.codec import decode, encode
from interlock.records.commands import ROUTE_VERBS, Command, ReviewOutcome, Verb
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.health import Cell, GuardBeat, Level, TelemetryBatch, Verdict
from interlock.records.models import Evidence, Registration
from interlock.records.rules import (
    Approval,
    CanaryPlan,
    Mode,
    SafeReply,
    SafeState,
    TriggerRule,
    WatchedTrigger,
    guard_subject,
)
from interlock.records.state import RouteEntry
from interlock.records.telling import Ticket
from interlock.signing.trust import TrustRoot
from interlock.testing.builders import DAY, NOW, Deployment, model
from interlock.vocabulary.limits import (
    ASSURANCE_MAX,
    BATCH_CELLS_MAX,
    CALLS_MAX,
    CANARY_STEPS_MAX,
    DURATION_US_MAX,
    EVIDENCE_LEVEL_MAX,
    GUARDS_PER_ROUTE_MAX,
    IDENTIFIER_CHARS_MAX,
    INTEGRITY_MAX,
    LADDER_RUNGS_MAX,
    MOMENT_US_MAX,
    ROUTES_PER_POLICY_MAX,
    SKETCH_BUCKETS_MAX,
    TEMPLATE_CHARS_MAX,
    TEXT_CHARS_MAX,
    TICKET_BYTES_MAX,
)
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire import codec as wire

DEPLOYMENT = Deployment()
RULE = DEPLOYMENT.rule(
    ["atlas", "birch"],
    canary=CanaryPlan((1, 25), 50, Micros(1), Micros(2)),
    approval=Approval(DAY),
    safe_reply=SafeReply("birch", "A person will answer.", DAY),
    guards=("checker",),
    cost_ceiling=9.0,
)


def command(verb: Verb, **fields: Any) -> Command:
    usual = {
        "id": "c-1",
        "deployment": "testbed",
        "verb": verb,
        "agent": "support",
        "route": "",
        "model": "",
        "about": "",
        "outcome": ReviewOutcome.NONE,
        "ticket": "",
        "reason": "drill",
        "issued_at": NOW,
        "expires_at": Micros(NOW + DAY),
    }
    return Command(**{**usual, **fields})


RECORDS: dict[str, Any] = {
    "policy": DEPLOYMENT.policy_of("support", RULE),
    "registration": Registration("testbed", 1, model("atlas"), False, NOW),
    "denial": Denial("d-1", "atlas", "unsafe", NOW),
    "command": command(Verb.DISABLE, model="atlas"),
    "order": command(Verb.RESUME, route="support/main/*"),
    "evidence": Evidence("atlas", "1", "chat", "vera", 1, 1, 1, "", NOW, NOW),
    "batch": TelemetryBatch("probe-1", "atlas", NOW, NOW, 1, (Cell("support", "main", "*", {}, {}, {}, {}),)),
    "guard": GuardBeat("checker", NOW),
    "verdict": Verdict("atlas", "*", "unavailable", Level.HEALTHY, "", 1, (), NOW, NOW, NOW),
    "root": DEPLOYMENT.root,
    "beat": Heartbeat("testbed", 0, 1, 0, 1, NOW, b"", b""),
    "ack": Acknowledgement("gateway-1", AckKind.HELLO, "", b"", "", NOW),
    "ticket": Ticket("t-1", "gateway-1", "support", "main", "*", "", b"", NOW),
    "entry": RouteEntry(1, None, "suspend", NOW, Trigger.POLICY, b"", 1, b""),
}
LADDER_MODEL = ("routes", 0, "ladder", 0, "model")


def reread(name: str, path: tuple[Any, ...], value: Any) -> Any:
    """A record with one value replaced in its bytes, decoded."""
    record = RECORDS[name]
    decoded = wire.decode(encode(record))
    assert isinstance(decoded, wire.Decoded)
    holder: Any = decoded.fields
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return decode(wire.encode(decoded.name, decoded.fields), type(record))


LONGEST = "a" * IDENTIFIER_CHARS_MAX
NAMES = [
    ("policy", ("agent",)),
    ("policy", ("routes", 0, "slot")),
    ("policy", ("routes", 0, "scope")),
    ("policy", ("routes", 0, "ladder", 0, "model", "name")),
    ("registration", ("model", "name")),
    ("denial", ("id",)),
    ("denial", ("model",)),
    ("command", ("id",)),
    ("command", ("agent",)),
    ("command", ("model",)),
    ("batch", ("reporter",)),
    ("batch", ("model",)),
    ("verdict", ("model",)),
    ("verdict", ("scope",)),
    ("root", ("keys", 0, "owner")),
]


@pytest.mark.parametrize(("name", "path"), NAMES)
@pytest.mark.parametrize("text", ["", "A", "a/b", "a b", "-a", "а", LONGEST + "a", "a\n"])  # noqa: RUF001 - Cyrillic
def test_a_name_is_plain_lower_case_ascii(name: str, path: tuple[Any, ...], text: str):
    assert reread(name, path, text) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread(name, path, LONGEST), type(RECORDS[name]))


@pytest.mark.parametrize(("name", "path"), NAMES)
def test_a_star_means_all_scopes_or_all_agents_and_names_nothing_else(name: str, path: tuple[Any, ...]):
    allowed = path[-1] == "scope" or (name, path) == ("command", ("agent",))
    assert (reread(name, path, "*") is not Reason.OUT_OF_BOUNDS) == allowed


MOMENTS = [
    ("policy", ("issued_at",)),
    ("policy", ("expires_at",)),
    ("denial", ("issued_at",)),
    ("command", ("issued_at",)),
    ("command", ("expires_at",)),
    ("registration", ("issued_at",)),
    ("registration", ("model", "retires_at")),
    ("registration", ("model", "identity", "rotation_due")),
    ("policy", (*LADDER_MODEL, "retires_at")),
    ("guard", ("at",)),
    ("ticket", ("at",)),
    ("evidence", ("expires_at",)),
    ("batch", ("window_end",)),
    ("verdict", ("issued_at",)),
    ("root", ("expires_at",)),
    ("beat", ("issued_at",)),
    ("ack", ("at",)),
    ("entry", ("entered_at",)),
    ("entry", ("frozen_until",)),
]


@pytest.mark.parametrize(("name", "path"), MOMENTS)
def test_a_time_is_one_that_a_calendar_can_show(name: str, path: tuple[Any, ...]):
    assert isinstance(reread(name, path, MOMENT_US_MAX), type(RECORDS[name]))
    for beyond in (MOMENT_US_MAX + 1, 2**63 - 1, -1, -(2**63)):
        assert reread(name, path, beyond) is Reason.OUT_OF_BOUNDS


DURATIONS = [
    ("review_within_us",),
    ("routes", 0, "blind_us"),
    ("routes", 0, "stable_us"),
    ("routes", 0, "grace_us"),
    ("routes", 0, "dwell_us"),
    ("routes", 0, "triggers", 0, "for_us"),
    ("routes", 0, "approval", "within_us"),
    ("routes", 0, "safe_reply", "cache_us"),
]


@pytest.mark.parametrize("path", DURATIONS)
def test_a_duration_is_neither_negative_nor_longer_than_ten_years(path: tuple[Any, ...]):
    for within in (0, DURATION_US_MAX):
        assert isinstance(reread("policy", path, within), RoutePolicy)
    for beyond in (-1, DURATION_US_MAX + 1, 2**63 - 1):
        assert reread("policy", path, beyond) is Reason.OUT_OF_BOUNDS


AMOUNTS = [
    ("policy", ("routes", 0, "triggers", 0, "threshold")),
    ("policy", ("routes", 0, "cost_ceiling")),
    ("policy", (*LADDER_MODEL, "usd_per_mtok")),
    ("registration", ("model", "usd_per_mtok")),
]


@pytest.mark.parametrize(("name", "path"), AMOUNTS)
@pytest.mark.parametrize("amount", [-0.1, float("nan"), float("inf"), float("-inf")])
def test_a_threshold_a_ceiling_and_a_price_are_numbers_of_zero_or_more(name: str, path: tuple[Any, ...], amount: float):
    assert reread(name, path, amount) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread(name, path, 0.0), type(RECORDS[name]))


def test_a_route_need_not_have_a_ceiling_nor_a_canary():
    for path in (("routes", 0, "cost_ceiling"), ("routes", 0, "canary")):
        assert isinstance(reread("policy", path, None), RoutePolicy)


SCALES = [
    ("registration", ("model", "integrity"), 0, INTEGRITY_MAX),
    ("registration", ("model", "identity", "assurance"), 0, ASSURANCE_MAX),
    ("registration", ("model", "data", "retention_days"), 0, None),
    ("registration", ("model", "capability", "context_tokens"), 0, None),
    ("registration", ("version",), 1, None),
    ("policy", ("version",), 1, None),
    ("root", ("version",), 1, None),
    ("policy", ("routes", 0, "evidence_level"), 1, EVIDENCE_LEVEL_MAX),
    ("policy", ("routes", 0, "canary", "calls_min"), 1, None),
    ("evidence", ("capability_boundaries",), 0, EVIDENCE_LEVEL_MAX),
    ("evidence", ("safety",), 0, EVIDENCE_LEVEL_MAX),
    ("evidence", ("governance_compliance",), 0, EVIDENCE_LEVEL_MAX),
]


@pytest.mark.parametrize(("name", "path", "least", "most"), SCALES, ids=str)
def test_levels_versions_and_counts_stay_on_their_scales(
    name: str, path: tuple[Any, ...], least: int, most: int | None
):
    assert reread(name, path, least - 1) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread(name, path, least), type(RECORDS[name]))
    if most is not None:
        assert isinstance(reread(name, path, most), type(RECORDS[name]))
        assert reread(name, path, most + 1) is Reason.OUT_OF_BOUNDS


def fields_of(record: Any) -> Any:
    decoded = wire.decode(encode(record))
    assert isinstance(decoded, wire.Decoded)
    return decoded.fields


def test_a_ladder_has_at_least_one_rung_and_at_most_eight():
    rungs = fields_of(DEPLOYMENT.policy_of("support", DEPLOYMENT.rule([f"m{n}" for n in range(LADDER_RUNGS_MAX)])))
    ladder = rungs["routes"][0]["ladder"]
    spare = fields_of(RECORDS["policy"])["routes"][0]["ladder"][0]
    path = ("routes", 0, "ladder")
    assert isinstance(reread("policy", path, ladder), RoutePolicy)
    assert reread("policy", path, [*ladder, spare]) is Reason.OUT_OF_BOUNDS
    assert reread("policy", path, []) is Reason.OUT_OF_BOUNDS


def test_a_ladder_names_no_model_twice_even_in_two_versions():
    [first, _] = fields_of(RECORDS["policy"])["routes"][0]["ladder"]
    other_version = {**first, "model": {**first["model"], "version": "another"}}
    assert reread("policy", ("routes", 0, "ladder"), [first, other_version]) is Reason.OUT_OF_BOUNDS


def test_a_policy_has_at_least_one_route_and_at_most_sixty_four_and_none_twice():
    [rule] = fields_of(RECORDS["policy"])["routes"]
    most = [{**rule, "slot": f"s{number}"} for number in range(ROUTES_PER_POLICY_MAX)]
    assert isinstance(reread("policy", ("routes",), most), RoutePolicy)
    assert reread("policy", ("routes",), [*most, rule]) is Reason.OUT_OF_BOUNDS
    assert reread("policy", ("routes",), []) is Reason.OUT_OF_BOUNDS
    assert reread("policy", ("routes",), [rule, rule]) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread("policy", ("routes",), [rule, {**rule, "scope": "eu"}]), RoutePolicy)


def test_a_policy_that_tells_nobody_is_out_of_bounds():
    assert reread("policy", ("notify",), []) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("name", ["denial", "command"])
def test_a_reason_is_short_enough_to_be_shown(name: str):
    assert isinstance(reread(name, ("reason",), "x" * TEXT_CHARS_MAX), type(RECORDS[name]))
    assert reread(name, ("reason",), "x" * (TEXT_CHARS_MAX + 1)) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("tally", ["outcomes", "latency", "first_token", "models_named"])
def test_a_count_is_neither_negative_nor_beyond_belief(tally: str):
    path = ("cells", 0, tally)
    for within in (0, CALLS_MAX):
        assert isinstance(reread("batch", path, {"1": within}), TelemetryBatch)
    for beyond in (-1, CALLS_MAX + 1, 2**63 - 1):
        assert reread("batch", path, {"1": 1, "2": beyond}) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("sketch", ["latency", "first_token"])
def test_a_latency_bucket_is_one_that_a_clock_can_measure(sketch: str):
    path = ("cells", 0, sketch)
    for within in (SKETCH_BUCKETS_MAX - 1, 1 - SKETCH_BUCKETS_MAX):
        assert isinstance(reread("batch", path, {str(within): 1}), TelemetryBatch)
    for beyond in (SKETCH_BUCKETS_MAX, -SKETCH_BUCKETS_MAX, 10**30):
        assert reread("batch", path, {str(beyond): 1}) is Reason.OUT_OF_BOUNDS


def test_both_sketches_of_a_cell_share_one_limit_of_buckets():
    half = {str(place): 1 for place in range(SKETCH_BUCKETS_MAX // 2)}
    [cell] = fields_of(RECORDS["batch"])["cells"]
    full = {**cell, "latency": half, "first_token": half}
    assert isinstance(reread("batch", ("cells",), [full]), TelemetryBatch)
    over = {**full, "latency": {**half, "-1": 1}}
    assert reread("batch", ("cells",), [over]) is Reason.OUT_OF_BOUNDS


def test_a_batch_has_a_limit_of_cells():
    [cell] = fields_of(RECORDS["batch"])["cells"]
    assert isinstance(reread("batch", ("cells",), [cell] * BATCH_CELLS_MAX), TelemetryBatch)
    assert reread("batch", ("cells",), [cell] * (BATCH_CELLS_MAX + 1)) is Reason.OUT_OF_BOUNDS


def test_a_root_that_contradicts_itself_is_out_of_bounds():
    assert isinstance(reread("root", ("deployment",), "other"), TrustRoot)
    assert reread("root", ("grants",), []) is Reason.OUT_OF_BOUNDS


def test_evidence_reached_the_level_that_all_three_parts_reached():
    for levels in ((3, 1, 2), (1, 2, 3), (2, 3, 1)):
        parts = dict(zip(("capability_boundaries", "safety", "governance_compliance"), levels, strict=True))
        assert replace(RECORDS["evidence"], **parts).level == 1


# What must agree inside one record.


@pytest.mark.parametrize("trigger", WatchedTrigger)
def test_quality_names_a_metric_and_nothing_else_does(trigger: WatchedTrigger):
    path = ("routes", 0, "triggers", 1)
    spoken = {"trigger": str(trigger), "threshold": 0.5, "for_us": 0, "mode": "suspend", "tolerated": False}
    quality = trigger is WatchedTrigger.QUALITY
    for metric, counts in (("groundedness", quality), ("", not quality), ("Not a name", False)):
        judged = reread("policy", path, {**spoken, "metric": metric})
        assert isinstance(judged, RoutePolicy) if counts else judged is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("mode", ["cutover", "canary", "await_approval", "other"])
def test_refusals_never_lead_to_another_model(mode: str):
    path = ("routes", 0, "triggers", 1)
    spoken = {"trigger": "refusals", "threshold": 0.5, "for_us": 0, "mode": mode, "metric": "", "tolerated": False}
    assert reread("policy", path, spoken) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread("policy", path, {**spoken, "mode": "suspend"}), RoutePolicy)


@pytest.mark.parametrize("steps", [[], [0], [100], [5, 5], [25, 5], [-1, 5], list(range(1, CANARY_STEPS_MAX + 2))])
def test_the_weights_of_a_canary_rise_below_the_whole_in_few_steps(steps: list[int]):
    path = ("routes", 0, "canary", "steps")
    assert reread("policy", path, steps) is Reason.OUT_OF_BOUNDS
    for right in ([1], [99], list(range(1, CANARY_STEPS_MAX + 1))):
        assert isinstance(reread("policy", path, right), RoutePolicy)


def test_a_step_of_a_canary_waits_no_shorter_than_it_lasts():
    plan = {"steps": [1], "calls_min": 1, "time_min_us": 7, "wait_max_us": 7}
    path = ("routes", 0, "canary")
    assert isinstance(reread("policy", path, plan), RoutePolicy)
    for changed in ({"wait_max_us": 6}, {"time_min_us": -1}, {"wait_max_us": DURATION_US_MAX + 1}):
        assert reread("policy", path, {**plan, **changed}) is Reason.OUT_OF_BOUNDS
    with pytest.raises(ValueError, match="a duration is out of bounds"):
        CanaryPlan((1,), 1, Micros(-1), Micros(7))


def test_read_only_names_a_model_of_the_ladder():
    rule = fields_of(RECORDS["policy"])["routes"][0]
    for name in ("", "cedar"):
        reply = {**rule["safe_reply"], "model": name}
        assert isinstance(reread("policy", ("routes", 0), {**rule, "safe_reply": reply}), RoutePolicy)
        wrong = {**rule, "safe_state": "read_only", "safe_reply": reply}
        assert reread("policy", ("routes", 0), wrong) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread("policy", ("routes", 0, "safe_state"), "read_only"), RoutePolicy)


def test_a_templated_reply_has_a_text_and_not_a_book():
    rule = fields_of(RECORDS["policy"])["routes"][0]
    text = ("routes", 0, "safe_reply", "text")
    silent = {**rule, "safe_state": "templated_reply", "safe_reply": {**rule["safe_reply"], "text": ""}}
    assert reread("policy", ("routes", 0), silent) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread("policy", ("routes", 0, "safe_state"), "templated_reply"), RoutePolicy)
    assert isinstance(reread("policy", text, "x" * TEMPLATE_CHARS_MAX), RoutePolicy)
    assert reread("policy", text, "x" * (TEMPLATE_CHARS_MAX + 1)) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("state", SafeState)
def test_every_other_safe_state_asks_for_nothing(state: SafeState):
    if state not in {SafeState.READ_ONLY, SafeState.TEMPLATED_REPLY}:
        assert DEPLOYMENT.rule(["atlas"], safe_state=state).safe_reply == SafeReply()


@pytest.mark.parametrize(("name", "path"), [("policy", ("routes", 0, "guards", 0)), ("guard", ("guard",))])
def test_a_guards_name_leaves_room_for_what_marks_it_as_one_in_verdicts(name: str, path: tuple[Any, ...]):
    longest = "a" * (IDENTIFIER_CHARS_MAX - len(guard_subject("")))
    assert isinstance(reread(name, path, longest), type(RECORDS[name]))
    for wrong in (longest + "a", "", "A", "a/b", "*"):
        assert reread(name, path, wrong) is Reason.OUT_OF_BOUNDS


def test_a_route_has_a_limit_of_guards():
    path = ("routes", 0, "guards")
    guards = [f"guard-{number}" for number in range(GUARDS_PER_ROUTE_MAX)]
    assert isinstance(reread("policy", path, guards), RoutePolicy)
    assert reread("policy", path, [*guards, "one-more"]) is Reason.OUT_OF_BOUNDS


def test_a_ticket_holds_a_request_up_to_its_limit():
    assert isinstance(reread("ticket", ("request",), bytes(TICKET_BYTES_MAX)), Ticket)
    assert reread("ticket", ("request",), bytes(TICKET_BYTES_MAX + 1)) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("verb", sorted(ROUTE_VERBS))
def test_what_is_ordered_of_routes_names_one_agent_and_its_own_route(verb: Verb):
    sound = command(verb)
    for fields in ({}, {"route": "support/main/*"}, {"route": "support/draft/eu"}):
        assert decode(encode(replace(sound, **fields)), Command) == replace(sound, **fields)
    holder = fields_of(sound)
    for wrong in ({"agent": "*"}, {"route": "triage/main/*"}, {"route": "support/main"}, {"route": "support/main/A"}):
        assert decode(wire.encode("Command", {**holder, **wrong}), Command) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("text", ["reason", "ticket", "about"])
def test_the_texts_of_a_command_are_short_enough_to_be_shown(text: str):
    assert isinstance(reread("order", (text,), "x" * TEXT_CHARS_MAX), Command)
    assert reread("order", (text,), "x" * (TEXT_CHARS_MAX + 1)) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize(
    ("trigger", "threshold", "objective"),
    [
        (WatchedTrigger.UNAVAILABLE, 0.0, "unavailable"),
        (WatchedTrigger.ERRORS, 0.2, "errors>0.2"),
        (WatchedTrigger.THROTTLED, 0.05, "throttled>0.05"),
        (WatchedTrigger.LATENCY, 2.0, "latency>2s"),
        (WatchedTrigger.REFUSALS, 0.1, "refusals>0.1"),
        (WatchedTrigger.LOW_CONFIDENCE, 0.3, "low_confidence>0.3"),
        (WatchedTrigger.SCHEMA_FAILURES, 0.05, "schema_failures>0.05"),
        (WatchedTrigger.COST, 12.0, "cost>12"),
        (WatchedTrigger.CREDENTIAL, 0.0, "credential"),
        (WatchedTrigger.WRONG_MODEL, 0.0, "wrong_model"),
        (WatchedTrigger.QUALITY, 0.8, "quality.groundedness<0.8"),
    ],
)
def test_an_objective_names_what_is_judged_and_not_how_long_it_must_last(
    trigger: WatchedTrigger, threshold: float, objective: str
):
    metric = "groundedness" if trigger is WatchedTrigger.QUALITY else ""
    for duration in (0, 7):
        rule = TriggerRule(trigger, threshold, Micros(duration), mode=Mode.SUSPEND, metric=metric)
        assert rule.objective == objective


def test_a_policy_says_which_models_and_guards_it_uses_on_which_routes():
    policy = DEPLOYMENT.policy_of(
        "support",
        DEPLOYMENT.rule(["atlas", "birch"], guards=("checker",)),
        DEPLOYMENT.rule(["atlas"], slot="draft", scope="eu"),
    )
    assert [route.key for route in policy.route_ids()] == ["support/main/*", "support/draft/eu"]
    assert [(route.key, name) for route, name in policy.uses()] == [
        ("support/main/*", "atlas"),
        ("support/main/*", "birch"),
        ("support/main/*", guard_subject("checker")),
        ("support/draft/eu", "atlas"),
    ]
    assert policy.models() == {"atlas", "birch"}
    assert policy.rule("draft", "eu") is policy.routes[1]
    assert policy.rule("draft", "*") is None
    assert (RULE.index("birch"), RULE.index(model("cedar").name)) == (1, None)


@pytest.mark.parametrize(("name", "path"), [("policy", (*LADDER_MODEL, "name")), ("registration", ("model", "name"))])
def test_a_guard_is_not_mistaken_for_a_model(name: str, path: tuple[Any, ...]):
    assert guard_subject("checker") == "guard@checker"
    assert reread(name, path, "guard@checker") is Reason.OUT_OF_BOUNDS
    assert isinstance(reread(name, path, "guard-checker"), type(RECORDS[name]))


def test_a_command_says_in_words_what_it_orders():
    disable = RECORDS["command"]
    assert disable.describe() == "disable atlas for support during 1d"
    assert replace(disable, agent="*").describe() == "disable atlas for every agent during 1d"
    assert command(Verb.SUSPEND).describe() == "suspend support"
    assert command(Verb.RESUME, route="support/main/*").describe() == "resume support/main/*"
    assert command(Verb.APPROVE, route="support/main/*", about="p-1").describe() == "approve p-1"
    review = command(Verb.REVIEW, about="support/main/*@1.7.2", outcome=ReviewOutcome.REVOKE)
    assert review.describe() == "review support/main/*@1.7.2: revoke"
