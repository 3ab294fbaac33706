"""Rule 5 as an oracle: when a route may begin, widen, promote or must end a canary."""

from interlock.records.health import Level
from interlock.records.state import RouteEntry
from interlock.trials.explore.facts import AGAINST, Oracle
from interlock.vocabulary.time import SECOND, Micros

STEPS = (25, 50)
"""The weights of the explored plan."""

KEPT_AWAY_US = Micros(30 * SECOND)
"""How long a model whose canary failed is kept away at least."""

CALLS_MIN = 5
"""The sample of a step."""


def fault(
    oracle: Oracle, was: RouteEntry | None, now: RouteEntry, time_min_us: Micros, wait_max_us: Micros
) -> str | None:
    """What is wrong with what became of a route; None: nothing.

    Args:
        oracle: What the rules say.
        was: What was ordered before; None: nothing.
        now: What is ordered after.
        time_min_us: How long a step lasts at least.
        wait_max_us: How long at most.
    """
    source = now.target if now.safe_state is None else None
    if source is not None and oracle.must_leave_at_once(source):
        return f"{source} still serves, though it must be left at once"
    if oracle.rejected(source):
        return f"{source} still serves, though a person took it away"
    if now.canary is not None:
        tried = now.canary
        if oracle.rejected(tried.model):
            return f"the canary of {tried.model} goes on, though a person took it away"
        if not oracle.may_stay(tried.model):
            return f"the canary of {tried.model} goes on, though something speaks against it"
        if _judged(oracle, f"canary.{tried.id}.{tried.step}") in AGAINST:
            return f"the canary of {tried.model} goes on, though its step failed"
        if oracle.now - tried.since >= wait_max_us:
            return f"the canary of {tried.model} goes on without evidence"
    entered = now.canary.model if now.canary is not None else source
    kept_away, until = oracle.facts.kept_away
    if entered is not None and entered == kept_away and oracle.now < until and (was is None or was.target != entered):
        return f"{entered} is tried again soon after its canary failed"
    if was is None or was.canary is None:
        begun = now.canary.model if now.canary is not None else None
        return (
            f"a canary of {begun} begins, which may not be entered" if begun and not oracle.may_enter(begun) else None
        )
    tried = was.canary
    passed = (
        _judged(oracle, f"canary.{tried.id}.{tried.step}") is Level.HEALTHY and oracle.now - tried.since >= time_min_us
    )
    widened = now.canary is not None and now.canary.id == tried.id and now.canary.step > tried.step
    if widened and not passed:
        return f"the canary of {tried.model} is widened without evidence"
    if was.policy_digest != now.policy_digest:  # the plan is another one, or there is none: the route was placed anew
        return None if source is None or oracle.may_stay(source) else f"{source} serves, though it must be left"
    promoted = now.canary is None and source == tried.model
    forced = was.target is not None and oracle.must_leave_at_once(was.target)
    if promoted and not forced and not (passed and tried.step == len(STEPS) - 1):
        return f"{tried.model} is promoted before it has passed every step"
    if promoted and (not oracle.may_stay(tried.model) or _judged(oracle, f"canary.{tried.id}.{tried.step}") in AGAINST):
        return f"{tried.model} is promoted, though something speaks against it"
    return None


def _judged(oracle: Oracle, objective: str) -> Level | None:
    said, level = oracle.facts.canary
    return level if said == objective else None
