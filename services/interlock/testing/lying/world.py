"""The real services in virtual time, each with its own connection to a broker that may lie to it, and everything that people outside see.

    async def tell(world: LyingWorld) -> None:
        await world.settled("atlas")
        world.lie(["router"], [Withhold(Which(POLICIES.name, key="deny/"))])
        world.deny("atlas")
        await asyncio.sleep(30)
        world.truth()

A service that ends because of what it was told is started again after a second, as whoever runs it would; one that fails in any other
way is a crash, and fails the story.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.decision.desk import desks
from interlock.decision.owner import ShardOwner
from interlock.records.documents import Denial
from interlock.records.health import Level, Verdict
from interlock.router.answers import Serve
from interlock.router.marks_file import MarksFile
from interlock.router.subscriber import Subscriber
from interlock.runtime.bus import Position
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker
from interlock.testing.builders import TRIGGERS, Deployment
from interlock.testing.in_memory import LastChannel, Receiver, run_notifier, run_router, run_watch, shell
from interlock.testing.lying.bus import LyingBus
from interlock.testing.lying.lies import Lie
from interlock.testing.router_driver import TERMS
from interlock.testing.virtual_time import VirtualClock
from interlock.vocabulary.errors import InterlockError
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import POLICIES, SHARDS, VERDICTS, TopicSpec

AGENT = "support"
SHARD = shard_of(AGENT, SHARDS)
LEASE_S, GRACE_S, DEADLINE_S = TERMS.lease_us // SECOND, 10, 20
"""The deadline is shorter than in life, so that a story is."""

OWNERS = {"decision": "decision-1", "router": "gateway-1", "notifier": "notifier-1", "watch": "watch-1"}
"""The services that may be lied to, and who speaks for each in the trust root."""

_RESTART_S = 1.0
_LOOK_S = 0.1
_VERDICTS_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client was served at a moment: a model, or None."""

    at: Micros
    model: str | None


class LyingWorld:
    """A deployment with one agent on `atlas`, then `birch`; `zebra` is healthy, too, and nobody approved it.

    Args:
        clock: Virtual time.
        folder: The router's disk.

    Attributes:
        served: What clients were served, ten times a second.
        receiver: The receiver of notices.
        signs: When a sign of life was given outside.
        ended: By service, how it ended each time that it did.
        crashed: What nobody expected.
    """

    def __init__(self, clock: VirtualClock, folder: Path) -> None:
        self.clock = clock
        self.deployment = Deployment(now=clock.now().wall)
        self.broker = MemoryBroker(clock=clock)
        self.buses = {service: LyingBus(self.broker, clock) for service in OWNERS}
        self.levels: dict[str, Level] = dict.fromkeys(("atlas", "birch", "zebra"), Level.HEALTHY)
        self.served: list[Seen] = []
        self.receiver = Receiver()
        self.signs: list[Micros] = []
        self.ended: dict[str, list[str]] = {service: [] for service in OWNERS}
        self.crashed: list[BaseException] = []
        self.router: Subscriber | None = None
        self._folder = folder
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def now(self) -> Micros:
        """Civil time."""
        return self.clock.now().wall

    def lie(self, victims: Iterable[str], lies: Sequence[Lie]) -> None:
        """Tell lies to some of the services from now on."""
        for victim in victims:
            self.buses[victim].lies = lies

    def truth(self) -> None:
        """Tell everybody the truth from now on."""
        self.lie(OWNERS, ())

    def append(self, topic: TopicSpec, key: str, value: bytes, partition: int = 0) -> None:
        """Somebody writes a record."""
        self.broker.append(Position(topic.name, partition), key.encode(), value)

    def deny(self, model: str) -> None:
        """Safety denies a model."""
        denial = Denial(f"denial-of-{model}", model, "a leak", self.now)
        self.append(POLICIES, f"deny/{denial.id}", self.deployment.seal(denial, "sam"))

    async def settled(self, model: str | None, within_s: float = 60) -> float:
        """Wait until a model is served; how long that took.

        Raises:
            AssertionError: It never was.
        """
        begun = self.now
        while self.answer() != model:
            if self.now - begun > seconds(within_s):
                raise AssertionError(f"{model} was not served within {within_s} s, but {self.answer()}")
            await asyncio.sleep(_LOOK_S)
        return (self.now - begun) / SECOND

    def answer(self) -> str | None:
        """What a client is served now."""
        if self.router is None:
            return None
        answer = self.router.resolve(AGENT, "main", "*", None)
        return answer.model.name if isinstance(answer, Serve) else None

    async def kill(self, service: str) -> None:
        """End a service in the middle of whatever it does; it is started again."""
        self._running[service].cancel()
        await asyncio.sleep(0)

    async def open(self) -> None:
        """Publish the policy, and start everything."""
        rule = self.deployment.rule(["atlas", "birch"], triggers=TRIGGERS[:1])
        policy = self.deployment.policy_of(AGENT, rule, webhook="https://governance.example.com/")
        self.append(POLICIES, f"policy/{AGENT}", self.deployment.seal(policy, "grace", "oscar"))
        loops: dict[str, Coroutine[Any, Any, None]] = {"judge": self._judge(), "clients": self._ask()}
        for service in OWNERS:
            loops[service] = self._supervise(service)
        self._tasks = {name: asyncio.create_task(loop, name=name) for name, loop in loops.items()}

    async def close(self) -> None:
        """End everything."""
        for task in (*self._tasks.values(), *self._running.values()):
            task.cancel()
        await asyncio.wait([*self._tasks.values(), *self._running.values()])

    async def _supervise(self, service: str) -> None:
        """Run a service, and start it again when it ends."""
        while True:
            running = asyncio.create_task(self._live(service), name=f"{service} itself")
            self._running[service] = running
            await asyncio.wait({running})
            if not running.cancelled() and (error := running.exception()) is not None:
                failures = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
                self.crashed += [each for each in failures if not isinstance(each, InterlockError)]
                self.ended[service].append(str(error))
            await asyncio.sleep(_RESTART_S)

    async def _live(self, service: str) -> None:
        """One life of a service; the group that shares shards out is not lied about, so decision is one owner of one shard."""
        stop = Stop()
        async with shell(self.buses[service], OWNERS[service], self.deployment, self.clock) as it:
            match service:
                case "decision":
                    await ShardOwner(desks(it)(SHARD, lambda: True)).run(stop)
                case "router":
                    await run_router(it, stop, MarksFile(self._folder / "marks.sqlite"), self._meet)
                case "notifier":
                    await run_notifier(it, stop, self.receiver)
                case _:
                    await run_watch(it, stop, LastChannel(), seconds(DEADLINE_S), self._sign)

    def _meet(self, router: Subscriber | None) -> None:
        self.router = router

    async def _sign(self) -> str:
        self.signs.append(self.now)
        return ""

    async def _judge(self) -> None:
        """The health-monitor: says now and then how the models are."""
        while True:
            now = self.now
            for name, level in self.levels.items():
                objective, until = TRIGGERS[0].objective, Micros(now + 7 * SECOND)
                said = Verdict(name, "*", objective, level, "seen", 9, ("gateway-1",), now, now, until)
                self.append(VERDICTS, said.key, self.deployment.seal(said, "health-1"))
            await asyncio.sleep(_VERDICTS_EVERY_S)

    async def _ask(self) -> None:
        """The clients."""
        while True:
            self.served.append(Seen(self.now, self.answer()))
            await asyncio.sleep(_LOOK_S)
