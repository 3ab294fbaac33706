"""Many agents on one ladder of four, and the model of all of them dies.

The decision service's own shard owners run here on a bus in memory, four shards as in a deployment. So no figure holds a broker's
time, and what stands beside the bare signature is decision's own work: reading, deciding, signing, journalling, publishing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from interlock.decision.desk import desks
from interlock.decision.owner import ShardOwner
from interlock.records.health import Level, Verdict
from interlock.records.sealing import open_sealed
from interlock.records.state import StateMark
from interlock.runtime.bus import Position, Record
from interlock.runtime.clock import SystemClock
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.driver import OBJECTIVES
from interlock.testing.in_memory import shell
from interlock.trials.bench.one import LADDER
from interlock.vocabulary.identifiers import ANY, shard_of
from interlock.vocabulary.limits import VERDICT_VALID_US_MAX
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, POLICIES, ROUTES, SHARDS, STATE, VERDICTS, TopicSpec

OWNER = "decision-1"
_LOOK_S = 0.02
_REFRESH_S = 5.0

Progress = Callable[[str, int, int], None]
"""Told what is under way, how far it has come, and how far it goes."""


@dataclass(frozen=True, slots=True)
class Death:
    """The death of the model that serves every agent.

    Attributes:
        moved_s: From the arrival of the verdict to the last signed change on the routes topic.
        change: Such a change, sealed.
    """

    moved_s: float
    change: bytes


class Fleet:
    """The agents, and a broker that holds what is said of them.

    Args:
        deployment: Who signs, and the agents.
        broker: Where everything is.
        progress: Told how it goes.
    """

    def __init__(self, deployment: Deployment, broker: MemoryBroker, progress: Progress) -> None:
        self._names = deployment.agents
        self._deployment = deployment
        self._broker = broker
        self._progress = progress
        self._clock = SystemClock()

    async def live_and_die(self) -> Death:
        """Place every agent on its primary, let that one die, and wait until everything is written down."""
        agents, first = len(self._names), _first_of_each_shard(self._names)
        async with deciding(self._deployment, self._broker) as (owners, health):
            await self._until("starting", lambda: sum(owner.live for owner in owners), SHARDS)
            await self._publish("starting", first)
            await self._until("starting", self._ordered, len(first))
            health.say(**dict.fromkeys(LADDER, Level.HEALTHY))
            await self._until("starting", self._ordered, 2 * len(first))
            await self._publish("signing policies", [name for name in self._names if name not in first])
            await self._until("placing agents", self._ordered, agents + len(first))
            await self._until("writing the state down", self._written, SHARDS)
            begun = self._clock.now().boot
            health.say(**{LADDER[0]: Level.UNAVAILABLE})
            await self._until("moving agents", self._ordered, 2 * agents + len(first))
            moved_s = (self._clock.now().boot - begun) / SECOND
            await self._until("writing the state down", self._written, SHARDS)
        return Death(moved_s, self._last(ROUTES, 0).value or b"")

    async def _publish(self, what: str, names: Sequence[str]) -> None:
        rule = self._deployment.rule(LADDER)
        for done, name in enumerate(names):
            policy = self._deployment.seal(self._deployment.policy_of(name, rule), "grace", "oscar")
            self._broker.append(Position(POLICIES.name, 0), f"policy/{name}".encode(), policy)
            if done % 100 == 0:
                self._progress(what, done, len(names))
                await asyncio.sleep(0)

    async def _until(self, what: str, done: Callable[[], int], of: int) -> None:
        while (reached := done()) < of:
            self._progress(what, reached, of)
            await asyncio.sleep(_LOOK_S)
        self._progress(what, of, of)

    def _ordered(self) -> int:
        """How many changes stand on the routes topic."""
        return sum(self._broker.end(Position(ROUTES.name, shard)) for shard in range(SHARDS))

    def _written(self) -> int:
        """For how many shards the state topic's last mark names the log's last record."""
        return sum(self._marked(shard) == self._broker.end(Position(AUDIT.name, shard)) - 1 for shard in range(SHARDS))

    def _marked(self, shard: int) -> int:
        mark = open_sealed(self._last(STATE, shard).value, self._deployment.root, StateMark)
        return mark.value.offset if isinstance(mark, Verified) else -1

    def _last(self, topic: TopicSpec, shard: int) -> Record:
        where = Position(topic.name, shard)
        return self._broker.fetch(where, self._broker.end(where) - 1, 1)[0]


def deployment_of(agents: int, made_at: Micros) -> Deployment:
    """The deployment of a fleet; one person owns every agent."""
    return Deployment("bench", now=made_at, agents=[f"a{number}" for number in range(agents)])


class HealthMonitor:
    """Says of every model what it is told to say, again and again.

    Args:
        deployment: Who signs.
        broker: Where it speaks.

    Attributes:
        levels: What it says of each model, under every objective.
    """

    def __init__(self, deployment: Deployment, broker: MemoryBroker) -> None:
        self.levels: dict[str, Level] = {}
        self._deployment = deployment
        self._broker = broker

    def say(self, **levels: Level) -> None:
        """Say something new, now."""
        self.levels |= levels
        now = SystemClock().now().wall
        until = Micros(now + VERDICT_VALID_US_MAX)
        for model, level in self.levels.items():
            for objective in OBJECTIVES:
                said = Verdict(model, ANY, objective, level, "as the bench has it", 9, ("gateway-1",), now, now, until)
                sealed = self._deployment.seal(said, "health-1")
                self._broker.append(Position(VERDICTS.name, 0), said.key.encode(), sealed)

    async def run(self) -> None:
        """Refresh it."""
        while True:
            self.say()
            await asyncio.sleep(_REFRESH_S)


@asynccontextmanager
async def deciding(
    deployment: Deployment, broker: MemoryBroker, metrics: Metrics | None = None
) -> AsyncIterator[tuple[list[ShardOwner], HealthMonitor]]:
    """The owners of all shards at work, and who tells them of the models."""
    stop = Stop()
    async with shell(MemoryBus(broker), OWNER, deployment, SystemClock()) as it:
        desk_for = desks(replace(it, metrics=metrics or it.metrics))
        owners = [ShardOwner(desk_for(shard, lambda: True)) for shard in range(SHARDS)]
        health = HealthMonitor(deployment, broker)
        speaking = asyncio.create_task(health.run())
        tasks = [asyncio.create_task(owner.run(stop)) for owner in owners]
        try:
            yield owners, health
        finally:
            stop.request()
            speaking.cancel()
            await asyncio.gather(*tasks)


def _first_of_each_shard(names: Sequence[str]) -> list[str]:
    return list({shard_of(name, SHARDS): name for name in reversed(names)}.values())
