"""8.1: when a primary fails, its agent follows the order of the policy, rung by rung.

The agent's ladder has four rungs, and the last is the quickest and never fails. The primary refuses connections: after `unavailable`
has lasted for its `for`, the agent moves to the first fallback. Most of that one's answers turn into errors: after `errors` has lasted
for its own `for`, the agent moves to the second. Nobody's health, speed or price decides where to; the order does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.records.change import RoutingChange, Trigger
from interlock.records.health import AGAINST
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.exercise import Act, Exercise, Seen
from interlock.trials.drill.field import UNDER_WAY, Field
from interlock.trials.steady_client import Fate
from interlock.vocabulary.time import SECOND, Micros, seconds, to_text

AGENT = "order"
PRIMARY, FIRST, SECOND_ONE, QUICK = LADDER = ("order-primary", "order-first", "order-second", "order-quick")


@dataclass(frozen=True, slots=True)
class Step:
    """How one model fails, and what must follow: where the agent goes, for which trigger, after how long at the earliest."""

    model: str
    fails: Mapping[str, Any]
    target: str
    trigger: Trigger
    lasts: Micros


STEPS = (
    Step(PRIMARY, {"mode": "refuse"}, FIRST, Trigger.UNAVAILABLE, seconds(1)),
    Step(FIRST, {"mode": "error", "share": 0.6}, SECOND_ONE, Trigger.ERRORS, seconds(3)),
)

CAST = Cast(
    agents=(
        Agent(
            AGENT,
            LADDER,
            route={"triggers": {"unavailable": {"for": "1s"}, "errors": {"above": "40%", "for": "3s"}}},
            every_s=0.1,
        ),
    ),
    models=(Actor(PRIMARY, 40), Actor(FIRST, 60), Actor(SECOND_ONE, 80), Actor(QUICK, 1)),
)


@dataclass(frozen=True, slots=True)
class Left:
    """How a model was left.

    Attributes:
        change: The change that left it.
        failing: When its server first failed.
        against: From when on the health-monitor's signed verdict spoke against it.
    """

    change: RoutingChange
    failing: Micros
    against: Micros

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "timestamp": to_text(self.change.issued_at),
            "source": self.change.source,
            "target": self.change.target,
            "reason": f"{self.change.cause.trigger}: {self.change.cause.detail}",
            "checks_passed": sum(check.passed for check in self.change.verification),
            "after_first_failure_s": _seconds(self.failing, self.change.issued_at),
            "trigger_lasted_s": _seconds(self.against, self.change.issued_at),
        }


async def play(field: Field) -> Seen:
    """The primary dies, then its first fallback fails for the greater part."""
    placed = await field.until_placed(AGENT, PRIMARY)
    began = Micros(field.obeyed_at(placed) + UNDER_WAY)
    await field.until_healthy(FIRST, SECOND_ONE, QUICK)
    await field.until_replies(AGENT, Fate.OK, PRIMARY)

    every = [await _left(field, step) for step in STEPS]
    faults = [fault for step, left in zip(STEPS, every, strict=True) for fault in _faults(step, left)]
    faults += _request_faults(field, [left.change for left in every], began)
    moves = [left.document() for left in every]
    summary = (
        f"{PRIMARY} → {FIRST} → {SECOND_ONE}, {moves[0]['after_first_failure_s']:.1f} s and "
        f"{moves[1]['after_first_failure_s']:.1f} s after the first failure; {QUICK}, the quickest, counted no request"
    )
    counted = {model: field.asked(model, AGENT) for model in LADDER}
    return Seen({"moves": moves, "counted_by_model_servers": counted}, summary, tuple(faults))


async def _left(field: Field, step: Step) -> Left:
    """A model's server fails, and the agent leaves it."""
    after = len(field.changes(AGENT))
    told = field.behave(step.model, **step.fails)
    change = await field.until_moved(AGENT, step.target, after=after)
    await field.until_obeyed(change)
    await field.until_replies(AGENT, Fate.OK, step.target)
    failures = (seen.at for seen in field.server(step.model).seen if seen.status != 200 and seen.at * SECOND >= told)
    against = (
        verdict.since
        for verdict in field.witness.verdicts
        if (verdict.model == step.model and verdict.level in AGAINST and verdict.objective.startswith(step.trigger))
        and verdict.issued_at <= change.issued_at
    )
    return Left(change, Micros(round(min(failures) * SECOND)), max(against, default=change.issued_at))


def _faults(step: Step, left: Left) -> Iterator[str]:
    """What is wrong with one move."""
    change = left.change
    if (change.source, change.cause.trigger) != (step.model, step.trigger):
        yield (
            f"The move to {step.target} should have come from {step.model} for {step.trigger}; the audit log says "
            f"{change.source} and {change.cause.trigger}."
        )
    if change.issued_at - left.against < step.lasts:
        yield (
            f"{step.model} was left after {step.trigger} had lasted for {_seconds(left.against, change.issued_at):.2f} s; "
            f"the policy says {step.lasts / SECOND:g} s."
        )


def _request_faults(field: Field, moves: Sequence[RoutingChange], began: Micros) -> Iterator[str]:
    """No server may be asked before its model was ordered, or after it was left; and never one that the order did not reach."""
    for change in moves:
        if change.target and (early := field.asked(change.target, AGENT, began, change.issued_at)):
            yield f"The server of {change.target} counted {early} requests before the agent was moved there."
        obeyed = field.obeyed_at(change)
        if change.source and (late := field.asked(change.source, AGENT, Micros(obeyed + UNDER_WAY))):
            yield f"The server of {change.source} counted {late} requests after the agent had left it."
    if quick := field.asked(QUICK, AGENT, began):
        yield f"The server of {QUICK} counted {quick} requests, though rungs above it were well."


def _seconds(begin: Micros, end: Micros) -> float:
    return round((end - begin) / SECOND, 3)


EXERCISE = Exercise(
    id="8.1",
    title="Primary failure",
    clause="When a primary fails, the agent falls back in the order of its policy, and to nothing else.",
    cast=CAST,
    acts={Act.TOGETHER: play},
)
