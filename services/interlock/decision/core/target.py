"""Rule 3: where a route should be now. The other rules are asked from here, in the order in which they bind.

ordered into the safe state by a person   -> stays there until a `resume`
a guard is missing                        -> safe state
in the safe state                         -> rule 7 (approval), then rule 6 (recovery)
in a canary                               -> rule 5
the current rung must be left             -> the first rung that may be entered, else the safe state, at once
it may stay                               -> rule 6: only the rungs above it are candidates
"""

from dataclasses import replace

from interlock.decision.core import canary
from interlock.decision.core.choice import (
    Choice,
    asking,
    before,
    consider,
    first_enterable,
    keep_away,
    may_answer,
    needs_approval,
    passed,
    propose,
    serve,
    stable,
    suspended,
    to_safe_state,
)
from interlock.decision.core.recovery import climb
from interlock.decision.core.usable import Case, Leave, guard_missing, why_leave
from interlock.records.change import Cause, Trigger
from interlock.records.rules import Mode, SafeState
from interlock.records.state import Hold, HoldKind
from interlock.vocabulary.limits import FLAPS_MAX


def choose(case: Case) -> Choice | None:
    """Where the route should go from what was last ordered for it; None: it stays where it is."""
    entry = case.entry
    if entry is None:
        return _place(case)
    if entry.ordered is not None:
        untold = entry.safe_state is None or not entry.ordered.told
        return to_safe_state(case, entry.ordered.cause) if untold else _keep_safe(case)
    guard = guard_missing(case)
    if guard is not None:
        return to_safe_state(case, guard) if entry.safe_state is None else _keep_safe(case)
    if entry.safe_state is not None:
        return _keep_safe(case) or _answered(case) or climb(case)
    leave = why_leave(case, entry.target) if entry.target is not None else None
    unapproved = _unapproved(case) if leave is None or leave.mode is Mode.CANARY else None
    if unapproved is not None:
        return unapproved
    if entry.canary is not None:
        return _in_canary(case, leave)
    return depart(case, leave) if leave is not None else climb(case)


def _place(case: Case) -> Choice:
    """The first order of a route; one of an agent that is suspended as a whole begins suspended."""
    cause = Cause(Trigger.POLICY, None, "the route's first policy took effect")
    suspension = case.state.suspensions.get(case.route.agent)
    if suspension is not None:
        return to_safe_state(case, cause, hold=Hold(HoldKind.ORDERED, suspended(suspension)))
    guard = guard_missing(case)
    rung, verified = first_enterable(case)
    if rung is None or guard is not None:
        return to_safe_state(case, guard or cause, verified)
    why = needs_approval(case, rung)
    return propose(case, rung, why, cause, verified) if why else serve(case, rung.model.name, cause, verified)


def depart(case: Case, leave: Leave) -> Choice:
    """Leave the current model in the trigger's mode. The safe state is never delayed: it waits for nothing here."""
    cause = leave.cause
    if leave.mode is Mode.AWAIT_APPROVAL:
        case = asking(case, cause)
    if leave.mode in {Mode.SUSPEND, Mode.OTHER}:
        return to_safe_state(case, cause, hold=Hold(HoldKind.ORDERED, cause))
    if case.frozen:
        return to_safe_state(case, replace(cause, detail=f"{cause.detail}; frozen: no other model may be entered"))
    rung, verified = first_enterable(case)
    if rung is None:
        return to_safe_state(case, cause, verified)
    why = needs_approval(case, rung)
    if why:
        return propose(case, rung, why, cause, verified)
    if leave.mode is Mode.CANARY and case.rule.canary is not None:
        return canary.begin(case, rung.model.name, cause, verified)
    return serve(case, rung.model.name, cause, verified)


def _in_canary(case: Case, leave: Leave | None) -> Choice | None:
    """Rule 5, unless the source must be left: then the target takes over at once, if nothing speaks against it."""
    if leave is None or leave.mode is Mode.CANARY:
        return canary.judge(case)
    if leave.mode is Mode.CUTOVER and not case.frozen and canary.against(case) is None:
        return canary.promote(case, leave.cause)
    return depart(canary.without(case), leave)


def _keep_safe(case: Case) -> Choice | None:
    """What changes inside the safe state: a `read_only` that may not go on or may begin, or a policy that names another state."""
    entry = before(case)
    wanted, rung = case.rule.safe_state, case.rule.safe_reply.model
    if entry.target is not None and (wanted is not SafeState.READ_ONLY or entry.target != rung):
        return to_safe_state(case, Cause(Trigger.POLICY, entry.target, f"the policy's safe state is {wanted}"))
    if entry.target is not None:
        leave, guard = why_leave(case, rung), guard_missing(case)
        cause = leave.cause if leave is not None else guard
        return to_safe_state(case, cause) if cause is not None else None
    if wanted is SafeState.READ_ONLY and entry.safe_state == SafeState.SUSPEND:
        begins = Cause(Trigger.READ_ONLY, rung, f"{rung} may answer without its tools")
        ready = not case.frozen and stable(case, rung) and may_answer(case, consider(case, rung))
        return to_safe_state(case, begins) if ready else None
    if entry.safe_state != wanted:
        return to_safe_state(case, Cause(Trigger.POLICY, None, f"the policy's safe state is {wanted}"))
    return None


def _unapproved(case: Case) -> Choice | None:
    """Rule 7 for the model that serves the route: a new policy may ask for an approval that nobody gave."""
    rung = case.rule.rung(before(case).target)
    why = needs_approval(case, rung) if rung is not None else ()
    if rung is None or not why:
        return None
    cause = Cause(Trigger.AWAITING_APPROVAL, rung.model.name, f"the policy asks for an approval of {rung.model.name}")
    return propose(case, rung, why, cause, tuple(consider(case, rung.model.name)))


def _answered(case: Case) -> Choice | None:
    """Rule 7: what became of a proposal. One that was approved is entered as soon as it may be, without waiting to be stable."""
    entry, hold = before(case), before(case).hold
    if hold is None:
        return None
    made = consider(case, hold.model)
    if not passed(made):
        freed = replace(entry, hold=None, flaps=min(entry.flaps + 1, FLAPS_MAX))
        return to_safe_state(
            replace(case, entry=freed), _about(Trigger.APPROVAL_WITHDRAWN, hold, "it may no longer be entered")
        )
    if hold.model in entry.approved:
        approved = Cause(Trigger.APPROVED, hold.model, f"{hold.model} was approved")
        return None if case.frozen else serve(case, hold.model, approved, tuple(made))
    if case.now >= hold.until:
        freed = replace(keep_away(case, hold.model), hold=None)
        return to_safe_state(
            replace(case, entry=freed), _about(Trigger.APPROVAL_TIMED_OUT, hold, "nobody approved it in time")
        )
    return None


def _about(trigger: Trigger, hold: Hold, what: str) -> Cause:
    return Cause(trigger, hold.model, f"the proposal of {hold.model} is withdrawn: {what}", hold.cause.evidence)
