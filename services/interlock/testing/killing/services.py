"""The real services, each put together on the ports of one process as its `__main__` does it on Kafka."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.decision.desk import Desk
from interlock.decision.instruments import Instruments as DecisionInstruments
from interlock.decision.service import DecisionService
from interlock.notifier import service as notifier
from interlock.policy.book import Book
from interlock.records.health import Outcome
from interlock.records.rules import SafeState
from interlock.reporting.accumulator import Call
from interlock.reporting.findings import Findings
from interlock.reporting.guard_beat import GuardPulse
from interlock.reporting.shell import Shell
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.router.answers import Serve
from interlock.router.gateway.__main__ import _subscriber
from interlock.router.gateway.settings import GatewaySettings
from interlock.router.gateway.tickets import Tickets
from interlock.router.subscriber import Subscriber
from interlock.runtime.clock import Clock
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop, supervise
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.signing.keys import SigningKey
from interlock.testing.killing.bus import KillableBus, Ports
from interlock.testing.killing.parts import KillableLastChannel, KillableMarks, KillableSender
from interlock.testing.killing.receiver import Receiver
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import seconds
from interlock.watch import service as watch
from interlock.watch.instruments import Instruments as WatchInstruments
from interlock.watch.settings import WatchSettings
from interlock.wire.topics import SHARDS

DEADLINE_S = 12
"""The watch's deadline here: shorter than in life, so that a story is."""

_GATEWAY = GatewaySettings.model_construct(lease=seconds(15), skew=seconds(2))
"""What a subscriber must know; the rest of a gateway's settings is about HTTP."""

MARKS = "marks.db"
"""The file in which the router keeps its marks, on its disk."""

OWNERS: Mapping[str, str] = {
    "decision": "decision-1",
    "notifier": "notifier-1",
    "watch": "watch-1",
    "router": "gateway-1",
    "guard": "guardrail-1",
}
"""Who speaks for each service in the trust root."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service finds when it starts: the broker, the time, the people, and its disk.

    Attributes:
        key: The key of an owner.
        book: The installed trust root, and nothing else.
        routes: The routes that clients ask for.
        tickets: The tickets that clients were given.
    """

    broker: MemoryBroker
    clock: Clock
    receiver: Receiver
    disk: Path
    key: Callable[[str], SigningKey]
    book: Callable[[], Book]
    routes: tuple[RouteId, ...]
    tickets: list[str]

    async def shell(self, service: str, ports: Ports) -> Shell:
        """What `reporting.shell` makes, on the ports of a process."""
        owner, metrics = OWNERS[service], Metrics(service)
        bus = KillableBus(MemoryBus(self.broker), ports)
        publisher = await bus.publisher()
        findings = Findings(publisher, owner, self.key(owner), self.clock, metrics)
        ready = Readiness("it runs")
        return Shell(owner, self.key(owner), self.book(), bus, publisher, self.clock, metrics, findings, ready)


Running = Coroutine[Any, Any, None]


async def run_decision(it: Surroundings, ports: Ports, stop: Stop, instance: str = "decision-1") -> None:
    """The decision service, over every shard that its group gives it."""
    shell = await it.shell("decision", ports)
    instruments = DecisionInstruments(shell.metrics)

    def desk_for(shard: int, held: Callable[[], bool]) -> Desk:
        return Desk(
            shard, SHARDS, shell.owner, shell.key, shell.book, shell.bus, it.clock, shell.findings, instruments, held
        )

    await DecisionService(shell.bus, instance, desk_for, shell.readiness).run(stop)
    await shell.bus.close()


async def run_notifier(it: Surroundings, ports: Ports, stop: Stop) -> None:
    """The notifier."""
    shell = await it.shell("notifier", ports)
    service = await notifier.open_service(shell, KillableSender(it.receiver, ports), stop)
    await service.run()
    await shell.bus.close()


async def run_watch(it: Surroundings, ports: Ports, stop: Stop) -> None:
    """The deadline watch."""
    shell = await it.shell("watch", ports)
    settings = WatchSettings(
        bootstrap="127.0.0.1:9092",
        deployment=shell.book.trust.deployment,
        trust_root=Path("root"),
        owner=shell.owner,
        key=Path("key"),
        deadline=f"{DEADLINE_S}s",
    )
    sender = KillableLastChannel(it.receiver, ports)
    async with watch.open_service(shell, settings, sender, WatchInstruments(shell.metrics)) as service:
        await service.run(stop)
    await shell.bus.close()


async def run_router(it: Surroundings, ports: Ports, stop: Stop, tell: Callable[[Subscriber], None]) -> None:
    """A gateway without its HTTP: the subscriber, the telemetry, and clients that ask for every route once a second.

    Args:
        it: What it finds.
        ports: Its ports.
        stop: When to end.
        tell: Is given the subscriber: whoever holds it asks what a client would.
    """
    shell = await it.shell("router", ports)
    marks = KillableMarks(it.disk / MARKS, ports)
    subscriber = await _subscriber(_GATEWAY, marks, shell)
    telemetry = TelemetryEmitter(shell.publisher, shell.owner, shell.key, it.clock, shell.metrics)
    tickets = Tickets(shell.publisher, shell.owner, shell.key, it.clock)
    tell(subscriber)
    try:
        asked = _ask(it, subscriber, telemetry, tickets, stop)
        await supervise(stop, {"router": subscriber.run(stop), "telemetry": telemetry.run(stop), "clients": asked})
    finally:
        marks.close()
    await shell.bus.close()


async def _ask(
    it: Surroundings, subscriber: Subscriber, telemetry: TelemetryEmitter, tickets: Tickets, stop: Stop
) -> None:
    while not await stop.within(1.0):
        for route in it.routes:
            answer = subscriber.resolve(*route, None)
            if isinstance(answer, Serve):
                telemetry.note(Call(route, answer.model.name, Outcome.OK, 0.2))
            elif answer.state is SafeState.HUMAN_QUEUE:
                ticket = await tickets.keep(answer, b"a request")
                it.tickets.append(getattr(ticket, "id", ""))


async def run_guard(it: Surroundings, ports: Ports, stop: Stop) -> None:
    """A guard that tells once a second that it works."""
    shell = await it.shell("guard", ports)
    await GuardPulse(shell.publisher, shell.owner, shell.key, it.clock).run(stop)
    await asyncio.sleep(0)
    await shell.bus.close()
