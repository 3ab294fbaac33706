"""The real services on any bus, such as one in memory, each put together as its `__main__` does it on Kafka.

    async with shell(MemoryBus(broker), "notifier-1", deployment, clock) as it:
        await run_notifier(it, stop, receiver)

Each `run_…` returns soon after the stop was requested. What else a shell may hold is put into it: `replace(it, tracing=…)`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from interlock.decision.desk import desks
from interlock.decision.service import DecisionService
from interlock.notifier import service as notifier
from interlock.notifier import telling
from interlock.notifier.webhook import Delivery
from interlock.records.documents import Webhook
from interlock.reporting.findings import Findings
from interlock.reporting.shell import Shell
from interlock.router.marks_file import MarksFile
from interlock.router.subscriber import Subscriber
from interlock.router.subscribing import open_subscriber
from interlock.runtime.bus import Bus
from interlock.runtime.clock import Clock
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop, supervise
from interlock.runtime.metrics import Metrics
from interlock.testing.builders import Deployment
from interlock.testing.router_driver import TERMS
from interlock.vocabulary.time import Micros, seconds
from interlock.watch import breaches
from interlock.watch import service as watch
from interlock.watch.instruments import Instruments as WatchInstruments
from interlock.watch.outside_heartbeat import OutsideHeartbeat
from interlock.watch.settings import DEADLINE_MAX, WatchSettings

_TAKES_S = 0.01


@asynccontextmanager
async def shell(bus: Bus, owner: str, deployment: Deployment, clock: Clock) -> AsyncIterator[Shell]:
    """Open what `reporting.shell` opens, on a bus that is there; it is closed at the end, and metrics can still be read.

    Args:
        bus: The service's connection.
        owner: Its name in the trust root.
        deployment: Where its key and the installed trust root are from.
        clock: Both clocks.
    """
    key, metrics, publisher = deployment.key(owner), Metrics(owner), await bus.publisher()
    findings = Findings(publisher, owner, key, clock, metrics)
    try:
        yield Shell(owner, key, deployment.book(), bus, publisher, clock, metrics, findings, Readiness())
    finally:
        await bus.close()


async def run_decision(it: Shell, stop: Stop, instance: str = "") -> None:
    """The decision service, over every shard that its group gives it.

    Args:
        it: Its surroundings.
        stop: When to end.
        instance: Its lasting name in the group; by default the owner's.
    """
    await DecisionService(it.bus, instance or it.owner, desks(it), it.readiness).run(stop)


async def run_router(it: Shell, stop: Stop, marks: MarksFile, meet: Callable[[Subscriber | None], None]) -> None:
    """A router without its HTTP.

    Args:
        it: Its surroundings.
        stop: When to end.
        marks: Its marks; closed at the end.
        meet: Is given the subscriber, which answers as a client is answered; at the end None.
    """
    with closing(marks):
        subscriber = await open_subscriber(it, marks, TERMS)
        meet(subscriber)
        try:
            await subscriber.run(stop)
        finally:
            meet(None)


async def run_notifier(it: Shell, stop: Stop, sender: telling.Sender) -> None:
    """The notifier."""
    await (await notifier.open_service(it, sender, stop)).run()


async def run_watch(
    it: Shell,
    stop: Stop,
    sender: breaches.Sender,
    deadline: Micros = DEADLINE_MAX,
    give: Callable[[], Awaitable[str]] | None = None,
) -> None:
    """The deadline watch.

    Args:
        it: Its surroundings.
        stop: When to end.
        sender: Makes the attempts on last channels.
        deadline: How long a receipt is waited for: shorter than in life, where a story is to be.
        give: Gives a sign of life outside; None: there is nobody.
    """
    settings = WatchSettings.model_construct(deadline=deadline, period=seconds(1))
    instruments = WatchInstruments(it.metrics)
    async with watch.open_service(it, settings, sender, instruments) as service:
        loops = {"watch": service.run(stop)}
        if give is not None:
            loops["heartbeat"] = OutsideHeartbeat(give, service.well, instruments).run(stop)
        await supervise(stop, loops)


class Receiver:
    """The receiver of notices: accepts every one.

    Attributes:
        told: By message id, when it was given it: every time.
    """

    def __init__(self) -> None:
        self.told: dict[str, list[Micros]] = {}

    async def send(self, webhook: Webhook, message_id: str, body: bytes, *, now: Micros, timeout_s: float) -> Delivery:
        """Take one attempt; see `notifier.telling.Sender`."""
        self.told.setdefault(message_id, []).append(now)
        await asyncio.sleep(_TAKES_S)
        return Delivery(204)


class LastChannel:
    """A last channel: takes every message."""

    async def send(self, to: Webhook, message_id: str, body: bytes, now: Micros) -> str:
        """Take one attempt; see `watch.breaches.Sender`."""
        return ""
