"""What a replay came to, as one document. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.records.change import RoutingChange
from interlock.records.health import Level, Outcome, Verdict
from interlock.trials.replay.trace import RecordedCall
from interlock.trials.told import change_document
from interlock.vocabulary.time import Micros, to_text

_WORSE = (Level.UNKNOWN, Level.HEALTHY, Level.DEGRADED, Level.UNAVAILABLE)
"""What a model was judged to be at worst. Every model begins as unknown, so that says nothing where anything else was said."""


def document(
    calls: Sequence[RecordedCall],
    verdicts: Sequence[Verdict],
    changes: Sequence[RoutingChange],
    told: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """The report for programs: the contract of `interlock replay --json`.

    Args:
        calls: The trace.
        verdicts: Every verdict whose level differed from the one before under its key, in order.
        changes: Every change in the audit log.
        told: By change id, when a notice of it was accepted.
    """
    return {
        "verdicts": [_verdict(verdict) for verdict in verdicts],
        "changes": [change_document(change, told.get(change.id, ())) for change in sorted(changes, key=_issued)],
        "per_model": per_model(calls, verdicts),
    }


def per_model(calls: Sequence[RecordedCall], verdicts: Sequence[Verdict]) -> dict[str, dict[str, Any]]:
    """By model: its calls, those that did not succeed, and the worst that it was judged to be during the trace."""
    total = Counter(call.model for call in calls)
    failed = Counter(call.model for call in calls if call.outcome is not Outcome.OK)
    return {
        model: {
            "calls": total[model],
            "errors": failed[model],
            "verdict": str(_worst([verdict.level for verdict in verdicts if verdict.model == model])),
        }
        for model in sorted(total)
    }


def _worst(levels: Sequence[Level]) -> Level:
    return max(levels, key=_WORSE.index, default=Level.UNKNOWN)


def _issued(change: RoutingChange) -> Micros:
    return change.issued_at


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "timestamp": to_text(verdict.issued_at),
        "model": verdict.model,
        "objective": verdict.objective,
        "level": str(verdict.level),
        "detail": verdict.detail,
        "calls": verdict.calls,
    }
