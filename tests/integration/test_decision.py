"""The decision service as a process on a real broker: what the routes topic and the audit log then hold."""

import asyncio
import json
import signal
import sys
import uuid
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from interlock.decision.replay import replay
from interlock.records.audit import AuditRecord
from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.health import Level, Verdict
from interlock.records.sealing import open_sealed
from interlock.records.state import StateMark
from interlock.records.telling import Finding
from interlock.runtime.bus import Position
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.workspace import toml
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.driver import OBJECTIVES
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, COMMANDS, FINDINGS, HEARTBEATS, POLICIES, ROUTES, SHARDS, STATE, VERDICTS

AGENT = "support"
SHARD = shard_of(AGENT, SHARDS)
PATIENCE_S = 60


class Line:
    """A deployment of its own on the shared broker, and what stands around its decision service."""

    def __init__(self, bus, bootstrap, folder):
        self.deployment = Deployment(f"it-{uuid.uuid4().hex[:8]}", now=SystemClock().now().wall)
        self.bus = bus
        self.levels = {(name, objective): Level.HEALTHY for name in ("atlas", "birch") for objective in OBJECTIVES}
        self.settings = folder / "decision.toml"
        self.deployment.install(folder)
        shared = {"bootstrap": bootstrap, "deployment": self.deployment.name, "trust_root": "root-1.sealed"}
        self.settings.write_text(toml({**shared, "owner": "decision-1", "key": "decision-1.pem"}), encoding="utf-8")

    async def say(self, topic, key, value, partition=None):
        await (await self.publisher()).publish(topic.name, key, value, partition=partition)

    async def publisher(self):
        self._publisher = getattr(self, "_publisher", None) or await self.bus.publisher()
        return self._publisher

    async def judge(self):
        """The health-monitor: says every half second what `levels` holds."""
        while True:
            now = SystemClock().now().wall
            for (name, objective), level in self.levels.items():
                said = Verdict(name, "*", objective, level, f"it is {level}", 9, (), now, now, Micros(now + 5 * SECOND))
                await self.say(VERDICTS, said.key, self.deployment.seal(said, "health-1"))
            await asyncio.sleep(0.5)

    @asynccontextmanager
    async def decision(self):
        started = await asyncio.create_subprocess_exec(sys.executable, "-m", "interlock.decision", str(self.settings))
        try:
            yield started
        finally:
            with suppress(ProcessLookupError):
                started.kill()
            await started.wait()

    async def read(self, topic, record):
        reader = await self.bus.reader([topic.name])
        opened = [open_sealed(each.value, self.deployment.root, record) for each in await reader.read_to_end()]
        await reader.close()
        return [each.value for each in opened if isinstance(each, Verified)]

    async def targets(self):
        return [change.target for change in await self.read(ROUTES, RoutingChange)]

    async def until(self, wanted, what):
        async with asyncio.timeout(PATIENCE_S):
            while not await wanted():  # noqa: ASYNC110 - a broker has no event to wait for
                await asyncio.sleep(0.1)


@pytest.fixture
async def line(real_kafka, tmp_path):
    bus = KafkaBus(real_kafka)
    it = Line(bus, real_kafka, tmp_path)
    await it.say(POLICIES, f"policy/{AGENT}", it.deployment.policy(AGENT, ["atlas", "birch"]), 0)
    judging = asyncio.create_task(it.judge())
    yield it
    judging.cancel()
    shards = await replay(bus, it.deployment.book())
    await bus.close()
    differences = [found for each in shards for found in each.journal.differences]
    assert differences == [], "the log that the test made does not replay to the same bytes"


def ordered(line, *targets):
    async def wanted():
        return await line.targets() == list(targets)

    return wanted


async def test_killed_in_mid_story_it_goes_on_and_repeats_nothing(line):
    async with line.decision():
        await line.until(ordered(line, None, "atlas"), "the primary")
    line.levels["atlas", "unavailable"] = Level.UNAVAILABLE
    async with line.decision() as second:
        await line.until(ordered(line, None, "atlas", "birch"), "the fallback")
        line.levels["birch", "unavailable"] = Level.UNAVAILABLE
        await line.until(ordered(line, None, "atlas", "birch", None), "the safe state")
        second.send_signal(signal.SIGTERM)
        assert await second.wait() == 0
    shards = await replay(line.bus, line.deployment.book())
    assert sum(each.journal.changes for each in shards) == 4
    assert [found for each in shards for found in each.journal.differences] == []


async def test_a_signed_command_is_obeyed_and_a_forged_one_is_a_finding(line):
    now = SystemClock().now().wall
    order = Command(
        id="cmd-1",
        deployment=line.deployment.name,
        verb=Verb.DISABLE,
        agent=AGENT,
        route="",
        model="atlas",
        about="",
        outcome=ReviewOutcome.NONE,
        ticket="",
        reason="maintenance",
        issued_at=now,
        expires_at=Micros(now + 3600 * SECOND),
    )
    async with line.decision():
        await line.until(ordered(line, None, "atlas"), "the primary")
        await line.say(COMMANDS, AGENT, line.deployment.seal(order, "vera"))
        await line.say(COMMANDS, AGENT, b"not even avro")

        async def told():
            reasons = {finding.reason for finding in await line.read(FINDINGS, Finding)}
            return {Reason.ROLE_NOT_ALLOWED, Reason.NOT_AN_ENVELOPE} <= reasons

        await line.until(told, "both are findings")
        assert await line.targets() == [None, "atlas"]
        await line.say(COMMANDS, AGENT, line.deployment.seal(order, "olga"))
        await line.until(ordered(line, None, "atlas", "birch"), "the fallback")


async def test_it_beats_for_every_shard_with_the_heads_of_what_it_decided(line):
    async with line.decision():
        await line.until(ordered(line, None, "atlas"), "the primary")

        async def beaten():
            return {beat.shard for beat in await line.read(HEARTBEATS, Heartbeat)} == set(range(SHARDS))

        await line.until(beaten, "every shard has beaten")
    beats = [beat for beat in await line.read(HEARTBEATS, Heartbeat) if beat.shard == SHARD]
    assert [beat.beat for beat in beats] == list(range(1, len(beats) + 1))
    assert beats[-1].policies_head == line.deployment.book(line.deployment.policy(AGENT, ["atlas", "birch"])).head.root


async def test_what_somebody_else_writes_over_a_route_is_written_again(line):
    async with line.decision():
        await line.until(ordered(line, None, "atlas"), "the primary")
        await line.say(ROUTES, f"{AGENT}/main/*", b"forged", SHARD)

        async def repaired():
            return await line.targets() == [None, "atlas", "atlas"]

        await line.until(repaired, "it was published again")
        changes = await line.read(ROUTES, RoutingChange)
        assert changes[-1] == changes[-2]


async def test_a_restart_reads_the_tail_of_the_log_and_falls_back_on_the_whole_log_when_the_state_is_tampered_with(
    line, capfd
):
    async with line.decision():
        await line.until(ordered(line, None, "atlas"), "the primary")
        for level in (Level.DEGRADED, Level.HEALTHY) * 5:  # steps that order nothing
            # Before the verdict: to read may take longer than the step.
            steps = len(await line.read(AUDIT, AuditRecord))
            line.levels["birch", "latency>2s"] = level

            async def grown(steps=steps):
                return len(await line.read(AUDIT, AuditRecord)) > steps

            await line.until(grown, "another step")
        await line.until(partial(written_down, line), "the state is on its topic")
    capfd.readouterr()

    line.levels["atlas", "unavailable"] = Level.UNAVAILABLE
    async with line.decision():
        await line.until(ordered(line, None, "atlas", "birch"), "the fallback")
        await line.until(partial(written_down, line), "the state is on its topic")
    source, records, term = claimed(capfd)
    assert (source, records) == ("state", 2)  # the marked step, and the claim
    assert term > 10

    await line.say(STATE, f"route/{AGENT}/main/*", b"rubbish", SHARD)
    line.levels["birch", "unavailable"] = Level.UNAVAILABLE
    async with line.decision():
        await line.until(ordered(line, None, "atlas", "birch", None), "the safe state")
        await line.until(partial(written_down, line), "the state is on its topic")
    source, records, term = claimed(capfd)
    assert (source, records) == ("log", term + 1)
    assert Reason.STATE_DISAGREES in {finding.reason for finding in await line.read(FINDINGS, Finding)}

    async with line.decision():
        await line.until(partial(beating, line), "it has started again")
    assert claimed(capfd)[:2] == ("state", 2)
    shards = await replay(line.bus, line.deployment.book())
    assert [found for each in shards for found in each.journal.differences] == []


async def written_down(line):
    """Whether the mark of the agent's shard names the last record of its log."""
    where = Position(AUDIT.name, SHARD)
    reader = await line.bus.reader([where])
    end = (await reader.end_offsets())[where]
    await reader.close()
    marks = [mark for mark in await line.read(STATE, StateMark) if mark.shard == SHARD]
    return bool(marks) and marks[-1].offset == end - 1


async def beating(line):
    """Whether the last claim of the agent's shard has beaten."""
    claims = [beat.term for beat in await line.read(HEARTBEATS, Heartbeat) if beat.shard == SHARD]
    where = Position(AUDIT.name, SHARD)
    reader = await line.bus.reader([where])
    end = (await reader.end_offsets())[where]
    await reader.close()
    return bool(claims) and claims[-1] == end - 1


def claimed(capfd):
    """From what the agent's shard was started, how many records of its log were read, and the claim's offset, as the service said."""
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"shard_claimed"' in line]
    last = [claim for claim in told if claim["shard"] == SHARD][-1]
    return last["source"], last["records"], last["term"]
