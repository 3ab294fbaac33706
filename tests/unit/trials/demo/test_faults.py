from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from interlock.trials.demo.cast import AGENT, OTHER_AGENT, PRIMARY, SUPPORT, TEMPTER
from interlock.trials.demo.evidence import Evidence
from interlock.trials.demo.faults import faults
from interlock.trials.steady_client import Fate, Reply
from interlock.vocabulary.time import Micros

Change = Callable[[Evidence], Evidence]


def test_evidence_that_is_as_it_should_be_has_no_fault(right: Evidence) -> None:
    assert faults(right) == []


def with_replies(agent: str, change: Callable[[list[Reply]], list[Reply]]) -> Change:
    return lambda right: replace(right, replies={**right.replies, agent: tuple(change(list(right.replies[agent])))})


def with_audit(**changes: Any) -> Change:
    return lambda right: replace(right, audit=replace(right.audit, **changes))


def twice(right: Evidence) -> Evidence:
    changes = (*right.changes[:2], right.changes[1], *right.changes[2:])
    return replace(right, changes=changes, beginning={**right.beginning, right.changes[0].route: 3})


def refused_as(reason: str | None) -> Change:
    return lambda right: replace(right, refusals=[replace(each, reason=reason) for each in right.refusals])


STRANGE = Reply(Micros(0), Fate.OK, 200, TEMPTER, "")
WRONG: dict[str, tuple[Change, str]] = {
    "the story stopped": (lambda right: replace(right, trouble="Waited in vain."), "Waited in vain"),
    "another path": (lambda right: replace(right, changes=right.changes[:4]), f"{AGENT}/main/* should have moved"),
    "no canary": (lambda right: replace(right, changes=right.changes[:6]), f"{SUPPORT}/main/* should have moved"),
    "a change twice": (twice, "twice"),
    "no failure seen": (lambda right: replace(right, first_failure_s=None), "No change left the primary"),
    "nobody told": (lambda right: replace(right, told={}), "accepted no notice"),
    "told late": (lambda right: replace(right, told=dict.fromkeys(right.told, (900.0,))), "more than 300 s"),
    "unapproved": (
        lambda right: replace(right, counted={TEMPTER: {AGENT: 1, OTHER_AGENT: 7}}),
        f"not approved for {AGENT}, and its server counted 1 of its requests",
    ),
    "unapproved for the other": (
        lambda right: replace(right, counted={TEMPTER: {SUPPORT: 2, OTHER_AGENT: 7}}),
        f"not approved for {SUPPORT}, and its server counted 2 of its requests",
    ),
    "a strange name": (with_replies(AGENT, lambda replies: [*replies, STRANGE]), "not on its ladder"),
    "another's model": (
        with_replies(SUPPORT, lambda replies: [*replies, replace(STRANGE, model=PRIMARY)]),
        "not on its ladder",
    ),
    "never tempted": (with_replies(AGENT, lambda replies: [replace(r, named="") for r in replies]), "never asked"),
    "the tempter idle": (lambda right: replace(right, counted={TEMPTER: {}}), "served nobody"),
    "nothing answered": (with_replies(AGENT, lambda replies: replies[2:]), f"No request of {AGENT} ended as ok"),
    "never safe": (with_replies(AGENT, lambda replies: replies[:2]), f"No request of {AGENT} ended as safe_state"),
    "no ticket": (with_replies(SUPPORT, lambda replies: replies[:-1]), f"No request of {SUPPORT} ended as ticket"),
    "no attack": (lambda right: replace(right, refusals=()), "No forgery"),
    "not refused": (refused_as(None), "did not refuse an old change"),
    "for another reason": (refused_as("empty"), "as empty and not as not_newer"),
    "replayed otherwise": (with_audit(differences=("step 3",)), "something else: step 3"),
    "the log cut": (with_audit(cut=(2,)), "lost its beginning on shards [2]"),
    "the log empty": (with_audit(records=0), "log is empty"),
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_not_as_it_should_be_is_said(name: str, right: Evidence) -> None:
    spoil, said = WRONG[name]
    found = faults(spoil(right))
    assert any(said in fault for fault in found), found
