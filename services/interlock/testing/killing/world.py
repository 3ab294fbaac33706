"""A world with every service at work, of which one may be killed or stopped at one of its calls.

A killed service is started again from scratch after a pause, with what the broker and its disk keep. All the time the world looks at the
router as a client would.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial, Unnotified, Webhook
from interlock.records.health import Level, Verdict
from interlock.records.rules import SafeState, TriggerRule, WatchedTrigger
from interlock.records.sealing import open_sealed
from interlock.records.state import StateMark
from interlock.records.telling import Notice, NoticeKind
from interlock.router.answers import Serve
from interlock.router.subscriber import Subscriber
from interlock.runtime.bus import Position, Record
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused
from interlock.testing.builders import Deployment
from interlock.testing.killing.bus import Ports
from interlock.testing.killing.ledger import Ledger
from interlock.testing.killing.process import Process, make_task, outside
from interlock.testing.killing.receiver import Receiver
from interlock.testing.killing.services import Surroundings, run
from interlock.testing.killing.strikes import Register
from interlock.testing.virtual_time import START, VirtualClock
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import BY_NAME, COMMANDS, NOTICES, POLICIES, STATE, VERDICTS

S = TypeVar("S", bound=Statement)

SUPPORT = RouteId("support", "main", ANY)
TRIAGE = RouteId("triage", "main", ANY)
BULK = RouteId("triage", "bulk", ANY)
ROUTES_ASKED = (SUPPORT, TRIAGE, BULK)
"""Two agents on two shards: the one has two fallbacks, the other two routes and a queue for people."""

SERVICES = ("decision", "notifier", "watch", "router", "guard")

LOOK_S = 0.1
"""How often the router is looked at."""

PATIENCE_S = 90
"""How long anything may take to come about."""

_ALIVE = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))
_LAST = Webhook("https://last.example.com/", allow_private=False)


class WitnessBroker(MemoryBroker):
    """A broker that remembers in which order records came, over all partitions."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock=clock)
        self.order: list[tuple[Position, int]] = []

    def append(self, where: Position, key: bytes | None, value: bytes | None, trace: str = "") -> int:
        """Append a record; see `MemoryBroker`."""
        offset = super().append(where, key, value, trace)
        self.order.append((where, offset))
        return offset

    def records(self, topic: str) -> list[Record]:
        """Every record of a topic, partition after partition."""
        wheres = (Position(topic, n) for n in range(BY_NAME[topic].partitions))
        return [record for where in wheres for record in self.fetch(where, 0, 1_000_000)]


@dataclass(frozen=True, slots=True)
class Look:
    """What the router would have served a client with at a moment.

    Attributes:
        logged: How many records the broker had by then.
    """

    at_s: float
    at_ms: int
    route: RouteId
    model: str
    change_id: str
    logged: int


@dataclass(slots=True)
class Incarnation:
    """A service at work."""

    process: Process
    stop: Stop
    task: "asyncio.Task[None]"
    ports: Ports


@dataclass(slots=True)
class World:
    """The services, the people around them, and what was seen.

    Attributes:
        pause_s: After how long a killed service is there again.
        looks: What the router would have served, every tenth of a second.
        faults: Services that ended though nobody killed them.
        crashed: How often somebody was killed.
        may_end: Services that may end of themselves; they are begun again.
        unmarked_when_killed: How many shards had taken a step, but had no mark on the state topic yet, when somebody was struck.
        in_hand_when_killed: How many notices a notifier was telling of when it was killed: so many may be told twice.
    """

    clock: VirtualClock
    disk: Path
    register: Register
    pause_s: float = 0.0
    deployment: Deployment = field(default_factory=lambda: Deployment(now=START))
    receiver: Receiver = field(default_factory=Receiver)
    levels: dict[str, Level] = field(default_factory=dict)
    tickets: list[str] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    crashed: int = 0
    may_end: frozenset[str] = frozenset()
    in_hand_when_killed: int = 0
    unmarked_when_killed: int = 0
    subscriber: Subscriber | None = None
    running: dict[str, Incarnation] = field(default_factory=dict)
    broker: WitnessBroker = field(init=False)
    ledger: Ledger = field(init=False)
    _opened: dict[tuple[bytes, type[Statement]], Statement | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asyncio.get_running_loop().set_task_factory(make_task)
        self.register.told = lambda: outside(self._despaired)
        self.broker = WitnessBroker(self.clock)
        self.ledger = Ledger(self.broker, self.deployment.root)

    # Services

    def begin(self, service: str) -> Incarnation:
        """Start an incarnation of a service."""
        process, stop = Process(service), Stop()
        ports = Ports(process, self.register)
        around = Surroundings(
            self.broker,
            self.clock,
            self.deployment,
            self.receiver,
            self.disk,
            ROUTES_ASKED,
            self.tickets,
            self._meet,
        )
        task = process.start(run(service, around, ports, stop))
        self.running[service] = Incarnation(process, stop, task, ports)
        return self.running[service]

    async def keep(self, service: str) -> None:
        """Keep a service at work: who was killed is started again after the pause."""
        while True:
            one = self.begin(service)
            await asyncio.wait({one.task})
            if one.process.dead:
                await self._bury(one, service)
            elif not one.stop.is_set() and service not in self.may_end:
                self.faults.append(
                    f"{service} ended: {one.task.exception()!r}" if not one.task.cancelled() else service
                )
                await asyncio.sleep(1)

    async def restart(self, service: str) -> None:
        """Stop a service as an operator does; `keep` starts the next incarnation."""
        one = self.running[service]
        one.stop.request()
        await self.until(lambda: self.running[service] is not one, f"{service} is restarted")

    async def _bury(self, one: Incarnation, service: str) -> None:
        self.crashed += 1
        if service == "notifier":
            words = self.read(NOTICES.name, Notice)
            on_record = {word.event_id.hex() for word in words if word.kind is NoticeKind.ACCEPTED}
            self.in_hand_when_killed += len(self.receiver.accepted.keys() - on_record)
        self.count_unmarked()
        if service == "router":
            self.subscriber = None
        await one.process.buried()
        await asyncio.sleep(self.pause_s)

    def count_unmarked(self) -> None:
        """Note which shards would have to be started from the log now."""
        marked = {mark.shard for mark in self.read(STATE.name, StateMark)}
        stepped = {shard for shard, step in self.ledger.read().steps.items() if step is not None}
        self.unmarked_when_killed += len(stepped - marked)

    async def _despaired(self) -> None:
        """Somebody does not know what became of a record: decision is about to claim again."""
        await asyncio.sleep(0.5)
        self.count_unmarked()

    def _meet(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber

    # People

    def say(self, topic: str, partition: int, key: str, record: Statement, *owners: str) -> None:
        """Somebody outside the services appends a signed record."""
        self.broker.append(Position(topic, partition), key.encode(), self.deployment.seal(record, *owners))

    def publish_policies(self, version: int = 1, *agents: str) -> None:
        """Governance and the owner publish policies; both agents' by default."""
        make, rules = self.deployment, {}
        quick: dict[str, Any] = {"triggers": [_ALIVE], "stable_us": Micros(2 * SECOND)}
        rules["support"] = [make.rule(["atlas", "birch", "cedar"], **quick)]
        rules["triage"] = [
            make.rule(["atlas", "cedar"], slot=route.slot, safe_state=SafeState.HUMAN_QUEUE, **quick)
            for route in (TRIAGE, BULK)
        ]
        for agent in agents or ("support", "triage"):
            policy = make.policy_of(agent, *rules[agent], version=version)
            if agent == "support":
                policy = replace(policy, unnotified=Unnotified.SUSPEND, last_channel=_LAST)
            self.say(POLICIES.name, 0, f"policy/{agent}", policy, "grace", "oscar")

    def deny(self, model: str) -> None:
        """Safety denies a model."""
        self.say(POLICIES.name, 0, f"deny/{model}", Denial(f"deny-{model}", model, "a leak", self.now), "sam")

    def command(self, verb: Verb, route: RouteId, name: str) -> None:
        """The operator orders something about one route."""
        said = Command(
            name, self.deployment.name, verb, route.agent, route.key, "", "", ReviewOutcome.NONE, "", "maintenance",
            self.now, Micros(self.now + seconds(600)),
        )  # fmt: skip
        self.say(COMMANDS.name, 0, route.agent, said, "olga")

    async def judge(self) -> None:
        """The health-monitor: says every second what `levels` holds."""
        while True:
            for model, level in self.levels.items():
                until = Micros(self.now + seconds(5))
                said = Verdict(
                    model, "*", _ALIVE.objective, level, f"it is {level}", 9, ("gateway-1",), self.now, self.now, until
                )
                self.say(VERDICTS.name, 0, said.key, said, "health-1")
            await asyncio.sleep(1)

    # What is seen

    @property
    def now(self) -> Micros:
        """Civil time."""
        return self.clock.now().wall

    @property
    def at_s(self) -> float:
        """Seconds since the beginning."""
        return self.clock.now().boot / SECOND

    def served(self, route: RouteId) -> str | None:
        """The model that the router serves a route with; None: it serves nothing, or is not there."""
        answer = self.subscriber.resolve(*route, None) if self.subscriber is not None else None
        return answer.model.name if isinstance(answer, Serve) else None

    def read(self, topic: str, kind: type[S]) -> list[S]:
        """Every record of a kind on a topic that verifies."""
        opened = (self._open(record.value or b"", kind) for record in self.broker.records(topic))
        return [said for said in opened if said is not None]

    def _open(self, sealed: bytes, kind: type[S]) -> S | None:
        if (sealed, kind) not in self._opened:
            opened = open_sealed(sealed, self.deployment.root, kind)
            self._opened[sealed, kind] = None if isinstance(opened, Refused) else opened.value
        said = self._opened[sealed, kind]
        assert said is None or isinstance(said, kind)
        return said

    async def look(self) -> None:
        """Look at the router every tenth of a second, and write down what it serves."""
        while True:
            for route in ROUTES_ASKED:
                answer = self.subscriber.resolve(*route, None) if self.subscriber is not None else None
                if isinstance(answer, Serve):
                    seen = route, answer.model.name, answer.change_id, len(self.broker.order)
                    self.looks.append(Look(self.at_s, self.now // 1_000, *seen))
            await asyncio.sleep(LOOK_S)

    def stood_s(self, one: Incarnation) -> float:
        """For how long a process has been stopped, seconds; 0 if it is not."""
        since = one.process.stopped_at
        return asyncio.get_running_loop().time() - since if since is not None else 0.0

    async def passes(self, seconds_: float) -> None:
        """Let some time pass."""
        until_s = self.at_s + seconds_
        await self.until(lambda: self.at_s >= until_s, "time passes")

    async def until(self, condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Wait for something to come about.

        Raises:
            AssertionError: It never did.
        """
        deadline = self.at_s + patience_s
        while not condition():
            assert not self.faults, self.faults
            if self.at_s > deadline:
                raise AssertionError(f"never happened: {what}")
            await asyncio.sleep(0.05)


@asynccontextmanager
async def live(world: World, services: tuple[str, ...] = SERVICES) -> AsyncIterator[None]:
    """Within this every service is kept at work; all of them are gone afterwards."""
    around = [outside(world.judge), outside(world.look)]
    around += [outside(partial(world.keep, service)) for service in services]
    try:
        yield
    finally:
        for task in around:
            task.cancel()
        for one in world.running.values():
            await one.process.kill()
