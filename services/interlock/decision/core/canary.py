"""Rule 5: from one model to another step by step, each step judged against the source that runs beside it.

The judgement is the health-monitor's: `canary.<id>.<step>` healthy lets the route go on, degraded or unavailable rolls it back. No
evidence is inconclusive and never widens: a step that has waited for its longest time is rolled back. A model whose canary failed
is kept away for a while, longer with each flap.
"""

from dataclasses import replace

from interlock.decision.core.choice import (
    Choice,
    before,
    consider,
    incident_of,
    keep_away,
    needs_approval,
    next_order_id,
    serve,
)
from interlock.decision.core.usable import Case, why_leave
from interlock.policy.admissible import checks
from interlock.records.change import Cause, Check, Trigger
from interlock.records.health import AGAINST, Level
from interlock.records.state import Canary, RouteEntry
from interlock.vocabulary.identifiers import digest

_ID_CHARS = 16


def objective(canary: Canary) -> str:
    """The objective under which the health-monitor judges the step that is in progress."""
    return f"canary.{canary.id}.{canary.step}"


def begin(case: Case, model: str, cause: Cause, verified: tuple[Check, ...], *, climbs: bool = False) -> Choice:
    """Begin at the first step; the source goes on serving the rest."""
    name = digest(next_order_id(case).encode()).hex()[:_ID_CHARS]
    first = Canary(name, model, 0, case.now, Level.UNKNOWN, "not judged yet", b"")
    incident = before(case).incident if climbs else incident_of(case, cause)
    after = replace(before(case), canary=first, incident=incident, nacked=False)
    return Choice(after, replace(cause, detail=f"{cause.detail}; {model} begins as a canary"), verified, climbs)


def judge(case: Case) -> Choice | None:
    """The next step, the promotion, or the way back; None: go on."""
    canary, plan = _canary(case), case.rule.canary
    cause = against(case)
    if cause is not None:
        return _roll_back(case, _given_up(case), replace(cause, trigger=Trigger.CANARY_FAILED))
    if plan is None or canary.step >= len(plan.steps):
        dropped = Cause(Trigger.CANARY_INCONCLUSIVE, None, "the policy has no such step any more")
        return _roll_back(case, replace(before(case), canary=None), dropped)
    lasted = case.now - canary.since
    healthy = canary.level is Level.HEALTHY and not before(case).nacked
    if healthy and lasted >= plan.time_min_us and not case.frozen:
        if canary.step + 1 < len(plan.steps):
            return _widen(case)
        return promote(case, replace(_judged(canary, "passed every step"), trigger=Trigger.CANARY_PASSED))
    if lasted >= plan.wait_max_us and not case.frozen:
        why = "a router refuses it" if before(case).nacked else "there was no evidence in time"
        return _roll_back(case, _given_up(case), replace(_judged(canary, why), trigger=Trigger.CANARY_INCONCLUSIVE))
    return None


def against(case: Case) -> Cause | None:
    """What speaks against the canary's model: the judgement of the step, or anything that would force the route out of it."""
    canary = _canary(case)
    if canary.level in AGAINST:
        return _judged(canary, canary.detail)
    leave = why_leave(case, canary.model)
    if leave is not None:
        return leave.cause
    rung = case.rule.rung(canary.model)
    why = needs_approval(case, rung) if rung is not None else ()
    return (
        Cause(Trigger.AWAITING_APPROVAL, canary.model, f"it must be approved first: {', '.join(why)}") if why else None
    )


def promote(case: Case, cause: Cause) -> Choice:
    """Serve the route by the canary's model alone, because it passed every step, or because of what befell the source."""
    model = _canary(case).model
    promoted = replace(cause, detail=f"{cause.detail}; {model} is promoted")
    return serve(case, model, promoted, tuple(consider(case, model)))


def without(case: Case) -> Case:
    """The case with the canary given up; its model is kept away if anything speaks against it."""
    spoiled = against(case) is not None
    return replace(case, entry=_given_up(case) if spoiled else replace(before(case), canary=None))


def _widen(case: Case) -> Choice:
    canary = _canary(case)
    wider = replace(
        canary, step=canary.step + 1, since=case.now, level=Level.UNKNOWN, detail="not judged yet", evidence=b""
    )
    cause = replace(_judged(canary, canary.detail), trigger=Trigger.CANARY)
    return Choice(replace(before(case), canary=wider, nacked=False), cause, tuple(consider(case, canary.model)))


def _roll_back(case: Case, after: RouteEntry, cause: Cause) -> Choice:
    """Back to the source alone."""
    model, source = _canary(case).model, after.target
    told = replace(cause, model=model, detail=f"the canary of {model} is rolled back: {cause.detail}")
    verified = checks(case.state.book, case.route, source, case.now) if source is not None else ()
    at_primary = source == case.rule.ladder[0].model.name
    return Choice(replace(after, nacked=False, incident=None if at_primary else after.incident), told, verified)


def _given_up(case: Case) -> RouteEntry:
    canary = _canary(case)
    return replace(keep_away(case, canary.model), canary=None)


def _judged(canary: Canary, detail: str) -> Cause:
    evidence = (canary.evidence,) if canary.evidence else ()
    return Cause(Trigger.CANARY, canary.model, f"{canary.model}: {detail}", evidence)


def _canary(case: Case) -> Canary:
    canary = before(case).canary
    assert canary is not None, "asked of a route in a canary only"
    return canary
