"""The whole watch on the memory bus, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.commands import Command, Verb
from interlock.records.documents import Unnotified, Webhook
from interlock.records.log import NO_TERM
from interlock.records.sealing import open_sealed
from interlock.records.telling import Breach, Finding, Notice, NoticeKind
from interlock.reporting.findings import Findings
from interlock.reporting.shell import Shell
from interlock.runtime.bus import Position
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import START, VirtualClock, run_virtually
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.watch.instruments import Instruments
from interlock.watch.service import GROUP, open_service
from interlock.watch.settings import WatchSettings
from interlock.wire.topics import AUDIT, BY_NAME, COMMANDS, FINDINGS, NOTICES, POLICIES, SHARDS

DEPLOYMENT = Deployment(now=START)
SHARD = shard_of("support", SHARDS)
LOG = Position(AUDIT.name, SHARD)
LAST = Webhook("https://last.example.com/", False)


class World:
    """A broker, a last channel, a hand that writes the log and the notices, and watches that come and go."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.broker = MemoryBroker(clock=clock)
        self.received: list[tuple[float, str]] = []
        self.fault = ""
        self.readiness = Readiness("audit")
        self.term = NO_TERM
        self.sequence = 0

    async def send(self, to: Webhook, message_id: str, body: bytes, now: Micros) -> str:
        assert to == LAST
        self.received.append((self.age_s(), message_id))
        await asyncio.sleep(0.01)
        return self.fault

    def age_s(self) -> float:
        return round(self.clock.now().boot / SECOND, 1)

    def publish_policy(self, unnotified: Unnotified = Unnotified.RECORD, last: Webhook | None = LAST) -> None:
        rule = DEPLOYMENT.rule(["atlas", "birch"])
        policy = replace(DEPLOYMENT.policy_of("support", rule), unnotified=unnotified, last_channel=last)
        self.broker.append(Position(POLICIES.name, 0), b"policy/support", DEPLOYMENT.seal(policy, "grace", "oscar"))

    def claim(self) -> None:
        said = AuditRecord(SHARD, AuditKind.CLAIM, "decision-1", NO_TERM, 0, START, (), (), (), b"")
        self.term = self.broker.append(LOG, b"0", DEPLOYMENT.seal(said, "decision-1"))

    def change(self, version: int, *, by: str = "decision-1", **fields: Any) -> bytes:
        """Append a step with one change; its identity."""
        self.sequence += 1
        issued_at = self.clock.now().wall
        change = replace(DEPLOYMENT.change(shard=SHARD, term=self.term, version=version, issued_at=issued_at), **fields)
        sealed = DEPLOYMENT.seal(change, "decision-1")
        said = AuditRecord(SHARD, AuditKind.STEP, by, self.term, self.sequence, START, (), (sealed,), (), b"")
        self.broker.append(LOG, b"0", DEPLOYMENT.seal(said, by))
        opened = open_sealed(sealed, DEPLOYMENT.root, RoutingChange)
        assert isinstance(opened, Verified)
        return opened.event_id

    def notice(self, event_id: bytes, kind: NoticeKind = NoticeKind.ACCEPTED, *, by: str = "notifier-1") -> None:
        now = self.clock.now().wall
        said = Notice("x", event_id, "support", "webhook:x", 1, kind, 200, "", now, now)
        self.broker.append(Position(NOTICES.name, 0), b"x", DEPLOYMENT.seal(said, by))

    def breaches(self) -> list[Breach]:
        return list(self._said(NOTICES.name, Breach))

    def commands(self) -> list[Command]:
        return list(self._said(COMMANDS.name, Command))

    def findings(self) -> list[Reason]:
        return [Reason(found.reason) for found in self._said(FINDINGS.name, Finding)]

    def committed(self) -> int:
        return self.broker.committed(GROUP, LOG)

    def _said(self, topic: str, kind: Any) -> Iterator[Any]:
        for n in range(BY_NAME[topic].partitions):
            for record in self.broker.fetch(Position(topic, n), 0, 1_000):
                opened = open_sealed(record.value, DEPLOYMENT.root, kind)
                if isinstance(opened, Verified):
                    yield opened.value

    @asynccontextmanager
    async def watch(self, **settings: Any):
        """A watch at work; leaving asks it to stop and waits until it has."""
        stop = Stop()
        running = asyncio.create_task(self._run(stop, **settings))
        try:
            yield
        finally:
            stop.request()
            await running

    async def killed_watch(self, after_s: float) -> None:
        """A watch that is killed after that time, in the middle of whatever it does."""
        running = asyncio.create_task(self._run(Stop()))
        await asyncio.sleep(after_s)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def _run(self, stop: Stop, **settings: Any) -> None:
        bus, key, metrics = MemoryBus(self.broker), DEPLOYMENT.key("watch-1"), Metrics("watch")
        publisher = await bus.publisher()
        findings = Findings(publisher, "watch-1", key, self.clock, metrics)
        it = Shell("watch-1", key, DEPLOYMENT.book(), bus, publisher, self.clock, metrics, findings, self.readiness)
        its = WatchSettings(
            bootstrap="127.0.0.1:9092", deployment="x", trust_root="x", owner="watch-1", key="x", **settings
        )
        async with open_service(it, its, self, Instruments(metrics)) as service:
            await service.run(stop)


def virtual(scenario: Callable[[World], Awaitable[None]]) -> None:
    run_virtually(lambda clock: scenario(World(clock)))


def test_a_change_that_nobody_was_told_of_is_one_breach_a_finding_and_a_word_on_the_last_channel():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(299)
            assert world.breaches() == []
            await asyncio.sleep(6)
            (breach,) = world.breaches()
            assert breach.event_id == event_id
            assert not breach.suspends
            assert 300 * SECOND <= breach.at - breach.change_issued_at <= 305 * SECOND
            await asyncio.sleep(600)
        assert world.breaches() == [breach]
        assert world.findings() == [Reason.NOTICE_OVERDUE]
        assert [message for _, message in world.received] == [f"breach-{event_id.hex()}"]
        assert world.commands() == []

    virtual(scenario)


def test_a_receipt_in_time_leaves_nothing_to_do():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(298)
            world.notice(event_id)
            await asyncio.sleep(300)
        assert (world.breaches(), world.commands(), world.received, world.findings()) == ([], [], [], [])

    virtual(scenario)


def test_where_policy_says_so_the_route_is_suspended():
    async def scenario(world: World) -> None:
        world.publish_policy(Unnotified.SUSPEND)
        world.claim()
        async with world.watch():
            event_id = world.change(1)
            await asyncio.sleep(305)
        (command,) = world.commands()
        assert (command.verb, command.agent, command.route) == (Verb.SUSPEND, "support", "support/main/*")
        assert command.id == f"unnotified-{event_id.hex()}"
        (breach,) = world.breaches()
        assert breach.suspends

    virtual(scenario)
