"""All services on the bus in memory, in virtual time, and a story that they live through: the same one with hostile records and without.

The services are the real ones, put together as their `__main__` does it; around them stand people, a probe and a webhook receiver. The
world is told what to do, and read from the outside: what routers serve, what the log holds, what was told to whom.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.core.objectives import Rules
from interlock.health_monitor.service import HealthMonitorService, Outbox
from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import Acknowledgement, RoutingChange
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.health import Cell, TelemetryBatch, Verdict
from interlock.records.log import NO_TERM, ShardLog
from interlock.records.sealing import event_id_of, open_sealed
from interlock.records.telling import Finding, Ticket
from interlock.reporting.shell import Shell
from interlock.router.answers import Serve
from interlock.router.marks_file import MarksFile
from interlock.router.subscriber import Subscriber
from interlock.runtime.bus import Position, Record
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.signing.keys import KeyKind
from interlock.signing.roles import Role
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustedKey, TrustRoot
from interlock.signing.verifier import Verified
from interlock.testing.builders import TRIGGERS, Deployment, key_of
from interlock.testing.hostile import table
from interlock.testing.hostile.table import HEALTH, ROUTER, SERVICES
from interlock.testing.in_memory import LastChannel, Receiver, run_decision, run_notifier, run_router, run_watch, shell
from interlock.testing.virtual_time import VirtualClock
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import ANY, RouteId, shard_of
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import (
    ACKS,
    AUDIT,
    COMMANDS,
    FINDINGS,
    POLICIES,
    SHARDS,
    TELEMETRY,
    TICKETS,
    VERDICTS,
    TopicSpec,
)

SUPPORT, TRIAGE = (RouteId(agent, "main", ANY) for agent in ("support", "triage"))
SHARD = shard_of("support", SHARDS)
_RULES = Rules(seconds(30), 5, 5, 3, seconds(10), seconds(1), seconds(5))
_LOOK_S = 0.1
_TOLD_S = 0.5
_OLD_S = 25

S = TypeVar("S", bound=Statement)


class Cast(Deployment):
    """The usual deployment, in which everybody has a key of P-256, too, and `oscar` yet another one, which is governance's."""

    def next_root(self, version: int, *, agents: Any = ()) -> TrustRoot:
        """The trust root of a version; see `Deployment`."""
        root, too = super().next_root(version, agents=agents), self.key("oscar-too")
        second = {key.keyid: key_of(key.owner, self.name, KeyKind.P256) for key in root.keys}
        granted = {
            grant.role: (*grant.keyids, *(second[keyid].keyid for keyid in grant.keyids)) for grant in root.grants
        }
        granted[Role.GOVERNANCE] += (too.keyid,)
        more = [(too, "oscar"), *((second[key.keyid], key.owner) for key in root.keys)]
        return replace(
            root,
            keys=(*root.keys, *(TrustedKey(key.keyid, owner, key.public) for key, owner in more)),
            grants=tuple(replace(grant, keyids=granted[grant.role]) for grant in root.grants),
        )


@dataclass(slots=True)
class Lived:
    """What came of a story, without what differs from run to run: terms, times and offsets.

    Attributes:
        changes: By route: target, safe state and trigger of each change, as the log has them.
        served: By route: the models that were served, one after the other; None is the safe state.
        levels: By verdict key: the levels, one after the other.
        told: By change: how often a receiver accepted its notice, and which routers obeyed.
        tickets: The tickets that stand there, and `breaches` the changes with one.
        differences: What a replay of the log finds.
    """

    changes: dict[RouteId, list[tuple[str | None, str | None, str]]]
    served: dict[RouteId, list[str | None]]
    levels: dict[str, list[str]]
    told: list[tuple[RouteId, int, list[str]]]
    differences: list[str]


@dataclass
class _Process:
    """A service that runs."""

    stop: Stop
    task: asyncio.Task[None]


class World:
    """A broker and everybody around it.

    Attributes:
        outcomes: What the probe sees of each model, by outcome.
        metrics: By service: the registry of each of its lives.
        receiver: The receiver of notices.
        hostile: Where hostile records stand: `records` and `read` leave them out.
    """

    def __init__(self, clock: VirtualClock, folder: Path) -> None:
        self.clock = clock
        self.folder = folder
        self.deployment = Cast(now=clock.now().wall)
        self.broker = MemoryBroker(clock=clock)
        self.outcomes = {"atlas": {"ok": 3}, "birch": {"ok": 3}}
        self.metrics: dict[str, list[Metrics]] = {service: [] for service in SERVICES}
        self.receiver = Receiver()
        self.hostile: set[tuple[str, int, int]] = set()
        self.router: Subscriber | None = None
        self._running: dict[str, _Process] = {}
        self._served: dict[RouteId, list[str | None]] = {SUPPORT: [], TRIAGE: []}
        self._batches = 0

    # What people and the world outside do.

    def claim(self, shard: int) -> None:
        """A process claims a shard before any other, and ends before it has done anything: a term of 0 is an old one from then on."""
        now = self.clock.now().wall
        said = AuditRecord(shard, AuditKind.CLAIM, table.DECISION, NO_TERM, 0, now, (), (), (), b"")
        self.put(AUDIT, shard, b"%d" % shard, self.deployment.seal(said, table.DECISION))

    def put(self, topic: TopicSpec, partition: int, key: bytes | None, value: bytes | None) -> Record:
        """Put any record anywhere."""
        where = Position(topic.name, partition)
        offset = self.broker.append(where, key, value)
        return self.broker.fetch(where, offset, 1)[0]

    def attack(self, topic: TopicSpec, partition: int, key: bytes | None, value: bytes | None) -> Record:
        """Put a hostile record anywhere."""
        record = self.put(topic, partition, key, value)
        self.hostile.add((record.topic, record.partition, record.offset))
        return record

    def policy(self, agent: str, ladder: tuple[str, ...], version: int = 1) -> RoutePolicy:
        """A policy that nobody has signed yet."""
        rule = self.deployment.rule(ladder, triggers=TRIGGERS[:1])  # unavailable: what the probe tells of
        return self.deployment.policy_of(agent, rule, version=version)

    def adopt(self, policy: RoutePolicy) -> None:
        """Governance and the agent's owner publish a policy."""
        sealed = self.deployment.seal(policy, "grace", "oscar")
        self.put(POLICIES, 0, f"policy/{policy.agent}".encode(), sealed)

    def order(self, verb: Verb, agent: str, name: str) -> None:
        """The operator orders something of an agent."""
        self.put(COMMANDS, 0, agent.encode(), self.deployment.seal(self.command(verb, agent, name), "olga"))

    def command(self, verb: Verb, agent: str, name: str) -> Command:
        """An order that nobody has signed yet."""
        now = self.clock.now().wall
        place = (self.deployment.name, verb, agent, "", "", "", ReviewOutcome.NONE, "", "because")
        return Command(name, *place, now, Micros(now + 3_600 * SECOND))

    async def _probe(self) -> None:
        """Tell twice a second what is seen of each model."""
        while True:
            now = self.clock.now().wall
            for model, outcomes in self.outcomes.items():
                self._batches += 1
                cells = (Cell("support", "main", ANY, dict(outcomes), {}, {}, {}),)
                batch = TelemetryBatch("probe-1", model, now, now, self._batches, cells)
                self.put(TELEMETRY, 0, model.encode(), self.deployment.seal(batch, "probe-1"))
            await asyncio.sleep(_TOLD_S)

    async def _ask(self) -> None:
        """Clients ask for every route, ten times a second."""
        while True:
            for route, seen in self._served.items():
                seen.append(self.served(route))
            await asyncio.sleep(_LOOK_S)

    def served(self, route: RouteId) -> str | None:
        """The model that a request gets now; None: none."""
        answer = self.router.resolve(*route, None) if self.router else None
        return answer.model.name if isinstance(answer, Serve) else None

    async def until(self, what: str, condition: Callable[[], bool], *, within_s: float = 120) -> None:
        """Wait until a condition holds, while every service runs.

        Raises:
            InvariantError: It did not within that time.
        """
        for _ in range(round(within_s / _LOOK_S)):
            for process in self._running.values():
                if process.task.done():
                    process.task.result()
            if condition():
                return
            await asyncio.sleep(_LOOK_S)
        raise InvariantError(f"It never came to pass that {what}.", "See what the services found.")

    # The services.

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """The probe, the clients and every service, until it is left."""
        around = [asyncio.create_task(each) for each in (self._probe(), self._ask())]
        await self.start(*SERVICES)
        try:
            yield
        finally:
            for task in around:
                task.cancel()
            await self.stop(*tuple(self._running))

    async def start(self, *services: str) -> None:
        """Start services."""
        for service in services:
            stop = Stop()
            self._running[service] = _Process(stop, asyncio.create_task(self._live(service, stop), name=service))

    async def stop(self, *services: str) -> None:
        """Ask services to stop, and wait until they have."""
        for service in services:
            process = self._running.pop(service)
            process.stop.request()
            await process.task

    async def restart(self, *services: str) -> None:
        """Stop services and start them again."""
        await self.stop(*services)
        await self.start(*services)

    async def _live(self, service: str, stop: Stop) -> None:
        """One life of a service."""
        async with shell(MemoryBus(self.broker), service, self.deployment, self.clock) as it:
            self.metrics[service].append(it.metrics)
            match service:
                case table.HEALTH:
                    await self._health(it, stop)
                case table.DECISION:
                    await run_decision(it, stop)
                case table.ROUTER:
                    await run_router(it, stop, MarksFile(self.folder / "marks.db"), self._meet)
                case table.NOTIFIER:
                    await run_notifier(it, stop, self.receiver)
                case _:
                    await run_watch(it, stop, LastChannel())

    def _meet(self, router: Subscriber | None) -> None:
        self.router = router

    async def _health(self, it: Shell, stop: Stop) -> None:
        policies = await it.follow_policies()
        await policies.catch_up()
        outbox = Outbox(it.publisher, it.key, it.findings)
        service = HealthMonitorService(Monitor(_RULES), policies, outbox, it.clock, it.metrics)
        service.listening(True)
        end = {Position(TELEMETRY.name, n): self.broker.end(Position(TELEMETRY.name, n)) for n in range(4)}
        reader = await it.bus.reader([TELEMETRY.name], start=end)

        async def listen() -> None:
            while not stop.is_set():
                await service.handle(await reader.batch(wait_s=0.05))

        await asyncio.gather(policies.run(stop), service.run(stop), listen())

    # What is seen from the outside.

    def records(self, topic: TopicSpec) -> list[Record]:
        """Every record of a topic that is not hostile."""
        wheres = (Position(topic.name, partition) for partition in range(topic.partitions))
        found = (record for where in wheres for record in self.broker.fetch(where, 0, 1_000_000))
        return [each for each in found if (each.topic, each.partition, each.offset) not in self.hostile]

    def read(self, topic: TopicSpec, kind: type[S]) -> list[tuple[Record, S]]:
        """Every genuine record of one kind."""
        opened = ((record, open_sealed(record.value, self.deployment.root, kind)) for record in self.records(topic))
        return [(record, each.value) for record, each in opened if isinstance(each, Verified)]

    def findings(self) -> list[Finding]:
        """Every finding that a service told."""
        return [finding for _, finding in self.read(FINDINGS, Finding)]

    def counted(self, service: str, reason: str) -> float:
        """How many findings of a reason a service counted, in all its lives."""
        line = f'interlock_findings_total{{reason="{reason}"}}'
        texts = (metrics.render().decode().splitlines() for metrics in self.metrics[service])
        return sum(float(each.rpartition(" ")[2]) for text in texts for each in text if each.startswith(line))

    def journal(self, shard: int) -> Journal:
        """A shard's log, decided again from nothing."""
        journal = Journal(State.start(shard, SHARDS, self.deployment.book()), ShardLog(shard), check=True)
        for record in self.broker.fetch(Position(AUDIT.name, shard), 0, 1_000_000):
            journal.take(record.offset, record.value)
        return journal

    def ordered(self) -> list[RoutingChange]:
        """Every change that the log holds."""
        found: list[RoutingChange] = []
        for shard in range(SHARDS):
            log = ShardLog(shard)
            for record in self.broker.fetch(Position(AUDIT.name, shard), 0, 1_000_000):
                step = open_sealed(record.value, self.deployment.root, AuditRecord)
                if isinstance(step, Verified) and log.take(record.offset, step.value):
                    opened = (open_sealed(each, self.deployment.root, RoutingChange) for each in step.value.changes)
                    found += [each.value for each in opened if isinstance(each, Verified)]
        return found

    def lived(self) -> Lived:
        """What came of it all."""
        changes, told = self.ordered(), self.receiver.told
        obeyed = {(ack.event_id, ack.router) for _, ack in self.read(ACKS, Acknowledgement) if ack.kind == "ack"}
        verdicts = sorted((said.issued_at, said.key, str(said.level)) for _, said in self.read(VERDICTS, Verdict))
        return Lived(
            changes={
                route: [
                    (each.target, each.safe_state, str(each.cause.trigger)) for each in changes if each.route == route
                ]
                for route in self._served
            },
            served={route: [model for model, _ in groupby(seen)] for route, seen in self._served.items()},
            levels={
                key: [level for level, _ in groupby(level for _, said, level in verdicts if said == key)]
                for key in {key for _, key, _ in verdicts}
            },
            told=[
                (
                    each.route,
                    len(told.get(event_id_of(each).hex(), ())),
                    [router for event_id, router in obeyed if event_id == event_id_of(each)],
                )
                for each in changes
            ],
            differences=[found.what for shard in range(SHARDS) for found in self.journal(shard).differences],
        )


async def begin(world: World) -> None:
    """How every story begins: two agents on their primaries, and of each kind of record one that is long overtaken."""
    world.adopt(world.policy("support", ("birch", "atlas")))
    world.adopt(world.policy("triage", ("birch", "atlas")))
    world.put(
        POLICIES, 0, b"deny/d1", world.deployment.seal(Denial("d1", "cedar", "a leak", world.clock.now().wall), "sam")
    )
    ticket = Ticket("ticket-1", ROUTER, "support", "main", ANY, "", b"a request", world.clock.now().wall)
    world.put(TICKETS, 0, b"support/main/*", world.deployment.seal(ticket, ROUTER))
    found = Finding(HEALTH, "expired", "a genuine one", "", "", -1, -1, b"", world.clock.now().wall)
    world.put(FINDINGS, 0, HEALTH.encode(), world.deployment.seal(found, HEALTH))
    await world.until("both are served", lambda: _serves(world, "birch", "birch"))
    world.adopt(world.policy("support", ("atlas", "birch"), version=2))
    await world.until("the new policy is in force", lambda: _serves(world, "atlas", "birch"))
    await fail_and_return(world)
    world.order(Verb.SUSPEND, "triage", "pause")
    await world.until("triage is suspended", lambda: _serves(world, "atlas", None))
    world.order(Verb.RESUME, "triage", "go-on")
    await world.until("triage is served again", lambda: _serves(world, "atlas", "birch"))
    await asyncio.sleep(_OLD_S)


async def fail_and_return(world: World) -> None:
    """The primary of support dies, and comes back."""
    world.outcomes["atlas"] = {"timeout": 5}
    await world.until("the fallback is served", lambda: _serves(world, "birch", "birch"))
    world.outcomes["atlas"] = {"ok": 5}
    await world.until("the primary is served again", lambda: _serves(world, "atlas", "birch"))


async def start_anew(world: World) -> None:
    """Every process is replaced, and clients see that for a moment there was none, whenever the next heartbeat comes."""
    await world.stop(*SERVICES)
    await asyncio.sleep(2 * _LOOK_S)
    await world.start(*SERVICES)
    await world.until("both are served after the restart", lambda: _serves(world, "atlas", "birch"))


def _serves(world: World, support: str | None, triage: str | None) -> bool:
    return (world.served(SUPPORT), world.served(TRIAGE)) == (support, triage)
