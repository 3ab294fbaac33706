from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from interlock.records.change import Trigger
from interlock.trials.demo.cast import OPERATOR, OWNER, SLOW, SUPPORT, TRIED
from interlock.trials.demo.evidence import Answered, Evidence
from interlock.trials.demo.handover import approval_faults, canary_faults

Change = Callable[[Evidence], Evidence]


def tried(**changes: Any) -> Change:
    def spoil(right: Evidence) -> Evidence:
        assert right.tried is not None
        return replace(right, tried=replace(right.tried, **changes))

    return spoil


def waited(**changes: Any) -> Change:
    def spoil(right: Evidence) -> Evidence:
        assert right.waited is not None
        return replace(right, waited=replace(right.waited, **changes))

    return spoil


def status(**changes: Any) -> Change:
    def spoil(right: Evidence) -> Evidence:
        assert right.waited is not None
        return waited(status={**right.waited.status, **changes})(right)

    return spoil


def hold(**changes: Any) -> Change:
    def spoil(right: Evidence) -> Evidence:
        assert right.waited is not None
        return status(hold={**right.waited.status["hold"], **changes})(right)

    return spoil


def without(trigger: Trigger) -> Change:
    return lambda right: replace(right, changes=[each for each in right.changes if each.cause.trigger is not trigger])


def in_the_other_arm(right: Evidence) -> Evidence:
    """One conversation of the canary's was answered by the primary, once."""
    replies = list(right.replies[SUPPORT])
    place = next(place for place, reply in enumerate(replies) if reply.model == TRIED)
    replies[place] = replace(replies[place], model=SLOW)
    return replace(right, replies={**right.replies, SUPPORT: tuple(replies)})


CANARY: Mapping[str, tuple[Change, str]] = {
    "none watched": (lambda right: replace(right, tried=None), "No canary"),
    "none ordered": (without(Trigger.LATENCY), "No canary"),
    "no share": (tried(counted={SLOW: 20, TRIED: 0}), "the smaller part"),
    "the larger share": (tried(counted={SLOW: 8, TRIED: 20}), "the smaller part"),
    "too early": (tried(before=1), "counted 1 requests before"),
    "the wrong arm": (in_the_other_arm, "should have been answered by"),
    "no conversation": (lambda right: replace(right, replies={}), "No conversation"),
    "not rolled back": (without(Trigger.CANARY_FAILED), "was not rolled back"),
}
APPROVAL: Mapping[str, tuple[Change, str]] = {
    "nothing waited": (lambda right: replace(right, waited=None), "did not wait"),
    "another waits": (hold(model=TRIED), "did not say that"),
    "ordered there": (hold(kind="ordered"), "did not say that"),
    "nothing material": (hold(material=[]), "did not say that"),
    "no hold": (status(hold=None), "did not say that"),
    "another safe state": (status(safe_state="suspend"), "waited in suspend"),
    "not kept away": (status(kept_away=[]), "is kept away"),
    "anybody may": (waited(unauthorised=Answered((OPERATOR,), True, "")), "should have been refused"),
    "refused otherwise": (waited(unauthorised=Answered((OPERATOR,), False, "expired")), "should have been refused"),
    "no answer": (waited(unauthorised=None), "should have been refused"),
    "not accepted": (waited(approved=Answered((OWNER,), False, "expired")), "should have been accepted"),
    "signed by another": (waited(approved=Answered((OPERATOR,), True, "")), "should have been accepted"),
    "too early": (waited(before=2), "counted 2 requests before it was approved"),
    "never approved": (without(Trigger.APPROVED), "No change says"),
    "a ticket without a request": (lambda right: replace(right, kept={}), "ticket-1 is not kept"),
    "another request": (lambda right: replace(right, kept={"ticket-1": b"other"}), "ticket-1 is not kept"),
}


def test_evidence_that_is_as_it_should_be_has_no_fault(right: Evidence) -> None:
    assert [*canary_faults(right), *approval_faults(right)] == []


@pytest.mark.parametrize("name", CANARY)
def test_whatever_is_wrong_with_the_canary_is_said(name: str, right: Evidence) -> None:
    spoil, said = CANARY[name]
    found = list(canary_faults(spoil(right)))
    assert any(said in fault for fault in found), found


@pytest.mark.parametrize("name", APPROVAL)
def test_whatever_is_wrong_with_the_approval_is_said(name: str, right: Evidence) -> None:
    spoil, said = APPROVAL[name]
    found = list(approval_faults(spoil(right)))
    assert any(said in fault for fault in found), found
