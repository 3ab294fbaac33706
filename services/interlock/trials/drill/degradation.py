"""8.6: an agent leaves a model that degrades before that model has failed.

Two agents, two primaries. The first primary turns slow, and answers every request. The second answers most requests, and fails the
others. Neither is ever unavailable: each agent must be moved for what its primary does, slow or faulty, while requests go on to be
answered, and nobody may have judged either primary unavailable by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from interlock.records.change import RoutingChange, Trigger
from interlock.records.health import Level
from interlock.records.rules import WatchedTrigger
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import PATIENCE_S, Field
from interlock.trials.steady_client import Fate, Reply
from interlock.vocabulary.time import SECOND, Micros

P95_MS_MAX = 1_500
"""Far above what any answer takes on a busy machine: only the model that turns slow may be slow."""

SLOW_MS = 2_500
"""Well below the patience of the probe: a model that it gives up on fails, and is not slow."""
ERRORS_MAX = 0.2

BREAK_S_MAX = 2 * SLOW_MS / 1_000
"""Between two answered requests of an agent that asks five times a second: twice what the slow primary takes."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """How a primary degrades, and for which trigger it must be left.

    Attributes:
        agent: Whose primary it is.
        primary: The model that degrades.
        fallback: Where the agent must go.
        becomes: How the primary's server behaves.
        trigger: Why the agent must leave.
        answers_all: Whether the primary goes on to answer every request.
    """

    agent: str
    primary: str
    fallback: str
    becomes: Mapping[str, Any]
    trigger: Trigger
    answers_all: bool


AILMENTS = (
    Ailment("slowed", "moss-large", "moss-small", {"mode": "slow", "latency_ms": SLOW_MS}, Trigger.LATENCY, True),
    Ailment("erring", "reed-large", "reed-small", {"mode": "error", "share": 0.4}, Trigger.ERRORS, False),
)

ROUTE = {
    "triggers": {
        "unavailable": {"for": "100ms"},
        "errors": {"above": f"{ERRORS_MAX:.0%}", "for": "1s"},
        "latency": {"p95_above": f"{P95_MS_MAX}ms", "for": "1s", "tolerated": True},
    }
}

CAST = Cast(
    agents=tuple(Agent(each.agent, (each.primary, each.fallback), route=ROUTE, every_s=0.2) for each in AILMENTS),
    models=tuple(actor for each in AILMENTS for actor in (Actor(each.primary), Actor(each.fallback, latency_ms=60))),
)


async def play(field: Field) -> Seen:
    """Each primary degrades in its own way, and its agent moves.

    Raises:
        NotSeen: One did not, or went elsewhere.
    """
    rows, faults = [], list[str]()
    for ailment in AILMENTS:
        await field.until_placed(ailment.agent, ailment.primary)
        await field.until_replies(ailment.agent, Fate.OK, ailment.primary)
    await field.until_healthy(*(model for each in AILMENTS for model in (each.primary, each.fallback)))
    for ailment in AILMENTS:
        after = len(field.changes(ailment.agent))
        since = field.behave(ailment.primary, **ailment.becomes)
        change = await field.until_moved(ailment.agent, ailment.fallback, after=after, within_s=PATIENCE_S)
        await field.until_obeyed(change)
        await field.until_replies(ailment.agent, Fate.OK, ailment.fallback)
        rows.append(_row(field, ailment, change, since))
        faults += _faults(field, ailment, change, since)
    told = " and ".join(f"{row['degraded_in']} after {row['moved_after_s']:.1f} s" for row in rows)
    return Seen({"degradations": rows}, f"moved for {told}, no primary ever unavailable", tuple(faults))


def _row(field: Field, ailment: Ailment, change: RoutingChange, since: Micros) -> dict[str, Any]:
    """What was seen from the first degraded answer on."""
    replies = _since(field, ailment, since)
    return {
        "agent": ailment.agent,
        "degraded_in": str(ailment.trigger),
        "reason": change.cause.detail,
        "moved_after_s": round((change.issued_at - since) / SECOND, 3),
        "primary_judged_unavailable": _unavailable(field, ailment) is not None,
        "requests": len(replies),
        "answered": sum(reply.fate is Fate.OK for reply in replies),
        "longest_break_s": round(_longest_break_s(replies, since), 3),
        "answers_of_the_primary": _answers(field, ailment, since),
    }


def _faults(field: Field, ailment: Ailment, change: RoutingChange, since: Micros) -> Iterator[str]:
    """What is wrong with how an agent was moved."""
    agent, primary, replies = ailment.agent, ailment.primary, _since(field, ailment, since)
    if (change.source, change.cause.trigger) != (primary, ailment.trigger):
        yield f"{agent} should have left {primary} for {ailment.trigger}, and left {change.source} for {change.cause.trigger}."
    gone = _unavailable(field, ailment)
    if gone is not None and gone <= change.issued_at:
        yield f"{primary} was judged unavailable before {agent} had left it: nothing proactive was shown."
    failed = [reply for reply in replies if reply.fate is not Fate.OK]
    if ailment.answers_all and failed:
        yield f"{len(failed)} requests of {agent} were not answered, though its primary was only slow."
    if _longest_break_s(replies, since) > BREAK_S_MAX:
        yield f"{agent} had no answer for {_longest_break_s(replies, since):.1f} s."
    if "not at all" in _answers(field, ailment, since):
        yield f"The server of {primary} left requests without an answer, which is no degradation but an outage."


def _since(field: Field, ailment: Ailment, since: Micros) -> list[Reply]:
    return [reply for reply in field.replies(ailment.agent) if reply.asked_at >= since]


def _longest_break_s(replies: Sequence[Reply], since: Micros) -> float:
    """The longest time without an answered request."""
    answered = [since, *(reply.at for reply in replies if reply.fate is Fate.OK)]
    return max((later - before) / SECOND for before, later in pairwise(answered)) if len(answered) > 1 else float("inf")


def _unavailable(field: Field, ailment: Ailment) -> Micros | None:
    """When the primary was first judged unavailable; None: it never was."""
    verdicts = (each for each in field.witness.verdicts if each.model == ailment.primary)
    gone = (
        each for each in verdicts if each.objective == WatchedTrigger.UNAVAILABLE and each.level is Level.UNAVAILABLE
    )
    return next((each.issued_at for each in gone), None)


def _answers(field: Field, ailment: Ailment, since: Micros) -> dict[str, int]:
    """By HTTP status, what the primary's own server answered the agent since it degraded."""
    seen = [
        each for each in field.server(ailment.primary).seen if each.user == ailment.agent and each.at * SECOND >= since
    ]
    statuses = [str(each.status or "not at all") for each in seen]
    return {status: statuses.count(status) for status in sorted(set(statuses))}


EXERCISE = Exercise(
    id="8.6",
    title="Degradation before failure",
    clause=(
        "An agent falls back when its model degrades, in latency or in errors, and before it fails. Each is shown alone: the model goes on "
        "to answer, and is never unavailable."
    ),
    cast=CAST,
    acts={Act.TOGETHER: play},
)
