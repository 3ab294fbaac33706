from dataclasses import replace

import pytest

from interlock.records.change import Cause, Check, RoutingChange, Trigger
from interlock.testing.builders import Deployment
from interlock.trials.demo.attacks import Attack
from interlock.trials.demo.cast import AGENT, FALLBACK, OTHER_AGENT, PRIMARY, TEMPTER
from interlock.trials.demo.client import Fate, Reply
from interlock.trials.demo.report import AuditFigures, Evidence, document, faults
from interlock.trials.demo.story import Refusal
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

ATTACK = Attack("replayed", "an old change", b"", Reason.NOT_NEWER)
AUDIT = AuditFigures(records=9, differences=(), cut=())


def change(version: int, source: str | None, target: str | None) -> RoutingChange:
    return Deployment("demo").change(
        RouteId(AGENT, "main", ANY),
        version=version,
        source=source,
        target=target,
        safe_state=None if target else "suspend",
        cause=Cause(Trigger.UNAVAILABLE, source, "it is gone"),
        verification=(Check(PRIMARY, "ladder", True, "rung 1"),),
        issued_at=Micros(version * SECOND),
    )


CHANGES = (
    change(1, None, None),
    change(2, None, PRIMARY),
    change(3, PRIMARY, FALLBACK),
    change(4, FALLBACK, None),
    change(5, None, PRIMARY),
)
RIGHT = Evidence(
    changes=CHANGES,
    beginning=2,
    told={each.id: (each.issued_at / SECOND + 0.25,) for each in CHANGES},
    replies=(
        Reply(Micros(0), Fate.OK, 200, PRIMARY, TEMPTER),
        Reply(Micros(0), Fate.FAILED, 500, PRIMARY, ""),
        Reply(Micros(0), Fate.SAFE_STATE, 403, "", ""),
    ),
    counted={PRIMARY: {AGENT: 2}, TEMPTER: {OTHER_AGENT: 7, "": 3}},
    first_failure_s=2.5,
    refusals=(Refusal(ATTACK, "not_newer"),),
    audit=AUDIT,
    trouble="",
)


def test_the_document_tells_what_was_seen() -> None:
    told = document(RIGHT)
    assert set(told) == {"changes", "requests", "refused", "audit", "first_failure_to_route_change_s"}
    assert [(each["source"], each["target"]) for each in told["changes"]] == [
        (None, "safe_state"),
        ("safe_state", PRIMARY),
        (PRIMARY, FALLBACK),
        (FALLBACK, "safe_state"),
        ("safe_state", PRIMARY),
    ]
    assert told["changes"][2] == {
        "timestamp": "1970-01-01T00:00:03.000Z",
        "route": f"{AGENT}/main/*",
        "reason": "unavailable: it is gone",
        "source": PRIMARY,
        "target": FALLBACK,
        "verification": [{"model": PRIMARY, "check": "ladder", "passed": True, "detail": "rung 1"}],
        "notice_accepted_after_s": 0.25,
    }
    assert told["requests"] == {"total": 3, "ok": 1, "failed": 1, "safe_state": 1, "unapproved": 0}
    assert told["refused"] == [{"kind": "replayed", "reason": "not_newer"}]
    assert told["audit"] == {"records": 9, "changes": 5, "replayed_identical": True}
    assert told["first_failure_to_route_change_s"] == 0.5


def test_evidence_that_is_as_it_should_be_has_no_fault() -> None:
    assert faults(RIGHT) == []


WRONG = {
    "the story stopped": (replace(RIGHT, trouble="Waited in vain."), "Waited in vain"),
    "another path": (replace(RIGHT, changes=CHANGES[:-1]), "should have moved"),
    "a change twice": (replace(RIGHT, changes=(*CHANGES[:2], CHANGES[1], *CHANGES[2:]), beginning=3), "twice"),
    "no failure seen": (replace(RIGHT, first_failure_s=None), "No change left the primary"),
    "nobody told": (replace(RIGHT, told={}), "accepted no notice"),
    "told late": (replace(RIGHT, told={each.id: (900.0,) for each in CHANGES}), "more than 300 s"),
    "unapproved": (replace(RIGHT, counted={TEMPTER: {AGENT: 1, OTHER_AGENT: 7}}), "counted 1 of its requests"),
    "a strange name": (
        replace(RIGHT, replies=(*RIGHT.replies, Reply(Micros(0), Fate.OK, 200, TEMPTER, ""))),
        "not on the ladder",
    ),
    "never tempted": (replace(RIGHT, replies=[replace(each, named="") for each in RIGHT.replies]), "never asked"),
    "the tempter idle": (replace(RIGHT, counted={TEMPTER: {}}), "served nobody"),
    "nothing answered": (replace(RIGHT, replies=RIGHT.replies[2:]), "No request ended as ok"),
    "never safe": (replace(RIGHT, replies=RIGHT.replies[:2]), "No request ended as safe_state"),
    "no attack": (replace(RIGHT, refusals=()), "No forgery"),
    "not refused": (replace(RIGHT, refusals=(Refusal(ATTACK, None),)), "did not refuse an old change"),
    "for another reason": (replace(RIGHT, refusals=(Refusal(ATTACK, "empty"),)), "as empty and not as not_newer"),
    "replayed otherwise": (replace(RIGHT, audit=replace(AUDIT, differences=("step 3",))), "something else: step 3"),
    "the log cut": (replace(RIGHT, audit=replace(AUDIT, cut=(2,))), "lost its beginning on shards [2]"),
    "the log empty": (replace(RIGHT, audit=replace(AUDIT, records=0)), "log is empty"),
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_not_as_it_should_be_is_said(name: str) -> None:
    evidence, said = WRONG[name]
    assert any(said in fault for fault in faults(evidence)), faults(evidence)
