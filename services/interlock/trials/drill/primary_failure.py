"""8.1: when a primary fails, its agent follows the order of the policy, rung by rung.

The agent's ladder has four rungs, and the last is the quickest and never fails. The primary refuses connections: after `unavailable`
has lasted for its `for`, the agent moves to the first fallback. Most of that one's answers turn into errors: after `errors` has lasted
for its own `for`, the agent moves to the second. Nobody's health, speed or price decides where to; the order does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.records.change import RoutingChange, Trigger
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import UNDER_WAY, Field
from interlock.trials.steady_client import Fate
from interlock.vocabulary.time import SECOND, Micros, seconds, to_text

AGENT = "order"
PRIMARY, FIRST, SECOND_ONE, QUICK = "order-primary", "order-first", "order-second", "order-quick"


@dataclass(frozen=True, slots=True)
class Step:
    """How one model fails, and what must follow: where the agent goes, for which trigger, after how long at the earliest."""

    model: str
    fails: Mapping[str, Any]
    target: str
    trigger: Trigger
    lasts: Micros


STEPS = (
    Step(PRIMARY, {"mode": "refuse"}, FIRST, Trigger.UNAVAILABLE, seconds(0.5)),
    Step(FIRST, {"mode": "error", "share": 0.6}, SECOND_ONE, Trigger.ERRORS, seconds(2)),
)

CAST = Cast(
    agents=(
        Agent(
            AGENT,
            (PRIMARY, FIRST, SECOND_ONE, QUICK),
            route={"triggers": {"unavailable": {"for": "500ms"}, "errors": {"above": "40%", "for": "2s"}}},
            every_s=0.1,
        ),
    ),
    models=(Actor(PRIMARY, 40), Actor(FIRST, 60), Actor(SECOND_ONE, 80), Actor(QUICK, 1)),
)


async def play(field: Field) -> Seen:
    """The primary dies, then its first fallback fails for the greater part."""
    await field.until_placed(AGENT, PRIMARY)
    await field.until_healthy(FIRST, SECOND_ONE, QUICK)
    await field.until_replies(AGENT, Fate.OK, PRIMARY)

    left = [await _left(field, step) for step in STEPS]
    faults = [
        fault for step, (change, failing) in zip(STEPS, left, strict=True) for fault in _faults(step, change, failing)
    ]
    faults += _request_faults(field, [change for change, _ in left])
    moves = [_told(change, failing) for change, failing in left]
    counted = field.counted(AGENT)
    summary = (
        f"{PRIMARY} → {FIRST} → {SECOND_ONE}, {moves[0]['after_first_failure_s']:.1f} s and "
        f"{moves[1]['after_first_failure_s']:.1f} s after the first failure; {QUICK}, the quickest, counted no request"
    )
    return Seen({"moves": moves, "counted_by_model_servers": dict(counted)}, summary, tuple(faults))


async def _left(field: Field, step: Step) -> tuple[RoutingChange, Micros]:
    """A model's server fails and the agent leaves it; the change, and when the server first failed."""
    after = len(field.changes(AGENT))
    told = field.behave(step.model, **step.fails)
    change = await field.until_moved(AGENT, step.target, after=after)
    await field.until_obeyed(change)
    await field.until_replies(AGENT, Fate.OK, step.target)
    failures = (seen.at for seen in field.server(step.model).seen if seen.status != 200 and seen.at * SECOND >= told)
    return change, Micros(round(min(failures) * SECOND))


def _told(change: RoutingChange, failing: Micros) -> dict[str, Any]:
    return {
        "timestamp": to_text(change.issued_at),
        "source": change.source,
        "target": change.target,
        "reason": f"{change.cause.trigger}: {change.cause.detail}",
        "checks_passed": sum(check.passed for check in change.verification),
        "after_first_failure_s": round((change.issued_at - failing) / SECOND, 3),
    }


def _faults(step: Step, change: RoutingChange, failing: Micros) -> Iterator[str]:
    """What is wrong with one move."""
    if (change.source, change.cause.trigger) != (step.model, step.trigger):
        yield (
            f"The move to {step.target} should have come from {step.model} for {step.trigger}; the audit log says "
            f"{change.source} and {change.cause.trigger}."
        )
    if change.issued_at - failing < step.lasts:
        yield (
            f"{step.model} was left {(change.issued_at - failing) / SECOND:.2f} s after its first failure, though "
            f"{step.trigger} must last for {step.lasts / SECOND:g} s."
        )


def _request_faults(field: Field, moves: Sequence[RoutingChange]) -> list[str]:
    """No server may be asked before its model was ordered, or after it was left; and never one that the order did not reach."""
    faults = [
        f"The server of {change.target} counted {early} requests before the agent was moved there."
        for change in moves
        if change.target and (early := field.asked(change.target, AGENT, until=change.issued_at))
    ]
    for change in moves:
        obeyed = field.obeyed_at(change)
        if change.source and (late := field.asked(change.source, AGENT, since=Micros(obeyed + UNDER_WAY))):
            faults.append(f"The server of {change.source} counted {late} requests after the agent had left it.")
    if quick := field.asked(QUICK, AGENT):
        faults.append(f"The server of {QUICK} counted {quick} requests, though rungs above it were well.")
    return faults


EXERCISE = Exercise(
    id="8.1",
    title="Primary failure",
    clause="When a primary fails, the agent falls back in the order of its policy, and to nothing else.",
    cast=CAST,
    acts={Act.TOGETHER: play},
)
