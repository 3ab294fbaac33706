"""The notifier as a process, on a real broker, before a receiver that really listens."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from interlock.notifier.webhook import public_text
from interlock.records.audit import Entry
from interlock.records.codec import encode
from interlock.records.state import ReviewEntry
from interlock.records.telling import Finding, Notice, NoticeKind
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.signing.statement import Statement
from interlock.testing.builders import Deployment
from interlock.testing.log_hand import LogHand
from interlock.testing.service_process import service_process
from interlock.testing.webhook_receiver import Received, WebhookReceiver
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import FINDINGS, NOTICES, POLICIES

PATIENCE_S = 60
T = TypeVar("T", bound=Statement)


@dataclass
class World:
    """A deployment of its own on the broker: its policy, its receiver, and a hand that writes the audit log."""

    deployment: Deployment
    bootstrap: str
    bus: Bus
    receiver: WebhookReceiver
    directory: Path
    agent: str
    hand: LogHand

    @classmethod
    async def open(
        cls, deployment: Deployment, bootstrap: str, bus: Bus, receiver: WebhookReceiver, directory: Path
    ) -> "World":
        """Publish the policy and claim the shard, as decision would."""
        (agent,) = deployment.agents
        deployment.install(directory)
        world = cls(deployment, bootstrap, bus, receiver, directory, agent, LogHand(deployment, bus, agent))
        policy = deployment.policy(agent, ["atlas", "birch"], webhook=receiver.url)
        await (await bus.publisher()).publish(POLICIES.name, f"policy/{agent}", policy, partition=0)
        await world.hand.claim()
        return world

    async def overdue(self, change: str) -> str:
        """Append a step by which the review of a change became overdue; its name in notices."""
        now = SystemClock().now().wall
        review = ReviewEntry(f"{self.agent}/main/*", "atlas", "birch", now, now, overdue=True, team="team-one")
        entry = Entry(f"review/{change}", encode(review))
        await self.hand.entry(entry)
        return entry.key

    async def named(self, name: str) -> list[Notice]:
        """Every notice under a name."""
        return [notice for notice in await self.hand.read(NOTICES.name, Notice) if notice.change_id == name]

    async def notices(self, event_id: bytes) -> list[Notice]:
        """Every notice of a change, in the order of attempts."""
        told = await self.hand.read(NOTICES.name, Notice)
        return sorted((n for n in told if n.event_id == event_id), key=lambda notice: notice.attempt)

    async def findings(self) -> list[Finding]:
        """Every finding of this notifier."""
        return await self.hand.read(FINDINGS.name, Finding)

    def notifier(self) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
        """The real process."""
        return service_process("notifier", self.deployment, self.bootstrap, self.directory)


@pytest.fixture
async def world(real_kafka: str, tmp_path: Path) -> AsyncIterator[World]:
    bus, tag = KafkaBus(real_kafka), uuid.uuid4().hex[:8]
    deployment = Deployment(f"test-{tag}", now=SystemClock().now().wall, agents=(f"agent-{tag}",))
    try:
        async with WebhookReceiver(public_text(deployment.key("notifier-1"))) as receiver:
            yield await World.open(deployment, real_kafka, bus, receiver, tmp_path)
    finally:
        await bus.close()


def accepted(event_id: bytes) -> Callable[[list[Received]], bool]:
    return lambda requests: any(r.id == event_id.hex() and r.accepted for r in requests)


def answered(event_id: bytes, times: int) -> Callable[[list[Received]], bool]:
    return lambda requests: sum(r.id == event_id.hex() for r in requests) >= times


async def until(world: World, event_id: bytes, kind: NoticeKind) -> list[Notice]:
    """Wait until the topic holds a notice of that kind."""
    return await eventually(lambda: world.notices(event_id), lambda told: any(notice.kind is kind for notice in told))


async def eventually(ask: Callable[[], Awaitable[list[T]]], holds: Callable[[list[T]], bool]) -> list[T]:
    """Ask again until the answer will do."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await ask()
            if holds(answer):
                return answer
            await asyncio.sleep(0.1)


async def test_a_change_in_the_log_becomes_one_accepted_notice_with_a_receipt(world: World) -> None:
    async with world.notifier() as process:
        event_id = await world.hand.change()
        requests = await world.receiver.wait_for(accepted(event_id), within_s=PATIENCE_S)
        (notice,) = await until(world, event_id, NoticeKind.ACCEPTED)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    (request,) = [request for request in requests if request.id == event_id.hex()]
    assert request.genuine
    assert request.body["data"]["target"] == "birch"
    assert (notice.status, notice.agent) == (204, world.agent)
    assert notice.at >= notice.change_issued_at


async def test_who_must_approve_is_told_on_the_spot_what_waits_and_how_to_approve_it(world: World) -> None:
    proposal = {"target": None, "safe_state": "human_queue", "proposal": "p-1", "proposed": "birch"}
    async with world.notifier():
        event_id = await world.hand.change(**proposal, proposal_until=SystemClock().now().wall, material_in=("tools",))
        requests = await world.receiver.wait_for(accepted(event_id), within_s=PATIENCE_S)
    (told,) = [request.body["data"] for request in requests if request.id == event_id.hex()]
    assert told["proposal"]["approve"] == f"interlock approve '{world.agent}/main/*' p-1"
    assert (told["proposal"]["model"], told["material_in"]) == ("birch", ["tools"])


async def test_an_overdue_review_is_told_once_though_the_notifier_starts_again(world: World) -> None:
    change = f"{world.agent}/main/*@1.0.1"
    async with world.notifier() as process:
        name = await world.overdue(change)
        (notice,) = await eventually(lambda: world.named(name), bool)
        process.kill()
    async with world.notifier():
        later = await world.hand.change()
        await until(world, later, NoticeKind.ACCEPTED)
    (request,) = [each for each in world.receiver.requests if each.id == notice.event_id.hex()]
    assert request.genuine
    assert (request.body["type"], request.body["data"]["change_id"]) == ("interlock.review_overdue", change)
    assert request.body["data"]["accountable_team"] == "team-one"
    assert [each.kind for each in await world.named(name)] == [NoticeKind.ACCEPTED]


async def test_a_receiver_that_fails_twice_is_told_a_third_time(world: World) -> None:
    world.receiver.answers.extend(["500", "500"])
    async with world.notifier():
        event_id = await world.hand.change()
        await world.receiver.wait_for(accepted(event_id), within_s=PATIENCE_S)
        told = await until(world, event_id, NoticeKind.ACCEPTED)
    assert [notice.kind for notice in told] == [NoticeKind.FAILED, NoticeKind.FAILED, NoticeKind.ACCEPTED]
    assert [notice.status for notice in told] == [500, 500, 204]
    assert len({request.id for request in world.receiver.requests}) == 1


async def test_a_notifier_killed_in_mid_course_goes_on_under_the_same_id_and_repeats_nothing(world: World) -> None:
    world.receiver.answers.extend(["500", "500", "hang"])
    async with world.notifier() as process:
        event_id = await world.hand.change()
        await world.receiver.wait_for(answered(event_id, 3), within_s=PATIENCE_S)  # the third hangs in mid-air
        process.kill()
        await process.wait()
    before = await world.notices(event_id)
    async with world.notifier():
        requests = await world.receiver.wait_for(accepted(event_id), within_s=PATIENCE_S)
        told = await until(world, event_id, NoticeKind.ACCEPTED)
    assert {request.id for request in requests} == {event_id.hex()}
    assert len(requests) == 4
    attempts = [notice.attempt for notice in told]
    assert [notice.kind for notice in before] == [NoticeKind.FAILED, NoticeKind.FAILED]
    assert attempts == sorted(set(attempts))
    assert attempts[-1] > before[-1].attempt


async def test_what_was_accepted_before_a_restart_is_not_told_again(world: World) -> None:
    async with world.notifier():
        first = await world.hand.change()
        await until(world, first, NoticeKind.ACCEPTED)
    async with world.notifier():
        second = await world.hand.change()
        requests = await world.receiver.wait_for(accepted(second), within_s=PATIENCE_S)
    assert [request.id for request in requests] == [first.hex(), second.hex()]


async def test_a_step_signed_in_the_wrong_role_is_a_finding_and_nobody_is_told(world: World) -> None:
    async with world.notifier():
        forged = await world.hand.change(by="gateway-1")
        genuine = await world.hand.change()
        requests = await world.receiver.wait_for(accepted(genuine), within_s=PATIENCE_S)
        await eventually(world.findings, lambda found: any(f.reason == Reason.ROLE_NOT_ALLOWED for f in found))
    assert forged.hex() not in {request.id for request in requests}
    assert await world.notices(forged) == []
