"""The deadline watch as a process, on a real broker: what it puts on record, and what its last channel really gets."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import Cause, Trigger
from interlock.records.commands import Command, Verb
from interlock.records.documents import Unnotified, Webhook
from interlock.records.log import NO_TERM, ShardLog
from interlock.records.sealing import event_id_of, open_sealed
from interlock.records.telling import Breach, Finding, Notice, NoticeKind
from interlock.runtime.bus import Bus, Position
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.signing.statement import Statement
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.webhook_receiver import Received, WebhookReceiver
from interlock.vocabulary.identifiers import ANY, RouteId, shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.watch.last_channel import public_text
from interlock.wire.topics import AUDIT, COMMANDS, FINDINGS, NOTICES, POLICIES, SHARDS

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
    log: ShardLog

    async def publish_policy(self, unnotified: Unnotified) -> None:
        policy = replace(
            self.deployment.policy_of(self.agent, self.deployment.rule(["atlas", "birch"])),
            unnotified=unnotified,
            last_channel=Webhook(self.receiver.url, allow_private=True),
        )
        sealed = self.deployment.seal(policy, "grace", "oscar")
        await (await self.bus.publisher()).publish(POLICIES.name, f"policy/{self.agent}", sealed, partition=0)

    async def claim(self) -> None:
        """Claim the shard, as decision would, and take what is in the log already, other tests' records too."""
        record = AuditRecord(self.log.shard, AuditKind.CLAIM, "decision-1", NO_TERM, 0, Micros(0), (), (), (), b"")
        await self._append(record)
        where = Position(AUDIT.name, self.log.shard)
        reader = await self.bus.reader([where], start={where: 0})
        for found in await reader.read_to_end():
            opened = open_sealed(found.value, self.deployment.root, AuditRecord)
            if isinstance(opened, Verified):
                self.log.take(found.offset, opened.value)
        await reader.close()

    async def change(self, *, age_s: float = 0, **fields: Any) -> bytes:
        """Append a step with one change; its identity."""
        now = SystemClock().now().wall
        self.log.sequence = (self.log.sequence or 0) + 1
        change = self.deployment.change(
            RouteId(self.agent, "main", ANY),
            shard=self.log.shard,
            term=self.log.term,
            version=self.log.sequence,
            issued_at=Micros(now - seconds(age_s)),
        )
        change = replace(change, **fields)
        sealed = (self.deployment.seal(change, "decision-1"),)
        place = (self.log.shard, AuditKind.STEP, "decision-1", self.log.term, self.log.sequence)
        await self._append(AuditRecord(*place, now, (), sealed, (), b""))
        return event_id_of(change)

    async def receipt(self, event_id: bytes, *, by: str = "notifier-1") -> None:
        now = SystemClock().now().wall
        notice = Notice("x", event_id, self.agent, "webhook:x", 1, NoticeKind.ACCEPTED, 204, "", now, now)
        await (await self.bus.publisher()).publish(NOTICES.name, "x", self.deployment.seal(notice, by))

    async def breaches(self) -> list[Breach]:
        return await self._read(NOTICES.name, Breach)

    async def commands(self) -> list[Command]:
        return await self._read(COMMANDS.name, Command)

    async def findings(self) -> list[Finding]:
        return await self._read(FINDINGS.name, Finding)

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The real process; whatever happens, it is gone afterwards."""
        settings = self.directory / "watch.toml"
        settings.write_text(
            f'bootstrap = "{self.bootstrap}"\ndeployment = "{self.deployment.name}"\n'
            'trust_root = "root-1.sealed"\nowner = "watch-1"\nkey = "watch-1.pem"\n'
            f'deadline = "{DEADLINE_S}s"\n',
            encoding="utf-8",
        )
        environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interlock.watch", str(settings), env=environment
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _append(self, record: AuditRecord) -> None:
        publisher = await self.bus.publisher()
        sealed = self.deployment.seal(record, "decision-1")
        await publisher.publish(AUDIT.name, str(self.log.shard), sealed, partition=self.log.shard)

    async def _read(self, topic: str, kind: type[T]) -> list[T]:
        reader = await self.bus.reader([topic])
        opened = [open_sealed(record.value, self.deployment.root, kind) for record in await reader.read_to_end()]
        await reader.close()
        return [item.value for item in opened if isinstance(item, Verified)]


@pytest.fixture
async def world(real_kafka: str, tmp_path: Path) -> AsyncIterator[World]:
    bus, tag = KafkaBus(real_kafka), uuid.uuid4().hex[:8]
    deployment = Deployment(f"test-{tag}", now=SystemClock().now().wall, agents=(f"agent-{tag}",))
    deployment.install(tmp_path)
    (agent,) = deployment.agents
    try:
        async with WebhookReceiver(public_text(deployment.key("watch-1"))) as receiver:
            log = ShardLog(shard_of(agent, SHARDS))
            yield World(deployment, real_kafka, bus, receiver, tmp_path, agent, log)
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
    await world.claim()
    async with world.watch() as process:
        event_id = await world.change()
        (request,) = await world.receiver.wait_for(told_of(event_id), within_s=PATIENCE_S)
        (breach,) = await eventually(world.breaches, bool)
        (command,) = await world.commands()
        (finding,) = await eventually(world.findings, bool)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    assert request.genuine
    assert request.body["type"] == "interlock.breach"
    assert request.body["data"]["route"] == f"{world.agent}/main/*"
    assert (breach.event_id, breach.watch, breach.suspends) == (event_id, "watch-1", True)
    assert breach.at - breach.change_issued_at >= DEADLINE_S * SECOND
    assert (command.verb, command.route, command.about) == (Verb.SUSPEND, f"{world.agent}/main/*", breach.change_id)
    assert finding.reason == Reason.NOTICE_OVERDUE


async def test_a_receipt_in_time_leaves_nothing_to_record_and_a_forged_one_does_not(world: World) -> None:
    await world.publish_policy(Unnotified.SUSPEND)
    await world.claim()
    async with world.watch():
        told, untold = await world.change(), await world.change()
        await world.receipt(told)
        await world.receipt(untold, by="gateway-1")
        requests = await world.receiver.wait_for(told_of(untold), within_s=PATIENCE_S)
        breaches = await eventually(world.breaches, bool)
    assert [breach.event_id for breach in breaches] == [untold]
    assert {request.id for request in requests} == {f"breach-{untold.hex()}"}
    assert [command.id for command in await world.commands()] == [f"unnotified-{untold.hex()}"]


async def test_killed_and_restarted_again_and_again_it_records_each_breach_once(world: World) -> None:
    await world.publish_policy(Unnotified.SUSPEND)
    await world.claim()
    changes = []
    for _ in range(3):
        async with world.watch() as process:
            changes.append(await world.change())
            await eventually(world.breaches, lambda found: {b.event_id for b in found} == set(changes))
            process.kill()
    await world.receipt(changes[0])
    async with world.watch():
        late = await world.change()
        breaches = await eventually(world.breaches, lambda found: any(breach.event_id == late for breach in found))
    assert sorted(breach.event_id for breach in breaches) == sorted([*changes, late])
    assert len(await world.commands()) == 4


async def test_what_came_due_while_it_was_down_is_a_breach_at_once_and_a_suspension_brings_about_no_other(
    world: World,
) -> None:
    await world.publish_policy(Unnotified.SUSPEND)
    await world.claim()
    late = await world.change(age_s=3_600)
    stopped = await world.change(age_s=3_600, cause=Cause(Trigger.UNNOTIFIED, None, "nobody was told"))
    async with world.watch():
        await world.receiver.wait_for(told_of(late, stopped), within_s=PATIENCE_S)
        breaches = await eventually(world.breaches, lambda found: len(found) == 2)
    assert {breach.event_id: breach.suspends for breach in breaches} == {late: True, stopped: False}
    assert [command.id for command in await world.commands()] == [f"unnotified-{late.hex()}"]
