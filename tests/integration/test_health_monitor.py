"""Health-monitor and probe as processes, on a real broker, with model servers that really listen."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from interlock.records.health import Cell, GuardBeat, Level, Outcome, TelemetryBatch, Verdict
from interlock.records.rules import TriggerRule, WatchedTrigger, guard_subject
from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding
from interlock.reporting.guard_beat import GuardPulse
from interlock.runtime.bus import Publisher, Reader
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.lifecycle import Stop
from interlock.signing.verifier import Verified
from interlock.testing.builders import TRIGGERS, Deployment, model
from interlock.testing.model_server import ModelServer
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire.topics import FINDINGS, POLICIES, TELEMETRY, VERDICTS

PATIENCE_S = 60
GUARD = "guardrail-1"


@dataclass
class Service:
    """A process of ours and the lines of its log."""

    process: asyncio.subprocess.Process
    log: list[dict[str, object]] = field(default_factory=list)

    async def follow(self) -> None:
        """Read its log until it ends."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.log.append({"event": line.decode(errors="replace")})

    async def until(self, event: str) -> dict[str, object]:
        """Wait for a line of the log."""
        async with asyncio.timeout(PATIENCE_S):
            while not (lines := [line for line in self.log if line["event"] == event]):
                assert self.process.returncode is None, f"it ended: {self.log[-5:]}"
                await asyncio.sleep(0.02)
        return lines[0]

    async def ready(self) -> None:
        """Wait until `/readyz` answers 200."""
        address = (await self.until("listening"))["address"]
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"http://{address}/readyz") as reply:
                    if reply.status == 200:
                        return
                await asyncio.sleep(0.05)

    async def terminate(self) -> int:
        """Send SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@dataclass
class World:
    """A deployment of its own on the broker: nobody else uses its name, its agent or its models."""

    directory: Path
    bootstrap: str
    bus: KafkaBus
    publisher: Publisher
    verdicts: Reader
    telemetry: Reader
    findings: Reader
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    sequence: int = 0
    told: list[Verdict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.agent, self.atlas = f"agent-{self.tag}", f"atlas-{self.tag}"
        self.deployment = Deployment(f"test-{self.tag}", now=SystemClock().now().wall, agents=(self.agent,))
        self.deployment.install(self.directory)

    async def publish_policy(
        self,
        endpoint: str = "http://127.0.0.1:9/v1",
        *,
        triggers: Sequence[TriggerRule] = TRIGGERS,
        guards: tuple[str, ...] = (),
    ) -> None:
        rung = model(self.atlas, endpoint=endpoint, identity={"secret_ref": "env:ATLAS_KEY"})
        policy = self.deployment.policy_of(self.agent, self.deployment.rule([rung], triggers=triggers, guards=guards))
        sealed = self.deployment.seal(policy, "grace", "oscar")
        await self.publisher.publish(POLICIES.name, f"policy/{self.agent}", sealed)

    @asynccontextmanager
    async def service(self, module: str, owner: str, extra: str = "") -> AsyncIterator[Service]:
        """The real process, ready; whatever happens, it is gone afterwards."""
        settings = self.directory / f"{module}.toml"
        settings.write_text(
            f'bootstrap = "{self.bootstrap}"\ndeployment = "{self.deployment.name}"\n'
            f'trust_root = "root-1.sealed"\nowner = "{owner}"\nkey = "{owner}.pem"\n{extra}',
            encoding="utf-8",
        )
        environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, str(settings)),
            stderr=asyncio.subprocess.PIPE,
            env=environment | {"ATLAS_KEY": "sesame"},
        )
        service = Service(process)
        following = asyncio.create_task(service.follow())
        try:
            await service.ready()
            yield service
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await following

    def batch(self, outcomes: dict[str, int], reporter: str = "probe-1") -> TelemetryBatch:
        now = SystemClock().now().wall
        self.sequence += 1
        cell = Cell(self.agent, "main", "*", outcomes, {0: outcomes.get("ok", 0)}, {}, {})
        return TelemetryBatch(reporter, self.atlas, now, now, self.sequence, (cell,))

    async def tell(self, outcomes: dict[str, int]) -> None:
        sealed = self.deployment.seal(self.batch(outcomes), "probe-1")
        await self.publisher.publish(TELEMETRY.name, self.atlas, sealed)

    async def verdict(self, wanted: Callable[[Verdict], bool]) -> Verdict:
        """Wait for a verdict on this world's model or guard that has not been looked at."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for record in await self.verdicts.batch():
                    opened = open_sealed(record.value, self.deployment.root, Verdict)
                    if isinstance(opened, Verified) and opened.value.model in {self.atlas, guard_subject(GUARD)}:
                        assert opened.signers == {"health-1"}
                        assert record.key == opened.value.key.encode()
                        self.told.append(opened.value)
                while self.told:
                    if wanted(verdict := self.told.pop(0)):
                        return verdict

    async def finding(self, wanted: Callable[[Finding], bool]) -> Finding:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for record in await self.findings.batch():
                    opened = open_sealed(record.value, self.deployment.root, Finding)
                    if isinstance(opened, Verified) and wanted(opened.value):
                        return opened.value

    async def reported(self, wanted: Callable[[Cell], bool]) -> TelemetryBatch:
        """Wait for a batch of telemetry on this world's model."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for record in await self.telemetry.batch():
                    opened = open_sealed(record.value, self.deployment.root, TelemetryBatch)
                    if (
                        isinstance(opened, Verified)
                        and opened.value.model == self.atlas
                        and wanted(opened.value.cells[0])
                    ):
                        return opened.value


def judged(objective: str, level: Level) -> Callable[[Verdict], bool]:
    return lambda verdict: (verdict.objective, verdict.level) == (objective, level)


@pytest.fixture
async def world(real_kafka: str, tmp_path: Path) -> AsyncIterator[World]:
    bus = KafkaBus(real_kafka)
    try:
        readers = [await bus.reader([spec.name]) for spec in (VERDICTS, TELEMETRY, FINDINGS)]
        for reader in readers:
            await reader.read_to_end()
        yield World(tmp_path, real_kafka, bus, await bus.publisher(), *readers)
    finally:
        await bus.close()


async def test_signed_telemetry_becomes_signed_verdicts_that_are_refreshed(world: World):
    await world.publish_policy()
    async with world.service("interlock.health_monitor", "health-1") as monitor:
        for _ in range(5):
            await world.tell({"ok": 1})
        for objective in ("unavailable", "errors>0.2", "throttled>0.3", "latency>2s"):
            await world.verdict(lambda said, objective=objective: judged(objective, Level.HEALTHY)(said))
        for _ in range(5):
            await world.tell({"connection": 1})
        first = await world.verdict(judged("unavailable", Level.UNAVAILABLE))
        again = await world.verdict(judged("unavailable", Level.UNAVAILABLE))
        assert (first.detail, first.reporters) == ("the last 5 calls failed", ("probe-1",))
        assert again.since == first.since
        assert again.issued_at > first.issued_at
        assert await monitor.terminate() == 0


async def test_garbage_and_forgeries_are_findings_and_judging_goes_on(world: World):
    await world.publish_policy()
    forged = world.deployment.seal(world.batch({"ok": 9}, reporter="probe-1"), "gateway-1")
    by_nobody = world.deployment.seal(world.batch({"ok": 9}), "mallory")
    by_health = world.deployment.seal(world.batch({"ok": 9}), "health-1")
    verdict = world.deployment.seal(
        Verdict(world.atlas, "*", "unavailable", Level.HEALTHY, "", 1, (), *[world.deployment.now] * 3), "health-1"
    )
    hostile = {
        b"garbage " + world.tag.encode(): Reason.NOT_AN_ENVELOPE,
        forged: Reason.NOT_ITS_OWN_WORD,
        by_nobody: Reason.NO_SIGNATURE,
        by_health: Reason.ROLE_NOT_ALLOWED,
        verdict: Reason.UNEXPECTED_PAYLOAD_TYPE,
    }
    async with world.service("interlock.health_monitor", "health-1") as monitor:
        for value, reason in hostile.items():
            offset = await world.publisher.publish(TELEMETRY.name, world.atlas, value)
            finding = await world.finding(lambda said, value=value: said.digest == digest(value))
            assert (finding.service, finding.reason) == ("health-1", reason.value)
            assert (finding.topic, finding.offset) == (TELEMETRY.name, offset)
        for _ in range(3):
            await world.tell({"ok": 1})
        await world.verdict(judged("unavailable", Level.HEALTHY))
        assert await monitor.terminate() == 0


async def test_a_credential_that_fails_call_after_call_is_unavailable(world: World):
    await world.publish_policy(triggers=(*TRIGGERS, TriggerRule(WatchedTrigger.CREDENTIAL, 0.0, Micros(0))))
    async with world.service("interlock.health_monitor", "health-1") as monitor:
        await world.tell({"ok": 3})
        await world.verdict(judged("credential", Level.HEALTHY))
        for _ in range(5):
            await world.tell({"credential": 1})
        verdict = await world.verdict(judged("credential", Level.UNAVAILABLE))
        assert (verdict.detail, verdict.calls) == ("the last 5 calls failed for their credential", 5)
        assert await monitor.terminate() == 0


async def test_a_guard_that_goes_silent_is_unavailable_whatever_others_say_in_its_name(world: World):
    await world.publish_policy(guards=(GUARD,))
    clock, stop = SystemClock(), Stop()
    pulse = GuardPulse(world.publisher, GUARD, world.deployment.key(GUARD), clock)
    async with world.service("interlock.health_monitor", "health-1") as monitor:
        beating = asyncio.create_task(pulse.run(stop))
        first = await world.verdict(judged("guard", Level.HEALTHY))
        assert (first.model, first.reporters) == (guard_subject(GUARD), (GUARD,))
        await world.verdict(lambda said: judged("guard", Level.HEALTHY)(said) and said.since == first.since)
        stop.request()
        await beating
        forged = world.deployment.seal(GuardBeat(GUARD, clock.now().wall), "probe-1")
        await world.publisher.publish(TELEMETRY.name, GUARD, forged)
        finding = await world.finding(lambda said: said.digest == digest(forged))
        assert finding.reason == Reason.ROLE_NOT_ALLOWED.value
        verdict = await world.verdict(judged("guard", Level.UNAVAILABLE))
        assert verdict.detail == "no beat for 5s"
        assert await pulse.beat()
        await world.verdict(judged("guard", Level.HEALTHY))
        assert await monitor.terminate() == 0


async def test_a_restarted_monitor_judges_what_came_while_it_was_away(world: World):
    await world.publish_policy()
    async with world.service("interlock.health_monitor", "health-1") as monitor:
        await world.tell({"ok": 3})
        await world.verdict(judged("unavailable", Level.HEALTHY))
        assert await monitor.terminate() == 0
    await world.tell({"timeout": 5})
    async with world.service("interlock.health_monitor", "health-1") as monitor:
        await world.verdict(judged("unavailable", Level.UNAVAILABLE))
        assert await monitor.terminate() == 0


async def test_a_probe_calls_the_rungs_and_reports_what_it_saw(world: World):
    def saw(outcome: Outcome) -> Callable[[Cell], bool]:
        return lambda cell: cell.outcomes.get(outcome, 0) > 0

    served_as = f"{world.atlas}-2026"
    async with ModelServer(world.atlas, served_as=served_as, credential="sesame") as server:
        await world.publish_policy(server.endpoint)
        async with world.service("interlock.health_monitor.probe", "probe-1", 'interval = "100ms"\n') as probe:
            batch = await world.reported(saw(Outcome.OK))
            assert (batch.reporter, batch.cells[0].agent) == ("probe-1", "probe")
            assert set(batch.cells[0].models_named) == {served_as}
            server.behave(mode="throttle")
            await world.reported(saw(Outcome.THROTTLED))
            server.behave(mode="error")
            await world.reported(saw(Outcome.SERVER_ERROR))
            server.behave(mode="refuse")
            await world.reported(saw(Outcome.CONNECTION))
            server.behave(mode="wrong_model")
            await world.reported(saw(Outcome.MODEL_GONE))
            finding = await world.finding(lambda said: world.atlas in said.detail)
            assert (finding.service, finding.reason) == ("probe-1", Reason.OTHER_MODEL_ANSWERED.value)
            assert {seen.user_agent for seen in server.seen} == {"interlock-probe"}
            assert await probe.terminate() == 0
