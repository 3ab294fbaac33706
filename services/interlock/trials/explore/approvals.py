"""Rule 7 as an oracle: a material change waits for the agent owner's word, in the safe state, and for no longer than policy says."""

from interlock.records.state import HoldKind, RouteEntry
from interlock.trials.explore.facts import Oracle

ASKED_FOR = "birch"
"""The rung of the explored policy that the agent owner must approve."""


def fault(oracle: Oracle, was: RouteEntry | None, now: RouteEntry) -> str | None:
    """What is wrong with what became of a route; None: nothing.

    Args:
        oracle: What the rules say.
        was: What was ordered before; None: nothing.
        now: What is ordered after.
    """
    served = now.target if now.safe_state is None else None
    before = was.target if was is not None and was.safe_state is None else None
    if served is not None and not oracle.may_stay(served):
        return f"{served} serves, though it must be left"
    if oracle.rejected(served):
        return f"{served} serves, though a person took it away"
    if served is not None and served != before and not oracle.may_enter(served):
        return f"{served} is entered, though it may not be"
    if served is not None and served != before and was is not None and oracle.frozen:
        return f"{served} is entered, though the route is frozen"
    if served == ASKED_FOR and not oracle.approved(served):
        return f"{served} serves, though nobody approved it under this policy"
    unapproved = before == ASKED_FOR and not oracle.approved(before)
    stays = before is not None and oracle.may_stay(before) and not oracle.rejected(before) and not unapproved
    if stays and served is None:
        return f"{before} is left for a proposal, though it may stay"
    hold = now.hold
    if hold is not None and hold.kind is HoldKind.APPROVAL:
        if oracle.approved(hold.model) and not oracle.frozen:
            return f"{hold.model} was approved, and does not serve"
        if oracle.now >= hold.until and not oracle.approved(hold.model):
            return f"{hold.model} still waits for approval after its time"
        if not oracle.may_enter(hold.model) or oracle.rejected(hold.model):
            return f"{hold.model} waits for approval, though it may not be entered any more"
    return None
