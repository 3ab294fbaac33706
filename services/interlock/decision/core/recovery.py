"""Rule 6: back to a higher rung, after a stable period, by canary, and not everybody at once.

A rung is climbed to once it has been healthy for the stable period, which each flap doubles, and the current one was kept for its
dwell time. The safe state is left in the same way, but without a canary: there is no source to compare with. Only so many routes
of a shard move up in one window, so that a model that has just come back is not thrown over by its own recovery.
"""

from interlock.decision.core import canary
from interlock.decision.core.choice import (
    Choice,
    before,
    consider,
    needs_approval,
    passed,
    propose,
    serve,
    soon_stable,
    stable,
    stable_us,
)
from interlock.decision.core.state import State
from interlock.decision.core.usable import Case
from interlock.records.change import Cause, Trigger
from interlock.records.state import ClimbsEntry
from interlock.vocabulary.limits import CLIMB_WINDOW_US, CLIMBS_MIN, CLIMBS_SHARE
from interlock.vocabulary.time import Micros, duration_text


def climb(case: Case) -> Choice | None:
    """The highest rung above the current one to which the route may climb now."""
    entry = before(case)
    served = entry.safe_state is None
    if case.frozen or (served and case.now - entry.entered_at < case.rule.dwell_us):
        return None
    proposed = entry.proposed.model if entry.proposed is not None else None
    ceiling = entry.target if served else proposed
    for rung in case.rule.ladder[: case.rule.index(ceiling) if ceiling is not None else None]:
        name = rung.model.name
        made = consider(case, name)
        if not passed(made):
            continue
        if not stable(case, name):
            if soon_stable(case, name):
                return None  # one move instead of two
            continue
        why = needs_approval(case, rung)
        if why and served:
            continue  # a working model is not left for one that must wait for approval
        if not may_climb(case.state, case.now):
            return None
        cause = Cause(Trigger.RECOVERED, name, f"{name} has been healthy for {duration_text(stable_us(case))}")
        if why:
            return propose(case, rung, why, cause, tuple(made))
        if served and case.rule.canary is not None:
            return canary.begin(case, name, cause, tuple(made), climbs=True)
        return serve(case, name, cause, tuple(made), climbs=True)
    return None


def may_climb(state: State, now: Micros) -> bool:
    """Whether one more route of the shard may move up in this window."""
    allowed = max(CLIMBS_MIN, len(state.routes) // CLIMBS_SHARE)
    return now - state.climbs.since >= CLIMB_WINDOW_US or state.climbs.count < allowed


def climbed(state: State, now: Micros) -> ClimbsEntry:
    """The count of the window with one more route."""
    if now - state.climbs.since >= CLIMB_WINDOW_US:
        return ClimbsEntry(now, 1)
    return ClimbsEntry(state.climbs.since, state.climbs.count + 1)
