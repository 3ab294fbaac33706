"""One cell of the drill: a fault, how it is inflicted, and what must be seen of it.

    FAULT = Fault("two-brokers", "Two of three brokers at once", "every agent in its safe state …", inflict, brokers=3)

    async def inflict(world: World) -> Seen: ...

`inflict` finds everything well. It breaks something, waits until what must be seen was seen, and heals; `NotSeen` fails the cell. The
rest is the frame's: it waits until everything is well again, measures, and heals what a failed cell left broken. No fault is inflicted
by a setting of a service, and nothing waits for a duration.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from interlock.trials.survive.world import World
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a fault.

    Attributes:
        outcome: What became of the agents, in a sentence of facts.
        healed_at: When what was broken was whole again: recovery is counted from then on.
        faults: What is not as the fault expects, one sentence each; empty: all is.
    """

    outcome: str
    healed_at: Micros
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the drill.

    Attributes:
        name: What it is called on the command line.
        title: What breaks.
        expected: What must be seen, beside nothing unapproved, lost or repeated.
        inflict: Breaks it, sees, heals.
        brokers: How many brokers it needs.
        brokers_max: With more, it would be another fault.
    """

    name: str
    title: str
    expected: str
    inflict: Callable[[World], Awaitable[Seen]]
    brokers: int = 1
    within: bool = False
    brokers_max: int = 3
