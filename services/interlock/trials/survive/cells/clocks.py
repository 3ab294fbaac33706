"""Civil time set by ten minutes while everything runs, forward and back: at decision, at a gateway, everywhere at once.

A service believes such a step only once it has lasted for a minute (`runtime.clock`), so one that is undone before is no event: nothing
lapses, no lease ends, and an agent whose primary dies meanwhile is moved by verdicts, orders and leases that all bear the right time.
"""

from collections.abc import Sequence
from functools import partial

from interlock.testing.doubles.stepped_clock import set_wrong
from interlock.trials.drill.cast import Agent
from interlock.trials.survive.cast import AGENTS, COUNTER, PORTER, VAULT
from interlock.trials.survive.fault import Fault, Seen
from interlock.trials.survive.world import World
from interlock.vocabulary.time import SECOND

STEP_S = 600.0
EXPECTED = "the step is not believed: an agent whose primary dies meanwhile is moved, and all are answered"

DECISION = ("decision", "decision-2")
GATEWAY = ("gateway",)


async def stepped(services: Sequence[str], by_s: float, agent: Agent, world: World) -> Seen:
    """Set clocks, let a primary die, and set the clocks right again."""
    whose = services or world.services
    settings = [world.field.stage.workspace.settings(service) for service in whose]
    began, before = world.now, {service: _noticed(world, service) for service in whose}
    try:
        world.tell(f"the clock of {', '.join(services) or 'every service'} is set by {by_s:+g} s")
        for path in settings:
            set_wrong(path, by_s)
        after = world.primary_fails(agent)
        change = await world.until_moved(agent, after=after)
        for each in AGENTS:
            await world.until_served(each, since=change.issued_at)
    finally:
        for path in settings:
            set_wrong(path, 0)
    ends = world.now
    world.tell("the clocks are set right")
    unmoved = [service for service in whose if _noticed(world, service) == before[service]]
    faults = (f"The clock of {', '.join(unmoved)} was not set.",) if unmoved else ()
    healed_at = await world.whole()
    stops = world.stops(began, ends)
    moved_s = (change.issued_at - began) / SECOND
    return Seen(f"{agent.name} was moved {moved_s:.1f} s after the step; {stops}", healed_at, faults)


def _noticed(world: World, service: str) -> int:
    """How many steps of its clock a service has told of."""
    return world.field.stage.processes.log(service).read_text("utf-8", "replace").count("clock_stepped")


def _fault(name: str, who: str, services: Sequence[str], by_s: float, agent: Agent) -> Fault:
    way = "ahead" if by_s > 0 else "back"
    return Fault(
        f"clock-{name}-{way}",
        f"{who} set ten minutes {way}",
        EXPECTED,
        partial(stepped, services, by_s, agent),
        within=True,
    )


FAULTS = (
    _fault("decision", "decision's clock", DECISION, STEP_S, COUNTER),
    _fault("decision", "decision's clock", DECISION, -STEP_S, PORTER),
    _fault("gateway", "a gateway's clock", GATEWAY, STEP_S, VAULT),
    _fault("gateway", "a gateway's clock", GATEWAY, -STEP_S, COUNTER),
    _fault("all", "every service's clock", (), STEP_S, PORTER),
    _fault("all", "every service's clock", (), -STEP_S, VAULT),
)
"""Each with another agent's primary: one that has just failed is left alone for a while (damping)."""
