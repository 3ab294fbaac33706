"""The deadline watch as a process, on a real broker: what it puts on record, and what its last channel really gets."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from interlock.records.change import Cause, Trigger
from interlock.records.commands import Command, Verb
from interlock.records.documents import Unnotified, Webhook
from interlock.records.telling import Breach, Finding, Notice, NoticeKind
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.signing.statement import Statement
from interlock.testing.builders import Deployment
from interlock.testing.log_hand import LogHand
from interlock.testing.service_process import service_process
from interlock.testing.webhook_receiver import Received, WebhookReceiver
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND
from interlock.watch.last_channel import public_text
from interlock.wire.topics import COMMANDS, FINDINGS, NOTICES, POLICIES

PATIENCE_S = 60
DEADLINE_S = 4
T = TypeVar("T", bound=Statement)


@dataclass
class World:
    """A deployment of its own on the broker: its policy, its last channel, and a hand that writes the log and the receipts."""

    deployment: Deployment
    bootstrap: str
    bus: Bus
    receiver: WebhookReceiver
    directory: Path
    agent: str
    hand: LogHand

    async def publish_policy(self, unnotified: Unnotified) -> None:
        policy = replace(
            self.deployment.policy_of(self.agent, self.deployment.rule(["atlas", "birch"])),
            unnotified=unnotified,
            last_channel=Webhook(self.receiver.url, allow_private=True),
        )
        sealed = self.deployment.seal(policy, "grace", "oscar")
        await (await self.bus.publisher()).publish(POLICIES.name, f"policy/{self.agent}", sealed, partition=0)

    async def receipt(self, event_id: bytes, *, by: str = "notifier-1") -> None:
        now = SystemClock().now().wall
        notice = Notice("x", event_id, self.agent, "webhook:x", 1, NoticeKind.ACCEPTED, 204, "", now, now)
        await (await self.bus.publisher()).publish(NOTICES.name, "x", self.deployment.seal(notice, by))

    async def breaches(self) -> list[Breach]:
        return await self.hand.read(NOTICES.name, Breach)

    async def commands(self) -> list[Command]:
        return await self.hand.read(COMMANDS.name, Command)

    async def overdue(self) -> list[Finding]:
        """What it found of its own agent; it also finds that other tests' records on this broker are strangers'."""
        found = await self.hand.read(FINDINGS.name, Finding)
        return [finding for finding in found if finding.reason == Reason.NOTICE_OVERDUE]

    def watch(self) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
        """The real process."""
        return service_process(
            "watch", self.deployment, self.bootstrap, self.directory, f'deadline = "{DEADLINE_S}s"\n'
        )


@pytest.fixture
async def world(real_kafka: str, tmp_path: Path) -> AsyncIterator[World]:
    bus, tag = KafkaBus(real_kafka), uuid.uuid4().hex[:8]
    deployment = Deployment(f"test-{tag}", now=SystemClock().now().wall, agents=(f"agent-{tag}",))
    deployment.install(tmp_path)
    (agent,) = deployment.agents
    try:
        async with WebhookReceiver(public_text(deployment.key("watch-1"))) as receiver:
            hand = LogHand(deployment, bus, agent)
            yield World(deployment, real_kafka, bus, receiver, tmp_path, agent, hand)
    finally:
        await bus.close()


def told_of(*event_ids: bytes) -> Callable[[list[Received]], bool]:
    wanted = {f"breach-{event_id.hex()}" for event_id in event_ids}
    return lambda requests: wanted <= {request.id for request in requests if request.accepted}


async def eventually(ask: Callable[[], Awaitable[list[T]]], holds: Callable[[list[T]], bool]) -> list[T]:
    """Ask again until the answer will do."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await ask()
            if holds(answer):
                return answer
            await asyncio.sleep(0.1)


async def test_a_change_that_nobody_was_told_of_is_on_record_its_agent_stopped_and_the_last_channel_told(
    world: World,
) -> None:
    await world.publish_policy(Unnotified.SUSPEND)
    await world.hand.claim()
    async with world.watch() as process:
        event_id = await world.hand.change()
        (request,) = await world.receiver.wait_for(told_of(event_id), within_s=PATIENCE_S)
        (breach,) = await eventually(world.breaches, bool)
        (command,) = await world.commands()
        (finding,) = await eventually(world.overdue, bool)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    assert request.genuine
    assert request.body["type"] == "interlock.breach"
    assert request.body["data"]["route"] == f"{world.agent}/main/*"
    assert (breach.event_id, breach.watch, breach.suspends) == (event_id, "watch-1", True)
    assert breach.at - breach.change_issued_at >= DEADLINE_S * SECOND
    assert (command.verb, command.route, command.about) == (Verb.SUSPEND, f"{world.agent}/main/*", breach.change_id)
    assert finding.detail.startswith(breach.change_id)


async def test_a_receipt_in_time_leaves_nothing_to_record_and_a_forged_one_does_not(world: World) -> None:
    await world.publish_policy(Unnotified.SUSPEND)
    await world.hand.claim()
    async with world.watch():
        told, untold = await world.hand.change(), await world.hand.change()
        await world.receipt(told)
        await world.receipt(untold, by="gateway-1")
        requests = await world.receiver.wait_for(told_of(untold), within_s=PATIENCE_S)
        breaches = await eventually(world.breaches, bool)
    assert [breach.event_id for breach in breaches] == [untold]
    assert {request.id for request in requests} == {f"breach-{untold.hex()}"}
    assert [command.id for command in await world.commands()] == [f"unnotified-{untold.hex()}"]


async def test_killed_and_restarted_again_and_again_it_records_each_breach_once(world: World) -> None:
    await world.publish_policy(Unnotified.SUSPEND)
    await world.hand.claim()
    changes = []
    for _ in range(3):
        async with world.watch() as process:
            changes.append(await world.hand.change())
            await eventually(world.breaches, lambda found: {b.event_id for b in found} == set(changes))
            process.kill()
    await world.receipt(changes[0])
    async with world.watch():
        late = await world.hand.change()
        breaches = await eventually(world.breaches, lambda found: any(breach.event_id == late for breach in found))
    assert sorted(breach.event_id for breach in breaches) == sorted([*changes, late])
    assert len(await world.commands()) == 4


async def test_what_came_due_while_it_was_down_is_a_breach_at_once_and_a_suspension_brings_about_no_other(
    world: World,
) -> None:
    await world.publish_policy(Unnotified.SUSPEND)
    await world.hand.claim()
    late = await world.hand.change(age_s=3_600)
    stopped = await world.hand.change(age_s=3_600, cause=Cause(Trigger.UNNOTIFIED, None, "nobody was told"))
    async with world.watch():
        await world.receiver.wait_for(told_of(late, stopped), within_s=PATIENCE_S)
        breaches = await eventually(world.breaches, lambda found: len(found) == 2)
    assert {breach.event_id: breach.suspends for breach in breaches} == {late: True, stopped: False}
    assert [command.id for command in await world.commands()] == [f"unnotified-{late.hex()}"]
