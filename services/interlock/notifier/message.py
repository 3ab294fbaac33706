"""What people are told: one routing change in plain words (`wording`), and the same as data. Pure.

The body has the shape of Standard Webhooks, `{type, timestamp, data}`, and depends on the change alone, so every attempt sends
the same bytes. Rules:

1. Only the signed change speaks: never a model's output, a prompt, an endpoint or a secret.
2. Its texts are on one line each, without characters that hide or rearrange them (`wording.plain`).
3. The body stays below `BODY_BYTES_MAX`; where lists and texts had to be cut, `omitted` says how much.
"""

import json
from collections.abc import Mapping
from typing import Any

from interlock.notifier.wording import Cut, approval_command, failed_checks, plain, summary, text
from interlock.records.change import RoutingChange
from interlock.vocabulary.time import SECOND, Micros, to_text

EVENT_TYPE = "interlock.routing_change"
"""The `type` of every body."""

BODY_BYTES_MAX = 20_000
"""Standard Webhooks asks for less than 20 kB, so that receivers can be simple."""

_CUTS = (Cut(500, 64), Cut(200, 32), Cut(50, 6))
"""Tried in this order; the last one fits whatever the change says."""


def body_of(change: RoutingChange, event_id: bytes) -> bytes:
    """The body that tells of a change: JSON in UTF-8, the same bytes for every attempt.

    Args:
        change: The change, verified.
        event_id: Its identity, 32 bytes: the idempotency key, in hex.
    """
    bodies = (_encoded(change, event_id, cut) for cut in _CUTS)
    body = next((body for body in bodies if len(body) < BODY_BYTES_MAX), None)
    assert body is not None, "the tightest cut fits any change"
    return body


def told(kind: str, at: Micros, data: Mapping[str, Any]) -> bytes:
    """A body: its type, the time that it speaks of, what it says."""
    document = {"type": kind, "timestamp": to_text(at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _encoded(change: RoutingChange, event_id: bytes, cut: Cut) -> bytes:
    data = {
        "summary": summary(change, cut),
        "text": text(change, cut),
        "event_id": event_id.hex(),
        **_change(change, cut),
        "verification": _verification(change, cut),
    }
    return told(EVENT_TYPE, change.issued_at, data)


def _change(change: RoutingChange, cut: Cut) -> dict[str, Any]:
    """The change as data."""
    return {
        "change_id": plain(change.id, cut.chars),
        "deployment": plain(change.deployment, cut.chars),
        "route": plain(change.route.key, cut.chars),
        "order": str(change.order),
        "source": _name(change.source, cut),
        "target": _name(change.target, cut),
        "safe_state": _name(change.safe_state, cut),
        "weight": change.weight,
        "canary": plain(change.canary, cut.chars) or None,
        "proposal": _proposal(change, cut),
        "cause": {
            "trigger": str(change.cause.trigger),
            "model": _name(change.cause.model, cut),
            "detail": plain(change.cause.detail, cut.chars),
        },
        "material": change.material,
        "material_in": [plain(what, cut.chars) for what in change.material_in[: cut.items]],
        "delta": [
            {part: plain(getattr(delta, part), cut.chars) for part in ("dimension", "source", "target")}
            for delta in change.delta[: cut.items]
        ],
        "policy_version": change.policy_version,
        "policy_digest": change.policy_digest.hex()[:64],
        "accepted_by": plain(change.accepted_by, cut.chars),
        "accountable_team": plain(change.team, cut.chars),
        "issued_at": to_text(change.issued_at),
        "expected_s": change.expected_us / SECOND if change.expected_us else None,
        "expected_from": change.expected_from,
        "expected_like": plain(change.expected_like, cut.chars) or None,
        "review_due": to_text(change.review_due),
    }


def _proposal(change: RoutingChange, cut: Cut) -> dict[str, Any] | None:
    """What waits for approval, and the command line that approves it."""
    if change.proposed is None:
        return None
    return {
        "id": plain(change.proposal, cut.chars),
        "model": plain(change.proposed, cut.chars),
        "until": to_text(change.proposal_until),
        "approve": approval_command(change, cut),
    }


def _verification(change: RoutingChange, cut: Cut) -> dict[str, Any]:
    failed = failed_checks(change)
    listed = sorted(change.verification, key=lambda check: check.passed)[: cut.items]
    return {
        "passed": len(change.verification) - len(failed),
        "failed": len(failed),
        "checks": [
            {
                "model": plain(check.model, cut.chars),
                "check": plain(check.check, cut.chars),
                "passed": check.passed,
                "detail": plain(check.detail, cut.chars),
            }
            for check in listed
        ],
        "omitted": len(change.verification) - len(listed) + max(0, len(change.delta) - cut.items),
    }


def _name(name: str | None, cut: Cut) -> str | None:
    return None if name is None else plain(name, cut.chars)
