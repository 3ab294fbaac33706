"""Every bound of every record: a value at the bound counts, the one beyond it is a reason and never an exception.

The bytes are made at the wire, beneath the dataclasses, as a hostile writer would.
"""

from dataclasses import replace
from typing import Any

import pytest

from interlock.records.change import AckKind, Acknowledgement, Heartbeat, Trigger
from interlock.records.codec import decode, encode
from interlock.records.commands import Command, Verb
from interlock.records.documents import Denial, RoutePolicy, TriggerRule, WatchedTrigger
from interlock.records.health import Cell, Level, TelemetryBatch, Verdict
from interlock.records.models import Evidence
from interlock.records.state import RouteEntry
from interlock.signing.trust import TrustRoot
from interlock.testing.builders import DAY, NOW, Deployment, model
from interlock.vocabulary.limits import (
    BATCH_CELLS_MAX,
    CALLS_MAX,
    DURATION_US_MAX,
    IDENTIFIER_CHARS_MAX,
    LADDER_RUNGS_MAX,
    MOMENT_US_MAX,
    ROUTES_PER_POLICY_MAX,
    SKETCH_BUCKETS_MAX,
    TEXT_CHARS_MAX,
)
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire import codec as wire

DEPLOYMENT = Deployment()
RULE = DEPLOYMENT.rule(["atlas", "birch"])
RECORDS: dict[str, Any] = {
    "policy": DEPLOYMENT.policy_of("support", RULE),
    "denial": Denial("d-1", "atlas", "unsafe", NOW),
    "command": Command("c-1", "testbed", Verb.DISABLE, "support", "atlas", "drill", NOW, Micros(NOW + DAY)),
    "evidence": Evidence("atlas", "1", "chat", True, True, True, "", NOW, NOW),
    "batch": TelemetryBatch("probe-1", "atlas", NOW, NOW, 1, (Cell("support", "main", "*", {}, {}, {}, {}),)),
    "verdict": Verdict("atlas", "*", "unavailable", Level.HEALTHY, "", 1, (), NOW, NOW, NOW),
    "root": DEPLOYMENT.root,
    "beat": Heartbeat("testbed", 0, 1, 0, 1, NOW, b"", b""),
    "ack": Acknowledgement("gateway-1", AckKind.HELLO, "", b"", "", NOW),
    "entry": RouteEntry(1, None, NOW, Trigger.POLICY, b"", 1, b""),
}


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
    ("evidence", ("expires_at",)),
    ("batch", ("window_end",)),
    ("verdict", ("valid_until",)),
    ("root", ("expires_at",)),
    ("beat", ("issued_at",)),
    ("ack", ("at",)),
    ("entry", ("entered_at",)),
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
    ("routes", 0, "triggers", 0, "for_us"),
]


@pytest.mark.parametrize("path", DURATIONS)
def test_a_duration_is_neither_negative_nor_longer_than_ten_years(path: tuple[Any, ...]):
    for within in (0, DURATION_US_MAX):
        assert isinstance(reread("policy", path, within), RoutePolicy)
    for beyond in (-1, DURATION_US_MAX + 1, 2**63 - 1):
        assert reread("policy", path, beyond) is Reason.OUT_OF_BOUNDS


@pytest.mark.parametrize("threshold", [-0.1, float("nan"), float("inf"), float("-inf")])
def test_a_threshold_is_a_number_of_zero_or_more(threshold: float):
    path = ("routes", 0, "triggers", 0, "threshold")
    assert reread("policy", path, threshold) is Reason.OUT_OF_BOUNDS
    assert isinstance(reread("policy", path, 0.0), RoutePolicy)


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


@pytest.mark.parametrize("version", [0, -1])
def test_versions_of_policies_and_roots_count_from_one(version: int):
    assert reread("policy", ("version",), version) is Reason.OUT_OF_BOUNDS
    assert reread("root", ("version",), version) is Reason.OUT_OF_BOUNDS


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


def test_evidence_is_complete_only_if_all_three_parts_were_passed():
    whole = RECORDS["evidence"]
    assert whole.complete
    for part in ("capability_boundaries", "safety", "governance_compliance"):
        assert not replace(whole, **{part: False}).complete


@pytest.mark.parametrize(
    ("trigger", "threshold", "objective"),
    [
        (WatchedTrigger.UNAVAILABLE, 0.0, "unavailable"),
        (WatchedTrigger.ERRORS, 0.2, "errors>0.2"),
        (WatchedTrigger.THROTTLED, 0.05, "throttled>0.05"),
        (WatchedTrigger.LATENCY, 2.0, "latency>2s"),
    ],
)
def test_an_objective_names_what_is_judged_and_not_how_long_it_must_last(
    trigger: WatchedTrigger, threshold: float, objective: str
):
    for duration in (0, 7):
        assert TriggerRule(trigger, threshold, Micros(duration)).objective == objective


def test_a_policy_says_which_models_it_uses_on_which_routes():
    policy = DEPLOYMENT.policy_of(
        "support", DEPLOYMENT.rule(["atlas", "birch"]), DEPLOYMENT.rule(["atlas"], slot="draft", scope="eu")
    )
    assert [route.key for route in policy.route_ids()] == ["support/main/*", "support/draft/eu"]
    assert [(route.key, name) for route, name in policy.uses()] == [
        ("support/main/*", "atlas"),
        ("support/main/*", "birch"),
        ("support/draft/eu", "atlas"),
    ]
    assert policy.models() == {"atlas", "birch"}
    assert policy.rule("draft", "eu") is policy.routes[1]
    assert policy.rule("draft", "*") is None
    assert (RULE.index("birch"), RULE.index(model("cedar").name)) == (1, None)


def test_a_command_says_in_words_what_it_orders():
    command = RECORDS["command"]
    assert command.describe() == "disable atlas for support during 1d"
    assert replace(command, agent="*").describe() == "disable atlas for every agent during 1d"
