"""One shard's owner on a bus in memory, in virtual time, with a health-monitor that says what it is told to say."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.decision.desk import desks
from interlock.decision.owner import ShardOwner
from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.health import Level, Verdict
from interlock.records.log import ShardLog
from interlock.records.sealing import open_sealed
from interlock.records.state import StateMark
from interlock.records.telling import Finding
from interlock.runtime.bus import Position
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.testing.builders import Deployment
from interlock.testing.driver import OBJECTIVES
from interlock.testing.in_memory import shell
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, FINDINGS, POLICIES, ROUTES, SHARDS, STATE, VERDICTS

AGENT = "support"
SHARD = shard_of(AGENT, SHARDS)


class World:
    """A broker with the agent's policy on it."""

    def __init__(self, clock, agents=("support", "triage")):
        self.clock = clock
        self.deployment = Deployment(agents=agents)
        self.broker = MemoryBroker(clock=clock)
        self.levels = {(name, objective): Level.HEALTHY for name in ("atlas", "birch") for objective in OBJECTIVES}
        self.metrics = Metrics("test")
        self.append(POLICIES, f"policy/{AGENT}", self.deployment.policy(AGENT, ["atlas", "birch"]), 0)

    def append(self, topic, key, value, partition=SHARD):
        return self.broker.append(Position(topic.name, partition), key.encode(), value)

    async def judge(self):
        """The health-monitor: says every second what `levels` holds."""
        while True:
            self.say_once()
            await asyncio.sleep(1)

    def say_once(self):
        now = self.clock.now().wall
        for (name, objective), level in self.levels.items():
            said = Verdict(name, "*", objective, level, f"it is {level}", 9, (), now, now, Micros(now + 5 * SECOND))
            self.append(VERDICTS, said.key, self.deployment.seal(said, "health-1"), 0)

    @asynccontextmanager
    async def desk(self, bus=None):
        """What an owner works with, its own publications on that bus."""
        async with shell(MemoryBus(self.broker), "decision-1", self.deployment, self.clock) as it:
            yield desks(replace(it, bus=bus or it.bus, metrics=self.metrics))(SHARD, lambda: True)

    @asynccontextmanager
    async def owner(self, bus=None):
        """An owner at work; the task ends with a crash of the bus, or with the block."""
        stop = Stop()
        async with self.desk(bus) as desk:
            task = asyncio.create_task(ShardOwner(desk).run(stop))
            judge = asyncio.create_task(self.judge())
            try:
                yield task
            finally:
                stop.request()
                judge.cancel()
                with suppress(asyncio.CancelledError, Crash):
                    await task

    async def until(self, condition, what, seconds=60):
        for _ in range(20 * seconds):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never happened: {what}")

    def records(self, topic, partition=SHARD):
        return self.broker.fetch(Position(topic.name, partition), 0, 1_000_000)

    def read(self, topic, kind, partition=SHARD):
        opened = [open_sealed(record.value, self.deployment.root, kind) for record in self.records(topic, partition)]
        return [each.value for each in opened if hasattr(each, "value")]

    def targets(self):
        """Where the route went, as the log says, each once."""
        changes = [change for step in self.read(AUDIT, AuditRecord) for change in step.changes]
        return [open_sealed(change, self.deployment.root, RoutingChange).value.target for change in changes]

    def published(self):
        """Where the route is, as the routes topic says."""
        changes = self.read(ROUTES, RoutingChange)
        return changes[-1].target if changes else None

    def reasons(self):
        return [finding.reason for n in range(4) for finding in self.read(FINDINGS, Finding, n)]

    def last_of(self, topic):
        """What compaction would leave of a topic."""
        last = {record.key.decode(): record.value for record in self.records(topic)}
        return {key: value for key, value in last.items() if value is not None}

    def replayed(self):
        journal = Journal(State.start(SHARD, SHARDS, self.deployment.book()), ShardLog(SHARD), check=True)
        for record in self.records(AUDIT):
            journal.take(record.offset, record.value)
        return journal

    def starts(self):
        """How often a start was made from what, and what the last one read of the log."""
        lines = self.metrics.render().decode().splitlines()
        found = {}
        for line in lines:
            for source in ("state", "log"):
                if line.startswith("interlock_decision_starts_total") and f'source="{source}"' in line:
                    found[source] = int(float(line.split()[-1]))
            if line.startswith("interlock_decision_start_records"):
                found["records"] = int(float(line.split()[-1]))
        return found

    def marked(self):
        """Whether the state topic's mark names the last step."""
        marks = self.read(STATE, StateMark)
        steps = [record.offset for record in self.records(AUDIT) if self._is_step(record)]
        return bool(marks) and bool(steps) and marks[-1].offset == steps[-1]

    def _is_step(self, record):
        return bool(open_sealed(record.value, self.deployment.root, AuditRecord).value.entries)


class Crash(BaseException):
    """The process is gone."""


class CrashingBus(MemoryBus):
    """Its process is gone at one of its publications: just before it, or just after it."""

    def __init__(self, broker, at, *, after):
        super().__init__(broker)
        self.left = at
        self.after = after

    async def publisher(self):
        inner, outer = await super().publisher(), self

        class Crashing:
            async def publish(self, topic, key, value, *, partition=None, trace=""):
                outer.left -= 1
                if outer.left < 0 or (outer.left == 0 and not outer.after):
                    raise Crash
                offset = await inner.publish(topic, key, value, partition=partition, trace=trace)
                if outer.left == 0:
                    raise Crash
                return offset

        return Crashing()


@pytest.fixture
def world():
    return World


@pytest.fixture
def crashing_bus():
    return CrashingBus
