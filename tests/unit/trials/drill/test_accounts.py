"""The comparison of the log with the outer edge: it agrees with what is true, and finds each thing that is not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from interlock.records.change import Cause, Check, RoutingChange, Trigger
from interlock.router.core.arms import in_canary
from interlock.testing.builders import NOW
from interlock.trials.drill.accounts import Account, record_faults, request_faults
from interlock.trials.steady_client import CHANGE_HEADER, STATE_HEADER, Fate, Reply
from interlock.vocabulary.time import SECOND, Micros

PASSED = Check("atlas", "evidence", True, "")
FAILED = Check("atlas", "verdict unavailable", False, "")


def at(seconds: float) -> Micros:
    return Micros(NOW + round(seconds * SECOND))


def change(version: int, source: str | None, target: str | None, when: float, **more: Any) -> RoutingChange:
    """A change of one route, as it should be."""
    entered = (Check(target or "", "evidence", True, ""),) if target else (FAILED,)
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
        verification=entered,
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


def reply(name: str, when: float, state: str, order: str, model: str = "", status: int = 200) -> Reply:
    told = {STATE_HEADER: state, CHANGE_HEADER: order}
    return Reply(at(when + 0.1), Fate.OK, status, model, "", at(when), key="c-1", id=name, told=told)


PLACED, MOVED, STOPPED = (
    change(1, None, "atlas", 0),
    change(2, "atlas", "birch", 10),
    change(3, "birch", None, 20),
)
TRUE = Account(
    changes=[PLACED, MOVED, STOPPED],
    obeyed={"order@1": at(0.1), "order@2": at(10.1), "order@3": at(20.1)},
    replies=[
        reply("a", 5, "normal", "order@1", "atlas"),
        reply("b", 10.05, "normal", "order@1", "atlas"),
        reply("c", 15, "normal", "order@2", "birch"),
        reply("d", 25, "suspend", "order@3", status=403),
    ],
    asked={"a": ["server-atlas"], "b": ["server-atlas"], "c": ["server-birch"]},
    servers={"atlas": "server-atlas", "birch": "server-birch"},
)


def with_reply(name: str, changed: Reply) -> Account:
    return replace(TRUE, replies=[changed if each.id == name else each for each in TRUE.replies])


def test_a_true_account_has_no_faults() -> None:
    assert list(request_faults(TRUE)) == []
    assert list(record_faults(TRUE.changes)) == []


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (replace(TRUE, asked={**TRUE.asked, "c": ["server-atlas"]}), "the server of server-atlas saw the request"),
        (replace(TRUE, asked={**TRUE.asked, "c": []}), "whose server never saw the request"),
        (replace(TRUE, asked={**TRUE.asked, "c": ["server-birch"] * 2}), "more than once"),
        (replace(TRUE, asked={**TRUE.asked, "d": ["server-birch"]}), "answered as suspend, and the server of"),
        (with_reply("c", reply("c", 15, "normal", "order@2", "atlas")), "orders birch, and atlas answered"),
        (with_reply("c", reply("c", 15, "normal", "order@9", "birch")), "not in the audit log"),
        (with_reply("c", reply("c", 15, "suspend", "order@2", status=403)), "was answered as suspend"),
        (with_reply("d", reply("d", 25, "human_queue", "order@3", status=202)), "was answered as human_queue"),
        (with_reply("c", reply("c", 15, "normal", "order@1", "atlas")), "after the gateway had acknowledged order@2"),
        (with_reply("a", reply("a", -5, "normal", "order@1", "atlas")), "before that was issued"),
        (with_reply("a", reply("a", 5, "normal", "", "atlas")), "Nothing orders None, and atlas answered"),
    ],
)
def test_each_difference_between_the_log_and_the_outer_edge_is_found(account: Account, said: str) -> None:
    faults = list(request_faults(account))

    assert any(said in fault for fault in faults), faults


def _stopped_early(changes: Sequence[RoutingChange], **more: Any) -> Account:
    """The agent was stopped at 15 s, when the log ordered birch."""
    account = with_reply("c", reply("c", 15, "suspend", "order@2", status=403))
    return replace(account, changes=changes, asked={"a": ["server-atlas"], "b": ["server-atlas"]}, **more)


@pytest.mark.parametrize(
    "account",
    [
        _stopped_early(TRUE.changes, alone_since=at(14)),
        _stopped_early([PLACED, MOVED, replace(STOPPED, policy_digest=b"another")]),
        _stopped_early([PLACED, MOVED, replace(STOPPED, cause=Cause(Trigger.DENIED, "birch", "denied"))]),
    ],
    ids=["its lease is over, as it told", "a newer policy is held", "a denial is held"],
)
def test_a_router_may_stop_by_itself_where_it_must(account: Account) -> None:
    assert list(request_faults(account)) == []


def test_in_a_canary_each_conversation_is_answered_by_the_model_that_the_rule_says() -> None:
    tried = change(2, "atlas", "birch", 10, weight=50, canary="order@2")
    chosen, other = ("birch", "atlas") if in_canary("order@2", tried.route, "c-1", 50) else ("atlas", "birch")
    right = replace(
        with_reply("c", reply("c", 15, "normal", "order@2", chosen)),
        changes=[PLACED, tried, STOPPED],
        asked={**TRUE.asked, "c": [f"server-{chosen}"]},
    )
    wrong = replace(
        with_reply("c", reply("c", 15, "normal", "order@2", other)),
        changes=[PLACED, tried, STOPPED],
        asked={**TRUE.asked, "c": [f"server-{other}"]},
    )

    assert list(request_faults(right)) == []
    assert any(f"{other} answered" in fault for fault in request_faults(wrong))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(MOVED, cause=Cause(Trigger.OTHER, None, "")), "gives no reason"),
        (replace(MOVED, cause=Cause(Trigger.UNAVAILABLE, None, "")), "gives no reason"),
        (replace(MOVED, verification=()), "without any verification"),
        (replace(MOVED, verification=(PASSED,)), "without any verification"),
        (replace(MOVED, verification=(Check("birch", "evidence", False, ""),)), "which fails: evidence"),
        (replace(MOVED, source="cedar"), "as its source"),
        (replace(MOVED, issued_at=Micros(0)), "no timestamp"),
        (replace(MOVED, target=None), "has no target"),
    ],
)
def test_a_change_that_does_not_say_all_that_it_must_is_found(wrong: RoutingChange, said: str) -> None:
    faults = list(record_faults([PLACED, wrong]))

    assert any(said in fault for fault in faults), faults


def test_a_stop_says_that_no_model_could_be_entered_unless_it_was_ordered() -> None:
    silent = replace(STOPPED, verification=())
    ordered = replace(silent, cause=Cause(Trigger.SUSPENDED, None, "suspended: a drill"))

    assert any("no model could be entered" in fault for fault in record_faults([PLACED, MOVED, silent]))
    assert list(record_faults([PLACED, MOVED, ordered])) == []
