"""Changes and notices as the trials' documents tell them."""

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.records.change import RoutingChange
from interlock.vocabulary.time import SECOND, to_text

SAFE_STATE = "safe_state"
"""Stands for a source or target that is no model."""


def accepted_at(notices: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """By change id, when a webhook accepted each genuine notice of it, in seconds since the epoch, earliest first."""
    told: dict[str, list[float]] = {}
    for notice in notices:
        if notice["genuine"] and 200 <= notice["status"] < 300:
            told.setdefault(notice["body"]["data"]["change_id"], []).append(notice["at"])
    return told


def change_document(change: RoutingChange, told: Sequence[float]) -> dict[str, Any]:
    """One change; the source of a route's first change is null.

    Args:
        change: The change.
        told: When the governance webhook accepted a notice of it.
    """
    return {
        "timestamp": to_text(change.issued_at),
        "route": change.route.key,
        "reason": f"{change.cause.trigger}: {change.cause.detail}",
        "source": change.source or (None if change.version == 1 else SAFE_STATE),
        "target": change.target or SAFE_STATE,
        "verification": [
            {"model": check.model, "check": check.check, "passed": check.passed, "detail": check.detail}
            for check in change.verification
        ],
        "notice_accepted_after_s": round(told[0] - change.issued_at / SECOND, 3) if told else None,
    }
