"""What a fault cost: nothing in a true account, and each thing that is unapproved, lost or repeated is found."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from interlock.records.change import Cause, RoutingChange, Trigger
from interlock.testing.builders import NOW
from interlock.trials.survive.measured import Governed, Request, gone, repeated, unapproved, unheard_of
from interlock.vocabulary.time import SECOND, Micros, seconds

FIRST, SECOND_GATEWAY = "gateway", "gateway-2"
SILENCE_MAX = seconds(18)


def at(after_s: float) -> Micros:
    return Micros(NOW + round(after_s * SECOND))


def change(version: int, source: str | None, target: str | None, when: float, **more: Any) -> RoutingChange:
    """A change of one route, as it should be."""
    made = RoutingChange(
        id=f"order@{version}",
        deployment="drill",
        shard=0,
        root_version=1,
        term=1,
        version=version,
        agent="order",
        slot="main",
        scope="*",
        policy_version=1,
        policy_digest=b"p",
        source=source,
        target=target,
        safe_state=None if target else "suspend",
        weight=100,
        canary="",
        proposal="",
        proposed=None,
        proposal_until=Micros(0),
        cause=Cause(Trigger.UNAVAILABLE, "atlas", "it failed"),
        verification=(),
        delta=(),
        material_in=(),
        team="team",
        accepted_by="oscar",
        review_due=at(1000),
        expected_us=Micros(0),
        expected_from=0,
        expected_like="",
        issued_at=at(when),
        not_after=at(1000),
    )
    return replace(made, **more)


PLACED, MOVED, STOPPED = change(1, None, "atlas", 0), change(2, "atlas", "birch", 10), change(3, "birch", None, 30)
GOVERNED = Governed(
    changes=(PLACED, MOVED, STOPPED),
    obeyed={
        FIRST: {"order@1": at(0.1), "order@2": at(10.1), "order@3": at(30.1)},
        SECOND_GATEWAY: {"order@1": at(0.1), "order@2": at(20), "order@3": at(30.1)},
    },
    beats=[at(second) for second in range(40)],
    silence_max=SILENCE_MAX,
)


def told(
    *requests: tuple[str, float], gateway: str = FIRST, governed: Governed = GOVERNED, takes_s: float = 0.05
) -> list[str]:
    """What is said of requests of which a model's server saw each so long after it was asked."""
    asked = [
        Request(f"order-{number}", gateway, model, at(when - takes_s), at(when))
        for number, (model, when) in enumerate(requests)
    ]
    return list(unapproved(asked, governed))


def test_a_model_that_was_ordered_may_answer_and_the_one_before_until_the_gateway_had_obeyed() -> None:
    assert told(("atlas", 5), ("atlas", 10.05), ("birch", 10.05), ("birch", 25)) == []
    assert told(("atlas", 19), ("birch", 19), gateway=SECOND_GATEWAY) == []


def test_a_request_that_was_asked_before_a_change_was_obeyed_may_still_arrive() -> None:
    assert told(("atlas", 12), takes_s=2) == []
    assert len(told(("atlas", 12), takes_s=1.8)) == 1


@pytest.mark.parametrize(
    ("model", "when", "ordered"),
    [
        ("comet", 5, "atlas"),
        ("birch", 5, "atlas"),
        ("atlas", 15, "birch"),
        ("birch", 35, "no model"),
        ("atlas", -1, "no model"),
    ],
    ids=["never ordered", "not yet ordered", "ordered no longer", "stopped", "before any order"],
)
def test_a_model_that_was_not_ordered_may_not_answer(model: str, when: float, ordered: str) -> None:
    (line,) = told((model, when))
    assert line.startswith(f"{model} saw order-0 through {FIRST}")
    assert line.endswith(f"; {ordered} was ordered.")


def test_both_arms_of_a_canary_may_answer() -> None:
    canary = change(2, "atlas", "birch", 10, weight=25, canary="c-1")
    governed = replace(GOVERNED, changes=(PLACED, canary), obeyed={FIRST: {"order@2": at(10.1)}})
    assert told(("atlas", 20), ("birch", 20), governed=governed) == []


def test_nobody_answers_whose_shard_has_been_silent_for_longer_than_lease_and_grace() -> None:
    silent = replace(GOVERNED, changes=(PLACED,), beats=[at(0), at(1)])
    last_s = 1 + SILENCE_MAX / SECOND
    assert told(("atlas", last_s), governed=silent) == []
    assert told(("atlas", last_s + 1), governed=silent, takes_s=1) == []
    (line,) = told(("atlas", last_s + 0.1), governed=silent)
    assert line.endswith("after lease and grace had ended.")
    assert len(told(("atlas", 0.5), governed=replace(silent, beats=[]))) == 1


def hashes(*values: bytes | None) -> dict[int, bytes]:
    return {offset: value for offset, value in enumerate(values) if value is not None}


def test_a_log_that_holds_what_was_read_and_more_has_lost_nothing() -> None:
    assert list(gone({0: hashes(b"a", b"b")}, {0: hashes(b"a", b"b", b"c"), 1: hashes(b"d")})) == []


@pytest.mark.parametrize(
    ("stands", "said"),
    [
        ({0: hashes(b"a", b"b")}, ["0@2 was read, and nothing stands there now."]),
        ({0: hashes(b"a", b"x", b"c")}, ["0@1 was read, and another stands there now."]),
        (
            {0: hashes(b"a", None, b"c")},
            ["0@1 was read, and nothing stands there now.", "0@1 is missing, though later ones are there."],
        ),
        ({0: hashes(b"a", b"b", b"c", None, b"e")}, ["0@3 is missing, though later ones are there."]),
        ({}, [f"0@{offset} was read, and nothing stands there now." for offset in range(3)]),
    ],
    ids=["cut off", "written over", "a hole", "a hole that nobody had read", "all"],
)
def test_what_is_gone_from_the_log_is_found(stands: dict[int, dict[int, bytes]], said: list[str]) -> None:
    assert list(gone({0: hashes(b"a", b"b", b"c")}, stands)) == said


def test_a_change_that_somebody_obeyed_and_the_log_does_not_hold_is_lost() -> None:
    assert list(unheard_of({"order@1": "gateway-1", "order@2": "governance"}, (PLACED, MOVED))) == []
    assert list(unheard_of({"order@2": "gateway-1"}, (PLACED,))) == [
        "order@2, which gateway-1 knows of, is not in the audit log."
    ]


def test_there_and_back_and_there_again_is_no_repetition() -> None:
    back = change(3, "birch", "atlas", 20)
    again = change(4, "atlas", "birch", 30)
    assert list(repeated((PLACED, MOVED, back, again), {"order@2": {"key"}})) == []


def test_a_further_step_of_a_canary_and_a_move_under_a_new_policy_are_no_repetitions() -> None:
    steps = [change(n, "atlas", "birch", n, weight=weight, canary="c-1") for n, weight in ((2, 1), (3, 5))]
    renewed = replace(steps[-1], id="order@4", version=4, policy_digest=b"q")
    assert list(repeated((PLACED, *steps, renewed), {})) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([MOVED], ["order@2 is in the audit log 2 times.", "2 changes of order/main/* have the order"]),
        ([replace(STOPPED, version=2)], ["2 changes of order/main/* have the order"]),
        ([change(3, "atlas", "birch", 11)], ["order@3 makes the move of order@2 again: atlas to birch."]),
        ([change(3, "atlas", "birch", 11, term=9)], ["order@3 makes the move of order@2 again: atlas to birch."]),
    ],
    ids=["one change twice", "one order twice", "one move twice", "one move by two owners"],
)
def test_what_was_made_twice_is_found(more: Sequence[RoutingChange], said: list[str]) -> None:
    lines = list(repeated((PLACED, MOVED, *more), {}))
    assert all(any(line.startswith(part) for line in lines) for part in said)


def test_a_notice_under_two_keys_is_found() -> None:
    assert list(repeated((PLACED,), {"order@1": {"a", "b"}})) == ["Governance was told of order@1 under 2 keys."]
