"""How stories about the decision's core begin: a route on its primary, every rung healthy, every guard there.

it = running(["atlas", "birch"], triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
it.verdict("atlas", "latency>2s", Level.DEGRADED)
assert it.entry.canary is not None
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from interlock.records.documents import Unnotified, Workflow
from interlock.records.health import Level
from interlock.records.models import Model
from interlock.records.rules import CanaryPlan, Mode, Rung, TriggerRule, WatchedTrigger
from interlock.testing.builders import Deployment
from interlock.testing.driver import AGENT, Driver
from interlock.vocabulary.time import SECOND, Micros

DEPLOYMENT = Deployment()
LADDER = ("atlas", "birch", "cedar")
PLAN = CanaryPlan((5, 50), calls_min=20, time_min_us=Micros(10 * SECOND), wait_max_us=Micros(60 * SECOND))
DOWN = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))
STABLE_S = 5
"""The stable period of the builders' rules, seconds."""


def slow(mode: Mode, seconds: float = 0) -> TriggerRule:
    """The latency trigger, in a mode, with a `for`."""
    return TriggerRule(WatchedTrigger.LATENCY, 2.0, Micros(round(seconds * SECOND)), mode)


def policy(
    ladder: Sequence[Model | str | Rung] = LADDER,
    *,
    version: int = 1,
    workflow: Workflow = Workflow.CUSTOMER_FACING,
    unnotified: Unnotified = Unnotified.RECORD,
    triggers: Sequence[TriggerRule] = (DOWN,),
    **fields: Any,
) -> bytes:
    """The sealed policy of `support`, whose one route has the fields."""
    rule = DEPLOYMENT.rule(ladder, triggers=triggers, **fields)
    said = DEPLOYMENT.policy_of(AGENT, rule, version=version, workflow=workflow)
    return DEPLOYMENT.seal(replace(said, unnotified=unnotified), "grace", "oscar")


def driver(ladder: Sequence[Model | str | Rung] = LADDER, **fields: Any) -> Driver:
    """A driver of which only the policy is known."""
    return Driver(DEPLOYMENT, policy(ladder, **fields))


def running(ladder: Sequence[Model | str | Rung] = LADDER, **fields: Any) -> Driver:
    """A driver whose route is on its primary."""
    it = driver(ladder, **fields)
    for guard in fields.get("guards", ()):
        it.guard(guard, Level.HEALTHY)
    it.all_healthy(*(_name(rung) for rung in ladder))
    it.wait(STABLE_S)
    assert it.target == _name(ladder[0]), "the story does not begin on the primary"
    return it


def _name(rung: Model | str | Rung) -> str:
    if isinstance(rung, Rung):
        return rung.model.name
    return rung if isinstance(rung, str) else rung.name
