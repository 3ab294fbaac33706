"""What the demo came to, as one document for programs: the contract of `interlock demo --json`.

Pure: the evidence was gathered at the outer edge (`gather`), and nothing here asks a service how it went.
"""

from collections.abc import Mapping
from typing import Any

from interlock.records.change import RoutingChange, Trigger
from interlock.trials.demo.cast import CANARY_WEIGHT, SLOW, STORY_AGENTS, SUPPORT_ROUTE, TRIED
from interlock.trials.demo.evidence import Answered, Evidence, Tried, Waited
from interlock.trials.demo.faults import audit_faults
from interlock.trials.steady_client import Fate
from interlock.trials.told import change_document


def document(evidence: Evidence) -> dict[str, Any]:
    """The report for programs."""
    reaction = evidence.reaction_s
    return {
        "changes": [_change(evidence, change) for change in evidence.changes],
        "requests": {
            **_requests(evidence, *STORY_AGENTS),
            "by_agent": {agent: _requests(evidence, agent) for agent in STORY_AGENTS},
        },
        "refused": [
            {"kind": refusal.attack.kind, "reason": refusal.reason} for refusal in evidence.refusals if refusal.reason
        ],
        "canary": _canary(evidence, evidence.tried) if evidence.tried else None,
        "approval": _approval(evidence, evidence.waited) if evidence.waited else None,
        "tickets": {"given": _given(evidence), "kept": _given(evidence) - len(evidence.lost_tickets)},
        "audit": {
            "records": evidence.audit.records,
            "changes": len(evidence.changes),
            "replayed_identical": not audit_faults(evidence.audit),
        },
        "first_failure_to_route_change_s": None if reaction is None else round(reaction, 3),
    }


def _change(evidence: Evidence, change: RoutingChange) -> dict[str, Any]:
    """One change; `weight` is the target's share, per cent, and `proposed` the model that waits for approval."""
    told = change_document(change, evidence.told.get(change.id, ()))
    return {**told, "weight": change.weight, "proposed": change.proposed}


def _requests(evidence: Evidence, *agents: str) -> dict[str, int]:
    counted = {str(fate): sum(evidence.count(agent, fate) for agent in agents) for fate in Fate}
    return {"total": sum(counted.values()), **counted, "unapproved": evidence.unapproved(*agents)}


def _canary(evidence: Evidence, tried: Tried) -> dict[str, Any]:
    back = evidence.first(SUPPORT_ROUTE, Trigger.CANARY_FAILED)
    models = list(evidence.conversations.values())
    return {
        "route": SUPPORT_ROUTE.key,
        "source": SLOW,
        "model": TRIED,
        "weight": CANARY_WEIGHT,
        "weight_seen": round(100 * tried.share, 1),
        "counted": dict(tried.counted),
        "conversations": {"source": models.count(frozenset({SLOW})), "canary": models.count(frozenset({TRIED}))},
        "conversations_split": sum(1 for answered in models if len(answered) > 1),
        "rolled_back": back is not None,
        "reason": back.cause.detail if back else None,
    }


def _approval(evidence: Evidence, waited: Waited) -> dict[str, Any]:
    hold = waited.status.get("hold") or {}
    answers: tuple[Answered | None, ...] = (waited.unauthorised, waited.approved)
    waited_s = evidence.waited_s
    return {
        "route": SUPPORT_ROUTE.key,
        "model": hold.get("model"),
        "material": list(hold.get("material", ())),
        "until": hold.get("until"),
        "safe_state": waited.status.get("safe_state"),
        "answers": [_answer(answer) for answer in answers if answer is not None],
        "waited_s": None if waited_s is None else round(waited_s, 3),
        "requests_before": waited.before,
    }


def _answer(answer: Answered) -> Mapping[str, Any]:
    return {"signed_by": list(answer.signed_by), "accepted": answer.accepted, "reason": answer.reason or None}


def _given(evidence: Evidence) -> int:
    return sum(evidence.count(agent, Fate.TICKET) for agent in STORY_AGENTS)
