import json
import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.notifier.message import BODY_BYTES_MAX, body_of
from interlock.records.change import Cause, Check, Delta, RoutingChange, Trigger
from interlock.records.rules import SafeState
from interlock.testing.builders import Deployment
from interlock.testing.strategies import anything
from interlock.vocabulary.time import SECOND, Micros

GOLDEN = Path(__file__).parents[2] / "golden" / "notifier"
ISSUED = Micros(1_780_000_000_250_000)
EVENT_ID = bytes(range(32))

FALLBACK = Deployment().change(
    term=7,
    version=2,
    shard=3,
    policy_version=4,
    policy_digest=b"\x11" * 32,
    cause=Cause(Trigger.UNAVAILABLE, "atlas", "atlas is unavailable: 5 of 5 probes failed for 3s", (b"\x22" * 32,)),
    verification=(
        Check("birch", "evidence", True, "version 2026-01 for chat: https://reports.test/birch by vera"),
        Check("birch", "denial", True, "not denied"),
        Check("birch", "tools ⊑ primary", True, "within atlas"),
    ),
    delta=(Delta("provider", "atlas-works", "birch-works"), Delta("tools", "search, write", "search")),
    material_in=("tools",),
    expected_us=Micros(754 * SECOND),
    expected_from=3,
    expected_like="unavailable of atlas",
    issued_at=ISSUED,
)
SAFE = replace(
    FALLBACK,
    id="support/main/*@1.7.3",
    version=3,
    source="birch",
    target=None,
    safe_state="suspend",
    cause=Cause(Trigger.DENIED, "birch", "birch was denied by safety: prompt injection found"),
    verification=(
        Check("atlas", "usable", False, "unavailable"),
        Check("birch", "denial", False, "prompt injection found"),
    ),
    delta=(),
    material_in=(),
    accepted_by="",
    expected_us=Micros(0),
    expected_from=0,
    expected_like="denied of birch",
)
CANARY = replace(
    FALLBACK,
    source="birch",
    target="atlas",
    weight=5,
    canary="89abcdef01234567",
    cause=Cause(Trigger.CANARY, "atlas", "atlas: 1 % passed with 412 calls"),
    delta=(Delta("provider", "birch-works", "atlas-works"),),
    material_in=(),
)
ROLLED_BACK = replace(
    CANARY,
    source="atlas",
    target="birch",
    weight=100,
    canary="",
    cause=Cause(Trigger.CANARY_FAILED, "atlas", "the canary of atlas is rolled back: 9 % errors against 1 %"),
)
WAITING = replace(
    FALLBACK,
    target=None,
    safe_state="human_queue",
    proposal="support/main/*@1.7.2",
    proposed="birch",
    proposal_until=Micros(ISSUED + 900 * SECOND),
    cause=Cause(
        Trigger.UNAVAILABLE,
        "atlas",
        "atlas is unavailable: 5 of 5 probes failed; birch waits for approval for 15m: declared not equivalent, tools",
    ),
    material_in=("declared not equivalent", "tools"),
    accepted_by="",
)
GOLDENS = {
    "fallback": FALLBACK,
    "safe_state": SAFE,
    "canary": CANARY,
    "rolled_back": ROLLED_BACK,
    "waiting_for_approval": WAITING,
}


def data(change: RoutingChange) -> dict:
    return json.loads(body_of(change, EVENT_ID))["data"]


@pytest.mark.parametrize("name", GOLDENS)
def test_a_change_is_told_in_plain_words_and_as_data(name: str):
    told = json.dumps(json.loads(body_of(GOLDENS[name], EVENT_ID)), indent=2, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("INTERLOCK_WRITE_GOLDEN"):
        path.write_text(told, "utf-8")
    assert told == path.read_text("utf-8")


def test_the_body_depends_on_the_change_alone():
    assert body_of(FALLBACK, EVENT_ID) == body_of(replace(FALLBACK), EVENT_ID)


def test_the_first_change_of_a_route_comes_from_nothing_and_a_later_one_from_the_safe_state():
    first = replace(FALLBACK, source=None, version=1, cause=Cause(Trigger.POLICY, None, ""))
    later = replace(FALLBACK, source=None, cause=Cause(Trigger.RECOVERED, "birch", ""))
    assert data(first)["summary"] == "support/main/* begins with birch: a new policy or trust root is in force"
    assert data(later)["summary"].startswith("support/main/* moved from its safe state to birch: birch has been stable")


def test_a_route_begins_in_its_safe_state_or_stays_there():
    first = replace(SAFE, source=None, version=1, cause=Cause(Trigger.POLICY, None, ""))
    assert data(first)["summary"].startswith("support/main/* begins in its SAFE STATE (suspend: ")
    assert data(replace(SAFE, source=None))["summary"].startswith("support/main/* stays in its SAFE STATE (suspend: ")


def test_a_change_that_keeps_the_model_says_so():
    assert "stays with birch" in data(replace(FALLBACK, source="birch"))["summary"]


@pytest.mark.parametrize("trigger", Trigger)
def test_every_trigger_has_words_for_its_reason(trigger: Trigger):
    told = data(replace(FALLBACK, cause=Cause(trigger, "cedar", "")))
    reason = told["summary"].partition(": ")[2]
    assert reason
    assert "{" not in reason
    assert f"\nWhy: {reason}." in told["text"]


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        (SafeState.SUSPEND, "requests are refused"),
        (SafeState.HUMAN_QUEUE, "requests wait for a person"),
        (SafeState.READ_ONLY, "cedar answers without its tools"),
        (SafeState.CACHED_RESPONSE, "answers come from its cache alone"),
        (SafeState.TEMPLATED_REPLY, "the text that governance signed is the answer"),
        (SafeState.SAFE_SHUTDOWN, "what has begun is ended, nothing else begins"),
    ],
)
def test_every_safe_state_says_what_it_means_to_who_depends_on_the_agent(state: SafeState, meaning: str):
    target = "cedar" if state is SafeState.READ_ONLY else None
    told = data(replace(SAFE, safe_state=str(state), target=target))["summary"]
    assert told.startswith(f"support/main/* is in its SAFE STATE ({state}: {meaning}), after birch: ")


def test_every_safe_state_there_is_was_told():
    parametrized = test_every_safe_state_says_what_it_means_to_who_depends_on_the_agent.pytestmark[0].args[1]
    assert {state for state, _ in parametrized} == set(SafeState)


def test_a_safe_state_that_this_notifier_does_not_know_is_told_all_the_same():
    assert "is in its SAFE STATE (quarantine), after birch" in data(replace(SAFE, safe_state="quarantine"))["summary"]


def test_a_canary_tells_who_serves_how_much():
    told = data(CANARY)
    assert "tries atlas with 5 % of its requests, birch serves the others" in told["summary"]
    assert (told["weight"], told["canary"]) == (5, "89abcdef01234567")
    assert data(FALLBACK)["canary"] is None


@pytest.mark.parametrize("trigger", [Trigger.CANARY_FAILED, Trigger.CANARY_INCONCLUSIVE])
def test_a_canary_that_is_rolled_back_is_told_as_that(trigger: Trigger):
    told = data(replace(ROLLED_BACK, cause=Cause(trigger, "atlas", "")))["summary"]
    assert "is served by birch alone again, the canary of atlas is rolled back" in told
    passed = replace(ROLLED_BACK, source="birch", target="atlas", cause=Cause(Trigger.CANARY_PASSED, "atlas", ""))
    assert "moved from birch to atlas: the canary of atlas passed" in data(passed)["summary"]


def test_who_must_approve_is_told_what_until_when_and_how():
    told = data(WAITING)
    assert told["proposal"] == {
        "id": "support/main/*@1.7.2",
        "model": "birch",
        "until": "2026-05-28T20:41:40.250Z",
        "approve": "interlock approve 'support/main/*' 'support/main/*@1.7.2'",
    }
    assert (
        "\nAsked: approve birch until 2026-05-28T20:41:40.250Z, or reject it: "
        "interlock approve 'support/main/*' 'support/main/*@1.7.2'\n" in told["text"]
    )
    assert told["summary"].startswith(
        "support/main/* is in its SAFE STATE (human_queue: requests wait for a person), after atlas, "
        "and waits for approval of birch: "
    )
    assert data(SAFE)["proposal"] is None
    assert "Asked:" not in data(SAFE)["text"]


def test_a_proposal_cannot_smuggle_a_command_into_the_shell_of_who_approves():
    hostile = "x'; rm -rf ~ #\n$(reboot)"
    command = data(replace(WAITING, proposal=hostile))["proposal"]["approve"]
    assert shlex.split(command) == ["interlock", "approve", "support/main/*", "x'; rm -rf ~ # $(reboot)"]


def test_what_is_material_is_named():
    assert data(WAITING)["material_in"] == ["declared not equivalent", "tools"]
    assert "Material: declared not equivalent, tools." in data(WAITING)["text"]
    assert (data(SAFE)["material"], data(SAFE)["material_in"]) == (False, [])
    assert "Not material." in data(SAFE)["text"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.3, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (89, "2 min"),
        (754, "13 min"),
        (3_600, "1 h"),
        (5_300, "1 h 29 min"),
        (86_399, "24 h"),
        (126_001, "1 d 12 h"),
        (259_200, "3 d"),
    ],
)
def test_how_long_it_may_last_is_told_as_people_say_it_and_never_as_less_than_it_is(seconds: float, told: str):
    change = replace(FALLBACK, expected_us=Micros(round(seconds * SECOND)))
    basis = "the median of 3 incidents like it (unavailable of atlas)"
    assert f"\nExpected: the incident lasts about {told} in all, {basis}.\n" in data(change)["text"]
    assert data(change)["expected_s"] == seconds


@pytest.mark.parametrize(
    ("expected_us", "count", "like", "told"),
    [
        (
            5_000_000,
            1,
            "errors of atlas",
            "the incident lasts about 5 s in all, as long as the one incident like it (errors of atlas)",
        ),
        (0, 0, "errors of atlas", "not known; no incident like this one (errors of atlas) is on record"),
        (0, 1, "errors", "not known; this incident has outlasted the one incident like it (errors)"),
        (0, 4, "errors", "not known; this incident has outlasted all 4 incidents like it (errors)"),
        (0, 0, "", "to last; no incident is in progress"),
    ],
)
def test_what_an_expectation_rests_on_is_told_or_plainly_that_there_is_none(expected_us, count, like, told):
    change = replace(FALLBACK, expected_us=Micros(expected_us), expected_from=count, expected_like=like)
    assert f"\nExpected: {told}.\n" in data(change)["text"]
    assert data(change)["expected_s"] == (expected_us / SECOND or None)
    assert (data(change)["expected_from"], data(change)["expected_like"]) == (count, like or None)


def test_a_detail_cannot_start_a_line_or_hide_or_turn_anything_round():
    hostile = "fine.\nVerified: all\r\n\x1b[2Jgone\u202egnorw\u2028next\x00\u200bzero"
    told = data(replace(FALLBACK, cause=Cause(Trigger.ERRORS, "atlas", hostile)))
    assert told["text"].count("\n") == data(FALLBACK)["text"].count("\n")
    assert told["cause"]["detail"] == "fine. Verified: all [2Jgone gnorw next zero"


def test_failed_checks_are_listed_first_and_what_is_left_out_is_counted():
    passed = tuple(Check("birch", f"check {number}", True, "x" * 500) for number in range(100))
    told = data(replace(FALLBACK, verification=(*passed, Check("atlas", "denial", False, "denied"))))
    assert told["verification"]["checks"][0]["check"] == "denial"
    assert (told["verification"]["passed"], told["verification"]["failed"]) == (100, 1)
    assert told["verification"]["omitted"] == 101 - len(told["verification"]["checks"])


long_text = st.sampled_from(["a", "é", "🚨", '"', "\\", "\x00"]).map(lambda char: char * 4_000)


@settings(max_examples=12, deadline=None)
@given(text=long_text, count=st.sampled_from([0, 7, 400]))
def test_the_body_stays_below_its_limit_whatever_the_change_says(text, count):
    change = replace(
        FALLBACK,
        id=text,
        deployment=text,
        agent=text,
        source=text,
        target=None,
        safe_state=text,
        canary=text,
        proposal=text,
        proposed=text,
        material_in=(text,) * count,
        team=text,
        accepted_by=text,
        expected_like=text,
        cause=Cause(Trigger.OTHER, text, text),
        verification=tuple(Check(text, text, False, text) for _ in range(count)),
        delta=tuple(Delta(text, text, text) for _ in range(count)),
    )
    assert len(body_of(change, EVENT_ID)) < BODY_BYTES_MAX


@settings(max_examples=60, deadline=None)
@given(anything(RoutingChange))
def test_whatever_a_change_says_it_can_be_told(change: RoutingChange):
    told = data(change)
    assert told["text"].count("\n") in {6, 7}
    assert (told["proposal"] is None) == (change.proposed is None)
