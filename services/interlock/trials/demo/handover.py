"""What must be so of the second and the third act: the canary, the change that waited for approval, and the tickets given meanwhile.

Pure, as `faults`.
"""

from collections.abc import Iterator

from interlock.records.change import Trigger
from interlock.records.rules import SafeState
from interlock.router.core.arms import in_canary
from interlock.trials.demo.cast import OPERATOR, OWNER, SLOW, SUPPORT_ROUTE, TRIED, UNACCEPTED
from interlock.trials.demo.evidence import Answered, Evidence
from interlock.vocabulary.reasons import Reason


def canary_faults(evidence: Evidence) -> Iterator[str]:
    """What is wrong with the canary."""
    tried, begun = evidence.tried, evidence.first(SUPPORT_ROUTE, Trigger.LATENCY)
    if tried is None or begun is None:
        yield f"No canary of {TRIED} was seen."
        return
    if not 0 < tried.counted[TRIED] < tried.counted[SLOW]:
        yield f"{TRIED} should have got the smaller part of the requests; the servers counted {dict(tried.counted)}."
    if tried.before:
        yield f"The server of {TRIED} counted {tried.before} requests before that was ordered."
    yield from _arm_faults(evidence, begun.canary, begun.weight)
    if evidence.first(SUPPORT_ROUTE, Trigger.CANARY_FAILED) is None:
        yield f"The canary of {TRIED} was not rolled back because of its health."


def _arm_faults(evidence: Evidence, canary: str, weight: int) -> Iterator[str]:
    """Every conversation belongs to the arm that the documented rule says, and to no other."""
    if not evidence.conversations:
        yield "No conversation was seen during the canary."
    for key, models in sorted(evidence.conversations.items()):
        arm = TRIED if in_canary(canary, SUPPORT_ROUTE, key, weight) else SLOW
        if models != {arm}:
            yield f"{key} should have been answered by {arm} during the canary, and was by {', '.join(sorted(models))}."


def approval_faults(evidence: Evidence) -> Iterator[str]:
    """What is wrong with the change that waited for approval."""
    waited = evidence.waited
    if waited is None:
        yield f"{UNACCEPTED} did not wait for approval."
        return
    hold = waited.status.get("hold") or {}
    if hold.get("model") != UNACCEPTED or hold.get("kind") != "approval" or "tools" not in hold.get("material", ()):
        yield f"`interlock status` did not say that {UNACCEPTED} waits, and that its tools differ: it said {hold}."
    if waited.status.get("safe_state") != SafeState.HUMAN_QUEUE:
        yield f"The route waited in {waited.status.get('safe_state')} and not in {SafeState.HUMAN_QUEUE}."
    if TRIED not in [kept["model"] for kept in waited.status.get("kept_away", ())]:
        yield f"`interlock status` did not say that {TRIED} is kept away."
    if waited.unauthorised != Answered((OPERATOR,), False, str(Reason.NOT_AUTHORISED)):
        yield f"The approval by {OPERATOR} alone should have been refused; it came to {waited.unauthorised}."
    if waited.approved != Answered((OWNER,), True, ""):
        yield f"The approval by {OWNER} should have been accepted; it came to {waited.approved}."
    if waited.before:
        yield f"The server of {UNACCEPTED} counted {waited.before} requests before it was approved."
    if evidence.first(SUPPORT_ROUTE, Trigger.APPROVED) is None:
        yield f"No change says that {UNACCEPTED} was approved."
    for ticket in evidence.lost_tickets:
        yield f"The request of {ticket} is not kept as it was sent."
