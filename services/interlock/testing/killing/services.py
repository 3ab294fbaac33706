"""The real services, each on the ports of one process."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from interlock.records.health import Outcome
from interlock.records.rules import SafeState
from interlock.reporting.accumulator import Call
from interlock.reporting.guard_beat import GuardPulse
from interlock.reporting.shell import Shell
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.router.answers import Serve
from interlock.router.gateway.tickets import Tickets
from interlock.router.subscriber import Subscriber
from interlock.router.subscribing import open_subscriber
from interlock.runtime.clock import Clock
from interlock.runtime.lifecycle import Stop, supervise
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.builders import Deployment
from interlock.testing.in_memory import run_decision, run_notifier, run_watch, shell
from interlock.testing.killing.bus import KillableBus, Ports
from interlock.testing.killing.parts import KillableLastChannel, KillableMarks, KillableSender
from interlock.testing.killing.receiver import Receiver
from interlock.testing.router_driver import TERMS
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import seconds

DEADLINE = seconds(12)
"""The watch's deadline here: shorter than in life, so that a story is."""

MARKS = "marks.db"
"""The file in which the router keeps its marks, on its disk."""

SECOND_DECISION = "second decision"
"""Another process of the decision service, for the same shards."""

OWNERS: Mapping[str, str] = {
    "decision": "decision-1",
    SECOND_DECISION: "decision-1",
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
        routes: The routes that clients ask for.
        tickets: The tickets that clients were given.
        meet: Is given the subscriber of a router that starts: whoever holds it asks what a client would.
    """

    broker: MemoryBroker
    clock: Clock
    deployment: Deployment
    receiver: Receiver
    disk: Path
    routes: tuple[RouteId, ...]
    tickets: list[str]
    meet: Callable[[Subscriber], None]


async def run(service: str, around: Surroundings, ports: Ports, stop: Stop) -> None:
    """Run a service until it is asked to stop."""
    bus = KillableBus(MemoryBus(around.broker), ports)
    async with shell(bus, OWNERS[service], around.deployment, around.clock) as it:
        match service:
            case "notifier":
                await run_notifier(it, stop, KillableSender(around.receiver, ports))
            case "watch":
                await run_watch(it, stop, KillableLastChannel(around.receiver, ports), DEADLINE)
            case "router":
                await _run_gateway(it, around, KillableMarks(around.disk / MARKS, ports), stop)
            case "guard":
                await GuardPulse(it.publisher, it.owner, it.key, it.clock).run(stop)
            case _:
                await run_decision(it, stop, instance=service)


async def _run_gateway(it: Shell, around: Surroundings, marks: KillableMarks, stop: Stop) -> None:
    """A gateway without its HTTP: the subscriber, the telemetry, and clients that ask for every route once a second."""
    with closing(marks):
        subscriber = await open_subscriber(it, marks, TERMS)
        telemetry = TelemetryEmitter(it.publisher, it.owner, it.key, it.clock, it.metrics)
        tickets = Tickets(it.publisher, it.owner, it.key, it.clock)
        around.meet(subscriber)
        asked = _ask(around, subscriber, telemetry, tickets, stop)
        await supervise(stop, {"router": subscriber.run(stop), "telemetry": telemetry.run(stop), "clients": asked})


async def _ask(
    around: Surroundings, subscriber: Subscriber, telemetry: TelemetryEmitter, tickets: Tickets, stop: Stop
) -> None:
    while not await stop.within(1.0):
        for route in around.routes:
            answer = subscriber.resolve(*route, None)
            if isinstance(answer, Serve):
                telemetry.note(Call(route, answer.model.name, Outcome.OK, 0.2))
            elif answer.state is SafeState.HUMAN_QUEUE:
                ticket = await tickets.keep(answer, b"a request")
                around.tickets.append(getattr(ticket, "id", ""))
