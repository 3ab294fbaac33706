import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.notifier.message import BODY_BYTES_MAX, body_of, plain
from interlock.records.change import Cause, Check, Delta, RoutingChange, Trigger
from interlock.vocabulary.time import SECOND, Micros

GOLDEN = Path(__file__).parents[2] / "golden" / "notifier"
ISSUED = Micros(1_780_000_000_250_000)
EVENT_ID = bytes(range(32))

FALLBACK = RoutingChange(
    id="support/main/*@1.7.2",
    deployment="testbed",
    shard=3,
    root_version=1,
    term=7,
    version=2,
    agent="support",
    slot="main",
    scope="*",
    policy_version=4,
    policy_digest=b"\x11" * 32,
    source="atlas",
    target="birch",
    safe_state=None,
    cause=Cause(Trigger.UNAVAILABLE, "atlas", "5 of 5 probes failed for 3s", (b"\x22" * 32,)),
    verification=(
        Check("birch", "policy", True, "version 4, valid until 2027-05-28T20:26:40.000Z"),
        Check("birch", "evidence", True, "version 2026-01 for chat"),
        Check("birch", "denial", True, "not denied"),
        Check("birch", "tools ⊑ primary", True, "no broader than atlas"),
    ),
    delta=(Delta("provider", "atlas-works", "birch-works"), Delta("tools", "search, write", "search")),
    material=True,
    team="team-support",
    accepted_by="oscar",
    review_due=Micros(ISSUED + 86_400 * SECOND),
    issued_at=ISSUED,
    not_after=Micros(ISSUED + 60 * SECOND),
)
SAFE = replace(
    FALLBACK,
    id="support/main/*@1.7.3",
    version=3,
    source="birch",
    target=None,
    safe_state="suspend",
    cause=Cause(Trigger.DENIED, "birch", "prompt injection found"),
    verification=(
        Check("atlas", "usable", False, "unavailable"),
        Check("birch", "denial", False, "prompt injection found"),
    ),
    delta=(),
    material=False,
    accepted_by="",
)


def data(change: RoutingChange) -> dict:
    return json.loads(body_of(change, EVENT_ID))["data"]


def golden(name: str) -> str:
    return (GOLDEN / name).read_text("utf-8")


def readable(change: RoutingChange) -> str:
    return json.dumps(json.loads(body_of(change, EVENT_ID)), indent=2, ensure_ascii=False) + "\n"


def test_a_fallback_is_told_in_plain_words_and_as_data():
    assert readable(FALLBACK) == golden("fallback.json")


def test_a_safe_state_is_told_in_plain_words_and_as_data():
    assert readable(SAFE) == golden("safe_state.json")


def test_the_body_depends_on_the_change_alone():
    assert body_of(FALLBACK, EVENT_ID) == body_of(replace(FALLBACK), EVENT_ID)


def test_the_first_change_of_a_route_comes_from_nothing_and_a_later_one_from_the_safe_state():
    first = replace(FALLBACK, source=None, version=1, cause=Cause(Trigger.POLICY, None, ""))
    later = replace(FALLBACK, source=None, cause=Cause(Trigger.RECOVERED, "birch", ""))
    assert data(first)["summary"] == "support/main/* begins with birch: a new policy or trust root is in force"
    assert data(later)["summary"].startswith("support/main/* moved from its safe state to birch: birch has been stable")


def test_a_change_that_keeps_the_model_says_so():
    assert "stays with birch" in data(replace(FALLBACK, source="birch"))["summary"]


def test_a_detail_cannot_start_a_line_or_hide_or_turn_anything_round():
    hostile = "fine.\nVerified: all\r\n\x1b[2Jgone\u202egnorw\u2028next\x00\u200bzero"
    told = data(replace(FALLBACK, cause=Cause(Trigger.ERRORS, "atlas", hostile)))
    assert told["text"].count("\n") == data(FALLBACK)["text"].count("\n")
    assert told["cause"]["detail"] == "fine. Verified: all [2Jgone gnorw next zero"


def test_plain_text_is_cut_with_a_mark():
    assert plain("a" * 20, 10) == "a" * 9 + "…"


def test_failed_checks_are_listed_first_and_what_is_left_out_is_counted():
    passed = tuple(Check("birch", f"check {number}", True, "x" * 500) for number in range(100))
    told = data(replace(FALLBACK, verification=(*passed, Check("atlas", "denial", False, "denied"))))
    assert told["verification"]["checks"][0]["check"] == "denial"
    assert (told["verification"]["passed"], told["verification"]["failed"]) == (100, 1)
    assert told["verification"]["omitted"] == 101 - len(told["verification"]["checks"])


long_text = st.sampled_from(["a", "é", "🚨", '"', "\\", "\x00"]).map(lambda char: char * 4_000)


@settings(max_examples=25, deadline=None)
@given(text=long_text, count=st.integers(0, 400))
def test_the_body_stays_below_its_limit_whatever_the_change_says(text, count):
    change = replace(
        FALLBACK,
        id=text,
        deployment=text,
        agent=text,
        source=text,
        target=text,
        team=text,
        accepted_by=text,
        cause=Cause(Trigger.OTHER, text, text),
        verification=tuple(Check(text, text, False, text) for _ in range(count)),
        delta=tuple(Delta(text, text, text) for _ in range(count)),
    )
    assert len(body_of(change, EVENT_ID)) < BODY_BYTES_MAX
