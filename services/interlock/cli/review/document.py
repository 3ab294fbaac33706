"""What `interlock review show` says of one change, as one document. Pure; the keys are a contract with scripts.

A figure always stands with how many calls it rests on and its 95 % interval; what nobody reports is null, never 0.
"""

from collections.abc import Iterator
from typing import Any

from interlock.cli.picture import command_line, review_document
from interlock.cli.review.reviewed import Reviewed, Story
from interlock.decision.core.commands import who_may
from interlock.decision.core.state import State
from interlock.decision.core.usable import Case, health
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.comparison import CallsOf, Kind, Latency, Period, Seen, Share
from interlock.records.health import Level
from interlock.records.rules import WatchedTrigger
from interlock.records.state import VerdictEntry
from interlock.records.telling import Breach, Notice
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros, to_text
from interlock.wire.topics import TELEMETRY

COMPARED = (
    WatchedTrigger.LATENCY,
    WatchedTrigger.ERRORS,
    WatchedTrigger.QUALITY,
    WatchedTrigger.REFUSALS,
    WatchedTrigger.COST,
)
"""What a comparison must speak of (DESIGN 5, rule 7)."""

OUTCOMES = (ReviewOutcome.CONFIRM, ReviewOutcome.REAPPROVE, ReviewOutcome.REVOKE)
"""How a review can end."""

_KEPT_US = Micros(TELEMETRY.retention_ms * 1_000)
_WORST = (Level.HEALTHY, Level.UNKNOWN, Level.DEGRADED, Level.UNAVAILABLE)


def document(reviewed: Reviewed, now: Micros) -> dict[str, Any]:
    """Everything about one change; a source or target of null is the safe state."""
    story = reviewed.story
    return {
        **_ordered(story),
        "review": _review(story, now),
        "told": [_notice(said) for said in reviewed.told if isinstance(said, Notice)],
        "breaches": [_breach(said) for said in reviewed.told if isinstance(said, Breach)],
        "verdicts": verdicts(story, now),
        "prices_usd_per_mtok": _prices(story),
        "figures": _figures(reviewed, now),
    }


def _ordered(story: Story) -> dict[str, Any]:
    change = story.change
    return {
        "change": change.id,
        "route": change.route.key,
        "agent": change.agent,
        "team": change.team,
        "source": change.source,
        "target": change.target,
        "safe_state": change.safe_state,
        "weight": change.weight,
        "issued_at": to_text(change.issued_at),
        "reason": str(change.cause.trigger),
        "detail": change.cause.detail,
        "evidence": [identity.hex() for identity in change.cause.evidence],
        "verification": [
            {"model": each.model, "check": each.check, "passed": each.passed, "detail": each.detail}
            for each in change.verification
        ],
        "delta": [{"dimension": each.dimension, "source": each.source, "target": each.target} for each in change.delta],
        "material": change.material,
        "material_in": list(change.material_in),
        "accepted_by": change.accepted_by or None,
        "policy_version": change.policy_version,
    }


def _review(story: Story, now: Micros) -> dict[str, Any]:
    entry, closed, change = story.now.reviews.get(story.change.id), story.closed, story.change
    if entry is not None:
        told = review_document(change.id, entry, now)
        return {
            "state": "overdue" if told["overdue"] else "open",
            "due": told["due"],
            "closed": None,
            "commands": {str(outcome): closing(story.now, change.route, change.id, outcome) for outcome in OUTCOMES},
        }
    ended = None
    if closed is not None:
        said = closed.command
        ended = {
            "outcome": str(said.outcome),
            "by": sorted(closed.signers),
            "at": to_text(closed.at),
            "reason": said.reason,
            "ticket": said.ticket or None,
        }
    state = "closed" if story.reviewed else "none"
    return {
        "state": state,
        "due": to_text(change.review_due) if story.reviewed else None,
        "closed": ended,
        "commands": {},
    }


def closing(state: State, route: RouteId, change: str, outcome: ReviewOutcome) -> str:
    """The command that closes a review in one way, with the key of somebody who may."""
    people, needed = who_may(state.book, route.agent, Verb.REVIEW, outcome)
    line = command_line("review", "close", change, "--outcome", str(outcome), keys=sorted(people)[:needed])
    return f"{line} --reason REASON"


def _notice(said: Notice) -> dict[str, Any]:
    return {
        "channel": said.channel,
        "kind": str(said.kind),
        "attempt": said.attempt,
        "status": said.status or None,
        "detail": said.detail,
        "at": to_text(said.at),
        "after_s": (said.at - said.change_issued_at) / SECOND,
    }


def _breach(said: Breach) -> dict[str, Any]:
    return {
        "watch": said.watch,
        "deadline_s": said.deadline_us / SECOND,
        "suspends": said.suspends,
        "detail": said.detail,
        "at": to_text(said.at),
    }


def verdicts(story: Story, now: Micros) -> list[dict[str, Any]]:
    """Source and target under every objective of the route, as they were judged at the change and are now.

    A side is null in the safe state; both are, with `watched` false, where the policy watches nothing of a kind that must be compared.
    """
    change = story.change
    rule = story.then.book.rule(change.route) or story.now.book.rule(change.route)
    objectives = {watched.objective: watched.trigger for watched in rule.triggers} if rule is not None else {}
    rows = [_row(story, objective, now) for objective in objectives]
    missing = [kind for kind in COMPARED if kind not in objectives.values()]
    return rows + [{"objective": str(kind), "watched": False, "source": None, "target": None} for kind in missing]


def _row(story: Story, objective: str, now: Micros) -> dict[str, Any]:
    change = story.change
    return {
        "objective": objective,
        "watched": True,
        "source": _side(story, change.source, objective, now),
        "target": _side(story, change.target, objective, now),
    }


def _side(story: Story, model: str | None, objective: str, now: Micros) -> dict[str, Any] | None:
    if model is None:
        return None
    change = story.change
    return {
        "then": _judged(story.then, change.route, model, objective, change.issued_at),
        "now": _judged(story.now, change.route, model, objective, now),
    }


def _judged(state: State, route: RouteId, model: str, objective: str, at: Micros) -> dict[str, str]:
    rule = state.book.rule(route)
    case = Case(state, route, rule, at) if rule is not None else None
    seen = [each.entry for each in health(case, model) if each.rule.objective == objective] if case else []
    worst: VerdictEntry | None = max(
        (entry for entry in seen if entry is not None), key=lambda verdict: _WORST.index(verdict.level), default=None
    )
    if worst is None:
        return {"level": str(Level.UNKNOWN), "detail": "no verdict"}
    return {"level": str(worst.level), "detail": worst.detail}


def _prices(story: Story) -> dict[str, float | None]:
    """What the registry says that each model costs: a price, not what was spent, of which nobody reports."""
    rule = story.then.book.rule(story.change.route)
    found = {}
    for side, model in (("source", story.change.source), ("target", story.change.target)):
        rung = rule.rung(model) if rule is not None and model is not None else None
        found[side] = rung.model.usd_per_mtok if rung is not None else None
    return found


def _figures(reviewed: Reviewed, now: Micros) -> dict[str, Any]:
    reported = reviewed.reported
    asked = reported.question
    ends = Micros(min(now, asked.at + asked.within_us))
    return {
        "from": to_text(Micros(asked.at - asked.within_us)),
        "to": to_text(ends),
        "vanish_from": to_text(Micros(asked.at - asked.within_us + _KEPT_US)),
        "gone_at": to_text(Micros(ends + _KEPT_US)),
        "may_lack_some": now >= asked.at - asked.within_us + _KEPT_US,
        "calls_across_the_change": reported.comparison.across,
        "batches_not_verified": reported.unverified,
        "confidence": 0.95,
        "quality": None,
        "cost": None,
        "seen": list(_rows(reviewed)),
    }


def _rows(reviewed: Reviewed) -> Iterator[dict[str, Any]]:
    seen, change = reviewed.reported.comparison.seen, reviewed.story.change
    for who in CallsOf:
        for side, model in (("source", change.source), ("target", change.target)):
            for when in Period:
                if model is not None:
                    yield {"calls_of": str(who), "side": side, "model": model, "period": str(when)} | _seen(
                        seen[model, who, when]
                    )


def _seen(seen: Seen) -> dict[str, Any]:
    return {
        "calls": seen.calls,
        "from": to_text(seen.since) if seen.since else None,
        "to": to_text(seen.until) if seen.until else None,
        "reporters": dict(sorted(seen.reporters.items())),
        "outcomes": dict(sorted(seen.outcomes.items())),
        **{str(kind): _share(seen.share(kind)) for kind in Kind},
        "latency_p50_s": _latency(seen.slower(0.5)),
        "latency_p95_s": _latency(seen.slower(0.95)),
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "count": share.count,
        "of": share.of,
        "share": share.count / share.of if share.of else None,
        "between": list(share.between) if share.between else None,
    }


def _latency(latency: Latency) -> dict[str, Any]:
    return {"of": latency.of, "value": latency.value, "between": list(latency.between) if latency.of else None}
