"""What people are told: one routing change in plain words, and the same as data. Pure.

The body has the shape of Standard Webhooks, `{type, timestamp, data}`, and depends on the change alone, so every attempt sends
the same bytes. Rules:

1. Only the signed change speaks: never a model's output, a prompt, an endpoint or a secret.
2. Its texts lose control, formatting and private-use characters, line breaks included: nobody who can word a detail can start
   a new line, turn the reading direction or hide a part.
3. The body stays below `BODY_BYTES_MAX`; where lists and texts had to be cut, `omitted` says how much.
"""

import json
import unicodedata
from dataclasses import dataclass
from typing import Any

from interlock.records.change import Check, RoutingChange, Trigger
from interlock.vocabulary.time import to_text

EVENT_TYPE = "interlock.routing_change"
"""The `type` of every body."""

BODY_BYTES_MAX = 20_000
"""Standard Webhooks asks for less than 20 kB, so that receivers can be simple."""

_HIDDEN = ("C", "Zl", "Zp")
"""Unicode categories that show nothing or change what is shown: control, format, surrogate, private use, line separators."""

_WHY = {
    Trigger.OTHER: "for a reason that this notifier does not know yet",
    Trigger.POLICY: "a new policy or trust root is in force",
    Trigger.RECOVERED: "{model} has been stable long enough",
    Trigger.UNAVAILABLE: "{model} is unavailable",
    Trigger.ERRORS: "{model} fails too often",
    Trigger.THROTTLED: "{model} is throttled by its provider",
    Trigger.LATENCY: "{model} is too slow",
    Trigger.DISABLED: "an operator disabled {model}",
    Trigger.DENIED: "the safety role denied {model}",
    Trigger.EVIDENCE_EXPIRED: "the validation evidence of {model} expired",
    Trigger.POLICY_EXPIRED: "the policy expired",
    Trigger.NOT_ADMISSIBLE: "policy no longer allows {model}",
}


@dataclass(frozen=True, slots=True)
class _Cut:
    """How much of each text (characters) and of each list (items) is told."""

    chars: int
    items: int


_CUTS = (_Cut(500, 64), _Cut(200, 32), _Cut(50, 6))
"""Tried in this order; the last one fits whatever the change says."""


def plain(text: str, chars_max: int = 500) -> str:
    """The text on one line, without characters that hide or rearrange it, cut to a length."""
    looked_at = text[: 4 * chars_max]
    shown = "".join(" " if unicodedata.category(char).startswith(_HIDDEN) else char for char in looked_at)
    line = " ".join(shown.split())
    whole = len(line) <= chars_max and len(looked_at) == len(text)
    return line if whole else line[: chars_max - 1] + "…"


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


def _encoded(change: RoutingChange, event_id: bytes, cut: _Cut) -> bytes:
    data = {
        "summary": _summary(change, cut),
        "text": _text(change, cut),
        "event_id": event_id.hex(),
        **_told(change, cut),
        "verification": _verification(change, cut),
    }
    document = {"type": EVENT_TYPE, "timestamp": to_text(change.issued_at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _told(change: RoutingChange, cut: _Cut) -> dict[str, Any]:
    """The change as data."""
    return {
        "change_id": plain(change.id, cut.chars),
        "deployment": plain(change.deployment, cut.chars),
        "route": plain(change.route.key, cut.chars),
        "order": str(change.order),
        "source": _name(change.source, cut),
        "target": _name(change.target, cut),
        "safe_state": _name(change.safe_state, cut),
        "cause": {
            "trigger": str(change.cause.trigger),
            "model": _name(change.cause.model, cut),
            "detail": plain(change.cause.detail, cut.chars),
        },
        "material": change.material,
        "delta": [
            {part: plain(getattr(delta, part), cut.chars) for part in ("dimension", "source", "target")}
            for delta in change.delta[: cut.items]
        ],
        "policy_version": change.policy_version,
        "policy_digest": change.policy_digest.hex()[:64],
        "accepted_by": plain(change.accepted_by, cut.chars),
        "accountable_team": plain(change.team, cut.chars),
        "issued_at": to_text(change.issued_at),
        "review_due": to_text(change.review_due),
    }


def _verification(change: RoutingChange, cut: _Cut) -> dict[str, Any]:
    failed = _failed(change)
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


def _name(model: str | None, cut: _Cut) -> str | None:
    return None if model is None else plain(model, cut.chars)


def _failed(change: RoutingChange) -> list[Check]:
    return [check for check in change.verification if not check.passed]


def _summary(change: RoutingChange, cut: _Cut) -> str:
    """The change in one line."""
    return plain(f"{change.route.key} {_moved(change)}: {_why(change)}", 4 * cut.chars)


def _moved(change: RoutingChange) -> str:
    first = change.source is None and change.version == 1
    if change.target is None:
        state = f"its SAFE STATE ({change.safe_state})"
        return f"begins in {state}" if first else f"is in {state}, after {change.source or 'the same'}"
    if change.target == change.source:
        return f"stays with {change.target}"
    return (
        f"begins with {change.target}"
        if first
        else f"moved from {change.source or 'its safe state'} to {change.target}"
    )


def _why(change: RoutingChange) -> str:
    return _WHY[change.cause.trigger].replace("{model}", change.cause.model or "the model")


def _text(change: RoutingChange, cut: _Cut) -> str:
    """The change as a person reads it: what, why, what was verified, who answers for it, when."""
    accepted = f"; the target was accepted by {change.accepted_by}" if change.accepted_by else ""
    detail = f": {change.cause.detail}" if change.cause.detail else ""
    lines = [
        f"What: {change.route.key} {_moved(change)}.",
        f"Why: {_why(change)}{detail}.",
        f"Verified: {_verified(change, cut)}",
        f"Differences: {_differences(change, cut)}",
        f"Accountable: {change.team}{accepted}; review due {to_text(change.review_due)}.",
        f"When: {to_text(change.issued_at)}, order {change.order}, policy version {change.policy_version}.",
    ]
    return "\n".join(plain(line, 4 * cut.chars) for line in lines)


def _verified(change: RoutingChange, cut: _Cut) -> str:
    failed = _failed(change)
    counted = f"{len(change.verification) - len(failed)} of {len(change.verification)} checks passed."
    shown = [f"{check.model} fails {check.check}" for check in failed[: min(5, cut.items)]]
    more = [f"and {len(failed) - len(shown)} more"] if len(failed) > len(shown) else []
    return counted + (f" {'; '.join(shown + more)}." if failed else "")


def _differences(change: RoutingChange, cut: _Cut) -> str:
    shown = [f"{delta.dimension} {delta.source} → {delta.target}" for delta in change.delta[: min(8, cut.items)]]
    more = [f"and {len(change.delta) - len(shown)} more"] if len(change.delta) > len(shown) else []
    weight = "Material." if change.material else "Not material."
    return f"{'; '.join(shown + more) or 'none'}. {weight}"
