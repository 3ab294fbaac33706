"""What is seen when the demo goes as it should."""

import pytest

from interlock.records.change import Cause, Check, RoutingChange, Trigger
from interlock.records.rules import WHOLE
from interlock.router.core.arms import in_canary
from interlock.testing.builders import Deployment
from interlock.trials.demo.attacks import Attack
from interlock.trials.demo.cast import (
    AGENT,
    CANARY_WEIGHT,
    FALLBACK,
    OPERATOR,
    OTHER_AGENT,
    OWNER,
    PRIMARY,
    ROUTE,
    SLOW,
    SUPPORT,
    SUPPORT_ROUTE,
    TEMPTER,
    TRIED,
    UNACCEPTED,
)
from interlock.trials.demo.director import Refusal
from interlock.trials.demo.evidence import Answered, AuditFigures, Evidence, Tried, Waited
from interlock.trials.steady_client import Fate, Reply
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

DEPLOYMENT = Deployment("demo")
CANARY = "c0ffee"
ATTACK = Attack("replayed", "an old change", b"", Reason.NOT_NEWER)


def change(
    route: RouteId,
    version: int,
    source: str | None,
    target: str | None,
    trigger: Trigger = Trigger.UNAVAILABLE,
    weight: int = WHOLE,
) -> RoutingChange:
    waits = trigger is Trigger.LATENCY and target is None
    return DEPLOYMENT.change(
        route,
        version=version,
        source=source,
        target=target,
        safe_state=None if target else "suspend",
        weight=weight,
        canary=CANARY if weight < WHOLE else "",
        proposed=UNACCEPTED if waits else None,
        cause=Cause(trigger, source, "it is gone"),
        verification=(Check(PRIMARY, "ladder", True, "rung 1"),),
        issued_at=Micros(version * SECOND),
    )


CHANGES = (
    change(ROUTE, 1, None, None),
    change(ROUTE, 2, None, PRIMARY),
    change(ROUTE, 3, PRIMARY, FALLBACK),
    change(ROUTE, 4, FALLBACK, None),
    change(ROUTE, 5, None, PRIMARY),
    change(SUPPORT_ROUTE, 1, None, SLOW),
    change(SUPPORT_ROUTE, 2, SLOW, TRIED, Trigger.LATENCY, CANARY_WEIGHT),
    change(SUPPORT_ROUTE, 3, TRIED, SLOW, Trigger.CANARY_FAILED),
    change(SUPPORT_ROUTE, 4, SLOW, None, Trigger.LATENCY),
    change(SUPPORT_ROUTE, 8, None, UNACCEPTED, Trigger.APPROVED),
)


def during_the_canary() -> list[Reply]:
    """Each conversation asks twice and is answered by the model of its arm."""
    found = []
    for number in range(20):
        key = f"conversation-{number % 10}"
        arm = TRIED if in_canary(CANARY, SUPPORT_ROUTE, key, CANARY_WEIGHT) else SLOW
        found.append(Reply(Micros(11), Fate.OK, 200, arm, "", Micros(10), key))
    return found


@pytest.fixture
def right() -> Evidence:
    """Evidence that is as it should be."""
    answered = during_the_canary()
    counted = {model: sum(1 for reply in answered if reply.model == model) for model in (SLOW, TRIED)}
    hold = {"kind": "approval", "model": UNACCEPTED, "material": ["tools"], "until": "2026-08-01T00:00:00.000Z"}
    return Evidence(
        changes=CHANGES,
        beginning={ROUTE: 2, SUPPORT_ROUTE: 1},
        told={each.id: (each.issued_at / SECOND + 0.25,) for each in CHANGES},
        replies={
            AGENT: (
                Reply(Micros(0), Fate.OK, 200, PRIMARY, TEMPTER),
                Reply(Micros(0), Fate.FAILED, 500, PRIMARY, ""),
                Reply(Micros(0), Fate.SAFE_STATE, 403, "", ""),
            ),
            SUPPORT: (
                *answered,
                Reply(Micros(30), Fate.TICKET, 202, "", TEMPTER, Micros(30), "conversation-1", "ticket-1", b"{}"),
            ),
        },
        counted={PRIMARY: {AGENT: 2}, TEMPTER: {OTHER_AGENT: 7, "": 3}},
        first_failure_s=2.5,
        refusals=(Refusal(ATTACK, "not_newer"),),
        audit=AuditFigures(records=9, differences=(), cut=()),
        trouble="",
        tried=Tried(Micros(10), Micros(20), counted, before=0),
        waited=Waited(
            {"hold": hold, "safe_state": "human_queue", "kept_away": [{"model": TRIED}]},
            Answered((OPERATOR,), False, "not_authorised"),
            Answered((OWNER,), True, ""),
            before=0,
        ),
        kept={"ticket-1": b"{}"},
    )
