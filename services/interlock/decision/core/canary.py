"""Rule 5: from one model to another step by step, each step judged against the source that runs beside it.

The judgement is the health-monitor's: `canary.<id>.<step>` healthy lets the route go on, degraded or unavailable rolls it back. No
evidence is inconclusive and never widens: a step that has waited for its longest time is rolled back. A model whose canary failed
is kept away for a while, longer with each flap.
"""

from dataclasses import replace

from interlock.decision.core.choice import Choice, before, consider, next_order_id, serve, stable_us
from interlock.decision.core.usable import Case, why_leave
from interlock.policy.admissible import checks
from interlock.records.change import Cause, Check, Trigger
from interlock.records.health import Level
from interlock.records.state import Canary, RouteEntry
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.limits import FLAPS_MAX
from interlock.vocabulary.time import SECOND, Micros

KEPT_AWAY_US_MIN = 30 * SECOND
"""How long a model whose canary failed is kept away at least: Envoy's base ejection time."""

_ID_CHARS = 16


def objective(canary: Canary) -> str:
    """The objective under which the health-monitor judges the step that is in progress."""
    return f"canary.{canary.id}.{canary.step}"


def begin(case: Case, model: str, cause: Cause, verified: tuple[Check, ...], *, climbs: bool = False) -> Choice:
    """Begin at the first step; the source goes on serving the rest."""
    name = digest(next_order_id(case).encode()).hex()[:_ID_CHARS]
    first = Canary(name, model, 0, case.now, Level.UNKNOWN, "not judged yet", b"")
    after = replace(before(case), canary=first, nacked=False)
    return Choice(after, replace(cause, detail=f"{cause.detail}; {model} begins as a canary"), verified, climbs)


def judge(case: Case) -> Choice | None:
    """The next step, the promotion, or the way back; None: go on."""
    canary, plan = _canary(case), case.rule.canary
    cause = against(case)
    if cause is not None:
        return _roll_back(case, Trigger.CANARY_FAILED, cause)
    if plan is None or canary.step >= len(plan.steps):
        return _roll_back(
            case, Trigger.CANARY_INCONCLUSIVE, Cause(Trigger.POLICY, None, "the policy has no such step any more")
        )
    lasted = case.now - canary.since
    healthy = canary.level is Level.HEALTHY and not before(case).nacked
    if healthy and lasted >= plan.time_min_us and not case.frozen:
        return (
            _widen(case) if canary.step + 1 < len(plan.steps) else promote(case, _judged(canary, "passed every step"))
        )
    if lasted >= plan.wait_max_us:
        return _roll_back(case, Trigger.CANARY_INCONCLUSIVE, _judged(canary, "there was no evidence in time"))
    return None


def against(case: Case) -> Cause | None:
    """What speaks against the canary's model: the judgement of the step, or anything that would force the route out of it."""
    canary = _canary(case)
    if canary.level in {Level.DEGRADED, Level.UNAVAILABLE}:
        return _judged(canary, canary.detail)
    leave = why_leave(case, canary.model)
    return leave.cause if leave is not None else None


def promote(case: Case, cause: Cause) -> Choice:
    """Serve the route by the canary's model alone."""
    model = _canary(case).model
    promoted = replace(cause, trigger=Trigger.CANARY_PASSED, detail=f"{model} is promoted: {cause.detail}")
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


def _roll_back(case: Case, trigger: Trigger, cause: Cause) -> Choice:
    """Back to the source alone."""
    model = _canary(case).model
    told = Cause(trigger, model, f"the canary of {model} is rolled back: {cause.detail}", cause.evidence)
    source = before(case).target
    verified = checks(case.state.book, case.route, source, case.now) if source is not None else ()
    return Choice(replace(_given_up(case), nacked=False), told, verified)


def _given_up(case: Case) -> RouteEntry:
    entry, canary = before(case), _canary(case)
    kept_away = max(stable_us(case), KEPT_AWAY_US_MIN)
    flaps = min(entry.flaps + 1, FLAPS_MAX)
    return replace(entry, canary=None, failed=canary.model, retry_at=Micros(case.now + kept_away), flaps=flaps)


def _judged(canary: Canary, detail: str) -> Cause:
    evidence = (canary.evidence,) if canary.evidence else ()
    return Cause(Trigger.CANARY, canary.model, f"{canary.model}: {detail}", evidence)


def _canary(case: Case) -> Canary:
    canary = before(case).canary
    assert canary is not None, "asked of a route in a canary only"
    return canary
