"""Drills the faults one after the other in one deployment under steady traffic, and measures each from the outside.

    survived = await play(Survival(folder, only=("two-brokers",)), tell=print)

The deployment is that of production as far as one machine can be: three brokers, two decision services, two gateways, each of the
others once, all as processes of their own that are started again if they end by themselves. Not handled here: how the outcome is shown.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random  # noqa: TID251 - made from the seed that is an argument
from typing import Any

from interlock.brokers.real import KafkaCluster
from interlock.router.gateway.settings import GatewaySettings
from interlock.trials.broker import broker_at
from interlock.trials.drill.cast import ALWAYS, Cast
from interlock.trials.drill.exercise import Seen
from interlock.trials.drill.ground import CORE, Ground, lay_out
from interlock.trials.drill.temptation import temptation
from interlock.trials.survive.cast import CAST
from interlock.trials.survive.catalogue import selected
from interlock.trials.survive.fault import Fault
from interlock.trials.survive.measuring import Cost, Meter
from interlock.trials.survive.world import World
from interlock.trials.witness import Witness
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND, Micros

SERVICES = (*CORE, "notifier", "watch", "decision-2", "gateway-2")
"""What runs: two of those that may be two."""

TUNING: Mapping[str, Mapping[str, Any]] = {
    "health-monitor": {"window": "12s"},
    "probe": {"interval": "1s", "timeout": "4s"},
}
"""What differs from the services' own defaults: a quicker look. The lease is the default's, and no guard is among it."""

BESET = "interlock.testing.doubles.beset"
"""A real service whose clock can be set wrong, and whose consumers can be made to hang, from outside."""

EXAMPLES = 5
"""How many of a kind of cost are told in words; the figures count all."""

LEASE_US = Micros(GatewaySettings.model_fields["lease"].default + GatewaySettings.model_fields["skew"].default)


@dataclass(frozen=True, slots=True)
class Survival:
    """What is to be survived, and where.

    Attributes:
        folder: A folder for all files of the run, logs included; it holds no deployment yet.
        brokers: How many brokers: 1 or 3.
        only: Names of the faults; empty: all that so many brokers can have.
        seed: Decides what is left to chance.
        doubles: By service, the module that runs instead of it.
    """

    folder: Path
    brokers: int = 3
    only: Sequence[str] = ()
    seed: int = 1
    doubles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one fault.

    Attributes:
        fault: The fault.
        cost: What it cost; None: that could not be measured.
        outcome: What was seen, in a sentence.
        recovered_after_s: From healing until every shard had beaten and every agent was answered by a model at every gateway; None: never.
        faults: What is not as the fault expects.
        restarted: The services that ended by themselves, once for each time.
    """

    fault: Fault
    cost: Cost | None
    outcome: str
    recovered_after_s: float | None
    faults: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()

    @property
    def troubles(self) -> list[str]:
        """What is not as it must be, in words; of each kind of cost the first few."""
        costs = self.cost.kinds if self.cost else ()
        return [*self.faults, *(line for cost in costs for line in cost[:EXAMPLES])]

    @property
    def clean(self) -> bool:
        """Whether nothing was unapproved, lost or repeated, and what was expected was seen."""
        return self.cost is not None and not any(self.cost.kinds) and not self.faults


@dataclass(frozen=True, slots=True)
class Survived:
    """A run that is over.

    Attributes:
        survival: What was to be survived.
        cells: What came of each fault that was drilled.
        asked: How many faults were to be drilled.
        witness: Everything that was seen on the topics.
        requests: How many requests the agents made.
        temptation: What the model that nobody approved, and that was asked for in every tenth request, counted itself.
    """

    survival: Survival
    cells: Sequence[Cell]
    asked: int
    witness: Witness
    requests: int
    temptation: Seen

    @property
    def clean(self) -> bool:
        """Whether every cell is clean, nobody was tempted, and the whole log, decided again, gives the same."""
        drilled = len(self.cells) == self.asked and all(cell.clean for cell in self.cells)
        return drilled and not self.temptation.faults and not self.witness.differences


async def play(survival: Survival, tell: Callable[[str], None]) -> Survived:
    """Drill the selected faults in a deployment of their own; everything started is stopped again.

    Args:
        survival: What is to be survived, and where.
        tell: Is told what happens, a line at a time.

    Raises:
        ConfigurationError: There is no such fault, or something that is needed cannot be used.
        InfrastructureError: The deployment did not come up; the last words of who did not are in the error.
    """
    faults = selected(survival.only, survival.brokers)
    tell(f"starting {survival.brokers} Kafka broker{'s' if survival.brokers > 1 else ''}")
    kafka = await asyncio.to_thread(KafkaCluster.start, survival.folder / "kafka", brokers=survival.brokers)
    try:
        ground = Ground(
            survival.folder,
            Cast.together([ALWAYS, CAST]),
            services=SERVICES,
            tuning=TUNING,
            doubles={**_beset(faults), **survival.doubles},
            lasting=True,
        )
        tell(f"starting {len(SERVICES)} services")
        async with broker_at(kafka.bootstrap) as broker, lay_out(ground, broker, tell) as laid:
            world = World(laid, kafka, SERVICES, LEASE_US, tell, Random(survival.seed))  # noqa: S311 - no secret
            cells = await _cells(world, faults, tell)
            tell("stopping everything")
            asked = sum(len(client.replies) for clients in laid.everywhere.values() for client in clients.values())
            tempted = temptation(CAST, laid)
        return Survived(survival, cells, len(faults), laid.witness, asked, tempted)
    finally:
        await asyncio.to_thread(kafka.stop)


def _beset(faults: Sequence[Fault]) -> dict[str, str]:
    """By service, what runs: the service itself, or, where a fault is within a process, the same where the world can be made to fail it."""
    return dict.fromkeys(SERVICES, BESET) if any(fault.within for fault in faults) else {}


async def _cells(world: World, faults: Sequence[Fault], tell: Callable[[str], None]) -> list[Cell]:
    """Drill one after the other; what a failed one left broken is mended, and if that fails the rest cannot be drilled."""
    meter, cells = Meter(world), list[Cell]()
    tell("waiting until everything is well")
    await world.until_well()
    for number, fault in enumerate(faults, start=1):
        tell(f"{fault.name} ({number} of {len(faults)}): {fault.title}")
        cell = await _cell(_telling(world, partial(_tell_of, fault, tell)), fault, meter)
        cells.append(cell)
        tell(f"{fault.name}: {'clean' if cell.clean else 'NOT CLEAN'}: {'; '.join((cell.outcome, *cell.troubles))}")
        if cell.faults and number < len(faults):
            try:
                await world.until_well()
            except InfrastructureError as error:
                tell(f"the rest cannot be drilled: {error.message}")
                break
    return cells


def _tell_of(fault: Fault, tell: Callable[[str], None], line: str) -> None:
    tell(f"{fault.name}  {line}")


def _telling(world: World, tell: Callable[[str], None]) -> World:
    """The same world, which tells somebody else."""
    return replace(world, field=replace(world.field, tell=tell), tell=tell)


async def _cell(world: World, fault: Fault, meter: Meter) -> Cell:
    """Inflict one fault, wait until all is well again, and measure what it cost."""
    began, ended = world.now, len(world.field.stage.processes.ended)
    recovered_after_s, faults, outcome = None, list[str](), ""
    try:
        seen = await fault.inflict(world)
        outcome, faults = seen.outcome, list(seen.faults)
        recovered_after_s = (await world.until_governed(seen.healed_at) - seen.healed_at) / SECOND
        await world.until_well()
    except InfrastructureError as error:
        faults.append(error.message)
    try:
        await world.whole()
        cost: Cost | None = await meter.measure(began)
    except InfrastructureError as error:
        cost = None
        faults.append(f"It could not be measured: {error.message}")
    endings = world.field.stage.processes.ended[ended:]
    faults += [
        f"{each.name} ended with exit code {each.exit_code}"
        for each in endings
        if each.exit_code != InfrastructureError.exit_code
    ]
    return Cell(fault, cost, outcome, recovered_after_s, tuple(faults), tuple(each.name for each in endings))
