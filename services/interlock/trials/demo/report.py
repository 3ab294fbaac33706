"""What the demo came to: from evidence to one document, and to everything in it that is not as it should be.

Pure: the evidence was gathered at the outer edge (`gather`), and nothing here asks a service how it went.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.records.change import RoutingChange
from interlock.trials.demo.cast import AGENT, FALLBACK, LADDER, OTHER_AGENT, PRIMARY, ROUTE, TEMPTER
from interlock.trials.demo.client import Fate, Reply
from interlock.trials.demo.story import Refusal
from interlock.trials.told import change_document
from interlock.vocabulary.time import SECOND

NOTICE_S_MAX = 300.0
"""The promise of DESIGN 7."""


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """What the audit log came to, decided again from its beginning.

    Attributes:
        records: Records that count.
        differences: Steps whose replay gave something else, in words.
        cut: Shards whose first record is not the first one written.
    """

    records: int
    differences: tuple[str, ...]
    cut: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen from outside.

    Attributes:
        changes: Every change in the audit log, in order.
        beginning: How many changes the story's route had had when the story began.
        told: By change id, when the governance webhook accepted each notice of it, in seconds since the epoch.
        replies: What the agent's client got.
        counted: By model, how many requests its own server counted of each user.
        first_failure_s: When the primary's server first failed, in seconds since the epoch; None: it never did.
        refusals: What became of the attacks.
        audit: The audit log's own figures.
        trouble: What the story waited for in vain.
    """

    changes: Sequence[RoutingChange]
    beginning: int
    told: Mapping[str, Sequence[float]]
    replies: Sequence[Reply]
    counted: Mapping[str, Mapping[str, int]]
    first_failure_s: float | None
    refusals: Sequence[Refusal]
    audit: AuditFigures
    trouble: str

    @property
    def story(self) -> list[RoutingChange]:
        """The changes of the story's route since it began."""
        return [change for change in self.changes if change.route == ROUTE][self.beginning :]

    def count(self, fate: Fate) -> int:
        """How many requests of the agent had this fate."""
        return sum(1 for reply in self.replies if reply.fate is fate)

    @property
    def unapproved(self) -> int:
        """How many requests of the agent reached the model that is not approved for it, by that model's own count."""
        return self.counted.get(TEMPTER, {}).get(AGENT, 0)

    @property
    def reaction_s(self) -> float | None:
        """From the primary's first failure to the change that left it; None where either is missing."""
        left = next((change for change in self.story if change.source == PRIMARY), None)
        if left is None or self.first_failure_s is None:
            return None
        return left.issued_at / SECOND - self.first_failure_s


def document(evidence: Evidence) -> dict[str, Any]:
    """The report for programs: the contract of `interlock demo --json`."""
    reaction = evidence.reaction_s
    return {
        "changes": [change_document(change, evidence.told.get(change.id, ())) for change in evidence.changes],
        "requests": {
            "total": len(evidence.replies),
            "ok": evidence.count(Fate.OK),
            "failed": evidence.count(Fate.FAILED),
            "safe_state": evidence.count(Fate.SAFE_STATE),
            "unapproved": evidence.unapproved,
        },
        "refused": [
            {"kind": refusal.attack.kind, "reason": refusal.reason} for refusal in evidence.refusals if refusal.reason
        ],
        "audit": {
            "records": evidence.audit.records,
            "changes": len(evidence.changes),
            "replayed_identical": not _audit_faults(evidence.audit),
        },
        "first_failure_to_route_change_s": None if reaction is None else round(reaction, 3),
    }


def faults(evidence: Evidence) -> list[str]:
    """Everything that is not as it should be, one sentence each; empty: the demo shows what it claims."""
    return [
        *([evidence.trouble] if evidence.trouble else []),
        *_story_faults(evidence),
        *_notice_faults(evidence),
        *_request_faults(evidence),
        *_refusal_faults(evidence),
        *_audit_faults(evidence.audit),
    ]


def _story_faults(evidence: Evidence) -> Iterator[str]:
    expected = [(PRIMARY, FALLBACK), (FALLBACK, None), (None, PRIMARY)]
    seen = [(change.source, change.target) for change in evidence.story]
    if seen != expected:
        yield f"{ROUTE.key} should have moved {_path(expected)}; the audit log says {_path(seen)}."
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
    if evidence.unapproved:
        yield f"{TEMPTER} is not approved for {AGENT}, and its server counted {evidence.unapproved} of its requests."
    others = {reply.model for reply in evidence.replies if reply.fate is Fate.OK} - set(LADDER)
    if others:
        yield f"Replies bear the names of models that are not on the ladder: {', '.join(sorted(others))}."
    if not any(reply.named == TEMPTER for reply in evidence.replies):
        yield f"The client never asked for {TEMPTER} by name, so nothing was shown."
    if not evidence.counted.get(TEMPTER, {}).get(OTHER_AGENT):
        yield f"{TEMPTER} served nobody, so nothing was shown."
    for fate in (Fate.OK, Fate.SAFE_STATE):
        if not evidence.count(fate):
            yield f"No request ended as {fate}."


def _refusal_faults(evidence: Evidence) -> Iterator[str]:
    if not evidence.refusals:
        yield "No forgery was put on the topic."
    for refusal in evidence.refusals:
        if refusal.reason is None:
            yield f"The gateway did not refuse {refusal.attack.story}."
        elif refusal.reason != refusal.attack.expected:
            yield f"The gateway refused {refusal.attack.story}, as {refusal.reason} and not as {refusal.attack.expected}."


def _audit_faults(audit: AuditFigures) -> list[str]:
    found = [f"Replaying the audit log gives something else: {difference}." for difference in audit.differences]
    if audit.cut:
        found.append(f"The audit log has lost its beginning on shards {list(audit.cut)}.")
    if not audit.records:
        found.append("The audit log is empty.")
    return found


def _path(moves: Sequence[tuple[str | None, str | None]]) -> str:
    return ", ".join(f"{source or 'safe state'} → {target or 'safe state'}" for source, target in moves) or "nothing"
