"""Everything that is not as it should be: what the demo claims, sentence by sentence, held against the evidence.

Pure. The claims about the outage and those that hold throughout are here; `handover` has those about the canary and the approval.
"""

from collections.abc import Iterator, Sequence

from interlock.records.change import RoutingChange
from interlock.records.rules import WHOLE
from interlock.trials.demo.cast import (
    AGENT,
    CANARY_WEIGHT,
    FALLBACK,
    LADDERS,
    OTHER_AGENT,
    PRIMARY,
    ROUTE,
    SLOW,
    STORY_AGENTS,
    SUPPORT,
    SUPPORT_ROUTE,
    TEMPTER,
    TRIED,
    UNACCEPTED,
)
from interlock.trials.demo.evidence import AuditFigures, Evidence
from interlock.trials.demo.handover import approval_faults, canary_faults
from interlock.trials.steady_client import Fate
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND

NOTICE_S_MAX = 300.0
"""The promise of DESIGN 7."""

Move = tuple[str | None, str | None, int]
"""Source, target and the target's share in per cent; None: the safe state."""

EXPECTED: dict[RouteId, list[Move]] = {
    ROUTE: [(PRIMARY, FALLBACK, WHOLE), (FALLBACK, None, WHOLE), (None, PRIMARY, WHOLE)],
    SUPPORT_ROUTE: [
        (SLOW, TRIED, CANARY_WEIGHT),
        (TRIED, SLOW, WHOLE),
        (SLOW, None, WHOLE),
        (None, UNACCEPTED, WHOLE),
    ],
}
FATES = {AGENT: (Fate.OK, Fate.SAFE_STATE), SUPPORT: (Fate.OK, Fate.TICKET)}
"""What must have happened to some request of each agent."""


def faults(evidence: Evidence) -> list[str]:
    """Everything that is not as it should be, one sentence each; empty: the demo shows what it claims."""
    return [
        *([evidence.trouble] if evidence.trouble else []),
        *_story_faults(evidence),
        *_notice_faults(evidence),
        *_request_faults(evidence),
        *_refusal_faults(evidence),
        *canary_faults(evidence),
        *approval_faults(evidence),
        *audit_faults(evidence.audit),
    ]


def audit_faults(audit: AuditFigures) -> list[str]:
    """What is wrong with the audit log."""
    found = [f"Replaying the audit log gives something else: {difference}." for difference in audit.differences]
    if audit.cut:
        found.append(f"The audit log has lost its beginning on shards {list(audit.cut)}.")
    if not audit.records:
        found.append("The audit log is empty.")
    return found


def _story_faults(evidence: Evidence) -> Iterator[str]:
    for route, expected in EXPECTED.items():
        seen = [_move(change) for change in evidence.story(route)]
        if seen != expected:
            yield f"{route.key} should have moved {_path(expected)}; the audit log says {_path(seen)}."
    if len({change.id for change in evidence.changes}) < len(evidence.changes):
        yield "A change is in the audit log twice."
    if evidence.reaction_s is None:
        yield "No change left the primary after its first failure."


def _notice_faults(evidence: Evidence) -> Iterator[str]:
    for change in evidence.changes:
        told = evidence.told.get(change.id)
        if not told:
            yield f"The governance webhook accepted no notice of {change.id}."
        elif told[0] - change.issued_at / SECOND > NOTICE_S_MAX:
            yield f"The notice of {change.id} was accepted after more than {NOTICE_S_MAX:g} s."


def _request_faults(evidence: Evidence) -> Iterator[str]:
    for agent in STORY_AGENTS:
        replies, unapproved = evidence.replies.get(agent, ()), evidence.unapproved(agent)
        if unapproved:
            yield f"{TEMPTER} is not approved for {agent}, and its server counted {unapproved} of its requests."
        others = {reply.model for reply in replies if reply.fate is Fate.OK} - set(LADDERS[agent])
        if others:
            yield f"Replies to {agent} bear names of models that are not on its ladder: {', '.join(sorted(others))}."
        if not any(reply.named == TEMPTER for reply in replies):
            yield f"The client of {agent} never asked for {TEMPTER} by name, so nothing was shown."
        for fate in FATES[agent]:
            if not evidence.count(agent, fate):
                yield f"No request of {agent} ended as {fate}."
    if not evidence.counted.get(TEMPTER, {}).get(OTHER_AGENT):
        yield f"{TEMPTER} served nobody, so nothing was shown."


def _refusal_faults(evidence: Evidence) -> Iterator[str]:
    if not evidence.refusals:
        yield "No forgery was put on the topic."
    for refusal in evidence.refusals:
        if refusal.reason is None:
            yield f"The gateway did not refuse {refusal.attack.story}."
        elif refusal.reason != refusal.attack.expected:
            yield f"The gateway refused {refusal.attack.story}, as {refusal.reason} and not as {refusal.attack.expected}."


def _move(change: RoutingChange) -> Move:
    return change.source, change.target, change.weight


def _path(moves: Sequence[Move]) -> str:
    told = [
        f"{source or 'safe state'} → {target or 'safe state'}{f' for {weight} %' if weight < WHOLE else ''}"
        for source, target, weight in moves
    ]
    return ", ".join(told) or "nothing"
