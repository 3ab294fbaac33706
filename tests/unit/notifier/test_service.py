"""The whole notifier on the memory bus, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from interlock.notifier.service import GROUP
from interlock.notifier.webhook import Delivery
from interlock.records.audit import AuditKind, AuditRecord, Entry
from interlock.records.change import RoutingChange
from interlock.records.codec import encode
from interlock.records.documents import Webhook
from interlock.records.log import NO_TERM
from interlock.records.sealing import open_sealed
from interlock.records.state import ReviewEntry
from interlock.records.telling import Finding, Notice, NoticeKind
from interlock.runtime.bus import Position
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.signing.roles import Role
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.in_memory import run_notifier, shell
from interlock.testing.virtual_time import START, VirtualClock, run_virtually
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.limits import MOMENT_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, FINDINGS, NOTICES, POLICIES, SHARDS

DEPLOYMENT = Deployment(now=START)
SHARD = shard_of("support", SHARDS)
LOG = Position(AUDIT.name, SHARD)


class World:
    """A broker, a receiver, a hand that writes the audit log, and notifiers that come and go."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.broker = MemoryBroker(clock=clock)
        self.received: list[tuple[float, str]] = []
        self.answer: Callable[[], Delivery] = lambda: Delivery(204)
        self.readiness = Readiness("audit")
        self.term = NO_TERM
        self.sequence = 0

    async def send(self, webhook: Webhook, message_id: str, body: bytes, *, now: Micros, timeout_s: float) -> Delivery:
        self.received.append((round(self.clock.now().boot / SECOND, 1), message_id))
        await asyncio.sleep(0.01)
        return self.answer()

    def publish_policy(self, version: int = 1) -> None:
        policy = DEPLOYMENT.policy("support", ["atlas", "birch"], version=version)
        self.broker.append(Position(POLICIES.name, 0), b"policy/support", policy)

    def claim(self) -> None:
        said = AuditRecord(SHARD, AuditKind.CLAIM, "decision-1", NO_TERM, 0, START, (), (), (), b"")
        self.term = self.broker.append(LOG, b"0", DEPLOYMENT.seal(said, "decision-1"))

    def change(self, version: int, *, by: str = "decision-1", **fields: Any) -> bytes:
        """Append a step with one change; the id under which it must be told."""
        self.sequence += 1
        issued_at = self.clock.now().wall
        change = replace(DEPLOYMENT.change(shard=SHARD, term=self.term, version=version, issued_at=issued_at), **fields)
        sealed = DEPLOYMENT.seal(change, "decision-1")
        said = AuditRecord(SHARD, AuditKind.STEP, by, self.term, self.sequence, START, (), (sealed,), (), b"")
        self.broker.append(LOG, b"0", DEPLOYMENT.seal(said, by))
        opened = open_sealed(sealed, DEPLOYMENT.root, RoutingChange)
        assert isinstance(opened, Verified)
        return opened.event_id

    def overdue(self, change: str) -> str:
        """Append a step by which the review of a change became overdue; its name in notices."""
        self.sequence += 1
        review = ReviewEntry("support/main/*", "atlas", "birch", START, self.clock.now().wall, overdue=True)
        entry = Entry(f"review/{change}", encode(review))
        now = self.clock.now().wall
        said = AuditRecord(SHARD, AuditKind.STEP, "decision-1", self.term, self.sequence, now, (), (), (entry,), b"")
        self.broker.append(LOG, b"0", DEPLOYMENT.seal(said, "decision-1"))
        return entry.key

    def notices(self) -> list[Notice]:
        return [self._opened(value, Notice) for value in self._values(NOTICES.name, NOTICES.partitions)]

    def findings(self) -> list[Reason]:
        values = self._values(FINDINGS.name, FINDINGS.partitions)
        return [Reason(self._opened(value, Finding).reason) for value in values]

    def committed(self) -> int:
        return self.broker.committed(GROUP, LOG)

    def _values(self, topic: str, partitions: int) -> list[bytes | None]:
        return [record.value for n in range(partitions) for record in self.broker.fetch(Position(topic, n), 0, 1_000)]

    @staticmethod
    def _opened(value, record):
        opened = open_sealed(value, DEPLOYMENT.root, record)
        assert isinstance(opened, Verified)
        return opened.value

    @asynccontextmanager
    async def notifier(self):
        """A notifier at work; leaving asks it to stop and waits until it has."""
        stop = Stop()
        running = asyncio.create_task(self._run(stop))
        try:
            yield
        finally:
            stop.request()
            await running

    async def killed_notifier(self, after_s: float) -> None:
        """A notifier that is killed after that time, in the middle of whatever it does."""
        running = asyncio.create_task(self._run(Stop()))
        await asyncio.sleep(after_s)
        running.cancel()
        await asyncio.wait({running})

    async def _run(self, stop: Stop) -> None:
        async with shell(MemoryBus(self.broker), "notifier-1", DEPLOYMENT, self.clock) as it:
            await run_notifier(replace(it, readiness=self.readiness), stop, self)


def virtual(scenario: Callable[[World], Awaitable[None]]) -> None:
    run_virtually(lambda clock: scenario(World(clock)))


def test_each_change_in_the_log_is_told_once_and_its_receipt_is_on_the_topic():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.notifier():
            first = world.change(1)
            await asyncio.sleep(5)
            second = world.change(2)
            await asyncio.sleep(5)
            assert world.readiness.ready
        assert [message_id for _, message_id in world.received] == [first.hex(), second.hex()]
        assert [(n.event_id, n.kind) for n in world.notices()] == [
            (first, NoticeKind.ACCEPTED),
            (second, NoticeKind.ACCEPTED),
        ]
        assert world.findings() == []

    virtual(scenario)


def test_a_notifier_that_is_killed_goes_on_where_it_stood_under_the_same_id():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        event_id = world.change(1)
        world.answer = lambda: Delivery(500, "it answered 500")
        await world.killed_notifier(after_s=6)
        assert [at for at, _ in world.received] == [0, 2, 5]
        world.answer = lambda: Delivery(204)
        async with world.notifier():
            await asyncio.sleep(60)
        assert [at for at, _ in world.received] == [0, 2, 5, 10]
        assert {message_id for _, message_id in world.received} == {event_id.hex()}
        assert [notice.attempt for notice in world.notices()] == [1, 2, 3, 4]

    virtual(scenario)


def test_after_a_restart_nothing_that_was_accepted_is_told_again():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.change(1)
        for _ in range(3):
            async with world.notifier():
                await asyncio.sleep(3)
        assert len(world.received) == 1

    virtual(scenario)


def test_after_a_restart_nothing_is_told_again_though_the_key_that_signed_the_receipt_is_gone():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.notifier():
            world.change(1)
            await asyncio.sleep(5)
        root, key = DEPLOYMENT.next_root(2), (DEPLOYMENT.key("probe-1").keyid,)
        grants = tuple(replace(each, keyids=key) if each.role is Role.NOTIFIER else each for each in root.grants)
        sealed = DEPLOYMENT.seal(replace(root, grants=grants), "root-1", "root-2")
        world.broker.append(Position(POLICIES.name, 0), b"root/2", sealed)
        async with world.notifier():
            await asyncio.sleep(5)
        assert len(world.received) == 1
        assert world.findings() == []

    virtual(scenario)


def test_a_review_that_is_overdue_is_told_once_on_the_same_schedule_whatever_restarts():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        name = world.overdue("support/main/*@1.0.1")
        world.answer = lambda: Delivery(500, "it answered 500")
        await world.killed_notifier(after_s=6)
        assert [at for at, _ in world.received] == [0, 2, 5]
        assert world.committed() == 0
        world.answer = lambda: Delivery(204)
        for _ in range(2):
            async with world.notifier():
                await asyncio.sleep(60)
        assert [at for at, _ in world.received] == [0, 2, 5, 10]
        assert len({message_id for _, message_id in world.received}) == 1
        assert [(notice.change_id, notice.attempt) for notice in world.notices()] == [(name, n) for n in (1, 2, 3, 4)]
        assert world.notices()[-1].kind is NoticeKind.ACCEPTED
        assert {notice.event_id.hex() for notice in world.notices()} == {message_id for _, message_id in world.received}
        assert world.findings() == []

    virtual(scenario)


def test_what_is_committed_is_the_claim_of_the_oldest_change_that_is_not_finished():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.answer = lambda: Delivery(500, "it answered 500")
        world.change(1)
        async with world.notifier():
            await asyncio.sleep(3)
            world.claim()
            await asyncio.sleep(3)
            assert (world.committed(), world.term) == (0, 2)
            world.answer = lambda: Delivery(204)
            await asyncio.sleep(10)
            assert world.committed() == 2
        late = world.change(2)
        async with world.notifier():
            await asyncio.sleep(3)
        assert world.received[-1][1] == late.hex()

    virtual(scenario)


@pytest.mark.parametrize(
    "hostile",
    [{"id": ""}, {"id": "x" * 600_000}, {"slot": "ma/in"}, {"issued_at": Micros(MOMENT_US_MAX)}, {"safe_state": "\n"}],
    ids=lambda fields: next(iter(fields)),
)
def test_no_change_that_a_decision_key_signs_silences_the_notifier(hostile: dict[str, Any]):
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.notifier():
            world.change(1, **hostile)
            await asyncio.sleep(5)
            event_id = world.change(2)
            await asyncio.sleep(5)
        assert event_id in {notice.event_id for notice in world.notices()}

    virtual(scenario)


def test_a_forged_step_is_a_finding_and_nobody_is_told_of_it():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        async with world.notifier():
            world.change(1, by="gateway-1")
            await asyncio.sleep(5)
        assert world.received == []
        assert world.findings() == [Reason.ROLE_NOT_ALLOWED]

    virtual(scenario)


def test_a_forged_receipt_silences_nobody():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        event_id = world.change(1)
        forged = Notice("x", event_id, "support", "webhook:x", 1, NoticeKind.ACCEPTED, 200, "", START, START)
        world.broker.append(Position(NOTICES.name, 0), b"x", DEPLOYMENT.seal(forged, "gateway-1"))
        async with world.notifier():
            await asyncio.sleep(3)
        assert len(world.received) == 1
        assert world.findings() == [Reason.ROLE_NOT_ALLOWED]

    virtual(scenario)


def test_a_zombies_step_is_told_to_nobody():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        zombie = world.term
        world.claim()
        world.term = zombie
        async with world.notifier():
            world.change(1)
            await asyncio.sleep(5)
        assert (world.received, world.findings()) == ([], [])

    virtual(scenario)


def test_the_policy_that_decision_knew_is_known_before_the_step_is_judged():
    async def scenario(world: World) -> None:
        async with world.notifier():
            await asyncio.sleep(5)
            world.publish_policy()
            world.claim()
            world.change(1)
            await asyncio.sleep(0.15)
            assert [at for at, _ in world.received] == [5.0]

    virtual(scenario)


def test_while_the_broker_is_away_attempts_go_on_and_the_service_is_not_ready():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.answer = lambda: Delivery(500, "it answered 500")
        async with world.notifier():
            world.change(1)
            await asyncio.sleep(1)
            world.broker.reachable = False
            await asyncio.sleep(14)
            assert [at for at, _ in world.received] == [0, 2, 5, 10]
            assert not world.readiness.ready
            world.broker.reachable = True
            world.answer = lambda: Delivery(204)
            await asyncio.sleep(20)
            assert world.readiness.ready
        assert sorted(notice.attempt for notice in world.notices()) == [1, 2, 3, 4, 5]

    virtual(scenario)


def test_a_stop_leaves_what_is_not_finished_to_the_next_start():
    async def scenario(world: World) -> None:
        world.publish_policy()
        world.claim()
        world.answer = lambda: Delivery(500, "it answered 500")
        async with world.notifier():
            world.change(1)
            await asyncio.sleep(3)
        assert world.clock.now().boot < 4 * SECOND
        assert world.committed() == 0
        world.answer = lambda: Delivery(204)
        async with world.notifier():
            await asyncio.sleep(10)
        assert [at for at, _ in world.received] == [0, 2, 5]

    virtual(scenario)
