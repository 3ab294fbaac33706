"""A real gateway process that reaches a real broker through a proxy that lies; decision and everybody else are told the truth.

Counted is what the models' own servers were asked: a steady client asks ten times a second, all the time.
"""

import asyncio
import hashlib
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest

from interlock.brokers.free_ports import free_ports
from interlock.brokers.topics_admin import create_topics
from interlock.records.change import RoutingChange
from interlock.records.documents import Denial
from interlock.records.health import Level, Verdict
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.workspace import toml
from interlock.signing.verifier import Verified
from interlock.testing.builders import TRIGGERS, Deployment, model
from interlock.testing.lying.lies import (
    Cut,
    Drop,
    Freeze,
    Late,
    Lie,
    Reorder,
    Repeat,
    Rewind,
    ServeOld,
    Which,
    Withhold,
)
from interlock.testing.lying.proxy import LyingProxy, behind
from interlock.testing.model_server import ModelServer
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import HEARTBEATS, POLICIES, ROUTES, VERDICTS

PATIENCE_S = 120
LEASE_S, GRACE_S, SLACK_S = 8, 2, 3
"""The slack is the permitted skew, 1 s, and what a busy machine adds between an answer of the router and the model's server."""
KEY = "agent-key-of-support"
CREDENTIAL = "provider-credential"
HELLO = {"messages": [{"role": "user", "content": "Hello"}], "model": "zebra"}

ROUTE = Which(ROUTES.name)
CLOCK = SystemClock()


def now_s() -> float:
    """Seconds since the epoch, as the models' servers count them."""
    return CLOCK.now().wall / SECOND


@dataclass(frozen=True)
class Broker:
    """A broker with two listeners: the plain one, and the one whose clients are sent to the proxy."""

    bootstrap: str
    listener: int
    proxy: int


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    listener, proxy = free_ports(2)
    cluster = behind(tmp_path_factory.mktemp("kafka"), proxy, listener)
    try:
        cluster.restart(1)
        create_topics(cluster.bootstrap)
        yield Broker(cluster.bootstrap, listener, proxy)
    finally:
        cluster.stop()


@dataclass
class World:
    """A gateway process behind the proxy, a decision process before the broker, three models that count, and a client."""

    deployment: Deployment
    bus: Bus
    proxy: LyingProxy
    models: dict[str, ModelServer]
    gateway: asyncio.subprocess.Process
    url: str
    levels: dict[str, Level] = field(default_factory=lambda: dict.fromkeys(("atlas", "birch", "zebra"), Level.HEALTHY))
    answers: list[tuple[float, int, str]] = field(default_factory=list)

    @property
    def agent(self) -> str:
        (agent,) = self.deployment.agents
        return agent

    async def publish(self, topic: str, key: str, sealed: bytes, partition: int | None = None) -> None:
        await (await self.bus.publisher()).publish(topic, key, sealed, partition=partition)

    async def deny(self, name: str) -> None:
        denial = Denial(f"denial-of-{name}", name, "it leaks", CLOCK.now().wall)
        await self.publish(POLICIES.name, f"deny/{denial.id}", self.deployment.seal(denial, "sam"), 0)

    async def judge(self) -> None:
        """The health-monitor."""
        while True:
            now = CLOCK.now().wall
            for name, level in self.levels.items():
                for rule in TRIGGERS:
                    until = Micros(now + 30 * SECOND)
                    said = Verdict(name, "*", rule.objective, level, "", 9, ("gateway-1",), now, now, until)
                    await self.publish(VERDICTS.name, said.key, self.deployment.seal(said, "health-1"))
            await asyncio.sleep(1)

    async def ask(self, client: aiohttp.ClientSession) -> None:
        """The steady client; it asks for the unapproved model by name."""
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with client.post(self.url, json=HELLO, headers={"Authorization": f"Bearer {KEY}"}) as reply:
                    self.answers.append((now_s(), reply.status, reply.headers.get("x-interlock-model", "")))
            await asyncio.sleep(0.1)

    async def until(self, wanted: Callable[[int, str], bool], within_s: float = PATIENCE_S) -> None:
        """Wait for an answer that was asked for from now on."""
        begun = now_s()
        async with asyncio.timeout(within_s):
            while not any(wanted(status, name) for at, status, name in self.answers if at > begun):
                assert self.gateway.returncode is None, "the gateway has ended"
                await asyncio.sleep(0.05)

    async def passed(self, moment: float) -> None:
        """Wait until an answer was given after a moment."""
        await asyncio.sleep(max(0, moment - now_s()))
        await self.until(lambda status, answered: True)

    async def served(self, name: str) -> None:
        await self.until(lambda status, answered: status == 200 and answered == name)

    async def stopped(self) -> None:
        await self.until(lambda status, answered: status == 403)

    async def ordered(self, target: str) -> float:
        """Wait until decision has ordered a change; when it did."""
        reader = await self.bus.reader([ROUTES.name])
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [open_sealed(each.value, self.deployment.root, RoutingChange) for each in await reader.batch()]
                changes = [each.value for each in found if isinstance(each, Verified)]
                if changes and changes[-1].target == target:
                    return changes[-1].issued_at / SECOND

    def asked_after(self, name: str, moment: float) -> int:
        """How often a model's own server was asked after a moment."""
        return sum(seen.at > moment for seen in self.models[name].seen)


def write_settings(folder: Path, deployment: Deployment, broker: Broker, port: int) -> None:
    shared = {"deployment": deployment.name, "trust_root": "root-1.sealed"}
    agents = [{"agent": deployment.agents[0], "key_sha256": hashlib.sha256(KEY.encode()).hexdigest()}]
    gateway = {
        "bootstrap": f"127.0.0.1:{broker.proxy}",
        "owner": "gateway-1",
        "key": "gateway-1.pem",
        "serve": f"127.0.0.1:{port}",
        "state": "marks.sqlite",
        "lease": f"{LEASE_S}s",
        "rebuild": "1s",
    }
    (folder / "gateway.toml").write_text(toml({**shared, **gateway, "agents": agents}), encoding="utf-8")
    decision = {"bootstrap": broker.bootstrap, "owner": "decision-1", "key": "decision-1.pem"}
    (folder / "decision.toml").write_text(toml({**shared, **decision}), encoding="utf-8")


@asynccontextmanager
async def process(module: str, settings: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    inherited = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    keys = {f"{name}_KEY": CREDENTIAL for name in ("ATLAS", "BIRCH", "ZEBRA")}
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(settings), env=inherited | keys)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.wait()


@pytest.fixture
async def world(broker: Broker, tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[World]:
    tag = uuid.uuid4().hex[:8]
    deployment = Deployment(f"lied-{tag}", now=CLOCK.now().wall, agents=(f"agent-{tag}",))
    deployment.install(tmp_path)
    write_settings(tmp_path, deployment, broker, unused_tcp_port)
    async with AsyncExitStack() as stack:
        bus = KafkaBus(broker.bootstrap)
        stack.push_async_callback(bus.close)
        proxy = await stack.enter_async_context(LyingProxy(broker.proxy, to=broker.listener))
        models = {
            name: await stack.enter_async_context(ModelServer(name, served_as=f"{name}-2026", credential=CREDENTIAL))
            for name in ("atlas", "birch", "zebra")
        }
        client = await stack.enter_async_context(aiohttp.ClientSession())
        gateway = await stack.enter_async_context(process("interlock.router.gateway", tmp_path / "gateway.toml"))
        url = f"http://127.0.0.1:{unused_tcp_port}/v1/chat/completions"
        world = World(deployment, bus, proxy, models, gateway, url)
        ladder = [model(name, endpoint=models[name].endpoint) for name in ("atlas", "birch")]
        rule = deployment.rule(ladder, grace_us=seconds(GRACE_S))
        policy = deployment.seal(deployment.policy_of(world.agent, rule), "grace", "oscar")
        await world.publish(POLICIES.name, f"policy/{world.agent}", policy, 0)
        await stack.enter_async_context(process("interlock.decision", tmp_path / "decision.toml"))
        loops = [asyncio.create_task(world.judge()), asyncio.create_task(world.ask(client))]
        try:
            await world.served("atlas")
            yield world
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.wait(loops)
    assert proxy.failures == []
    assert models["zebra"].seen == [], "the unapproved model was asked"


async def test_a_denial_that_is_withheld_while_heartbeats_come_stops_the_route_with_its_lease(world: World) -> None:
    world.proxy.lies = [Withhold(Which(POLICIES.name, "deny/")), Freeze(ROUTE)]
    await world.deny("atlas")
    ordered = await world.ordered("birch")
    await world.stopped()
    over = ordered + LEASE_S + GRACE_S + SLACK_S
    await world.passed(over)
    assert world.asked_after("atlas", ordered) > 0, "the lie held: nothing else told the gateway"
    assert world.asked_after("atlas", over) == 0
    assert world.proxy.edited > 0
    world.proxy.lies = []
    await world.served("birch")
    assert world.asked_after("atlas", over) == 0


LIES: dict[str, tuple[Sequence[Lie], bool]] = {
    "serves the old route": ([ServeOld(ROUTE)], False),
    "says that the routes end": ([Cut(ROUTE)], False),
    "freezes the routes": ([Freeze(ROUTE)], False),
    "freezes everything": ([Freeze(Which())], False),
    "cuts every connection": ([Drop()], False),
    "an older end of the routes": ([Rewind(ROUTES.name, 0)], False),
    "repeats everything": ([Repeat(Which())], True),
    "reorders everything": ([Reorder(Which())], True),
    "tells the heartbeats late": ([Late(Which(HEARTBEATS.name), seconds(2))], True),
}
"""The lies, and whether the gateway can still do what decision orders."""


@pytest.mark.parametrize("name", LIES)
async def test_whatever_the_broker_says_the_route_is_right_or_stops_with_its_lease(world: World, name: str) -> None:
    lies, right = LIES[name]
    edited = world.proxy.edited
    world.proxy.lies = [_from_now(lie) for lie in lies]
    world.levels["atlas"] = Level.UNAVAILABLE
    ordered = await world.ordered("birch")
    await (world.served("birch") if right else world.stopped())
    over = ordered + LEASE_S + GRACE_S + SLACK_S
    await world.passed(over)
    assert world.asked_after("atlas", over) == 0
    if right:
        await world.served("birch")
    else:
        assert world.answers[-1][1] == 403
    assert world.proxy.edited > edited or lies == [Drop()], (
        "no lie was told; a connection that is cut has no answer to edit"
    )
    world.proxy.lies = []
    await world.served("birch")
    assert world.gateway.returncode is None


def _from_now(lie: Lie) -> Lie:
    """The same lie about what is written from now on."""
    if isinstance(lie, Drop | Rewind | Freeze | Repeat | Reorder):
        return lie
    return replace(lie, which=replace(lie.which, after=CLOCK.now().wall))
