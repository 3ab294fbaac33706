import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.core.objectives import Rules
from interlock.health_monitor.service import HealthMonitorService, Outbox
from interlock.records.health import Cell, GuardBeat, Level, TelemetryBatch, Verdict
from interlock.records.rules import RouteRule, TriggerRule, WatchedTrigger
from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding
from interlock.reporting.findings import Findings
from interlock.reporting.guard_beat import GuardPulse
from interlock.runtime.bus import Publisher, Record
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.runtime.policy_follower import PolicyFollower
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, TRIGGERS, Deployment
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading, seconds
from interlock.wire.topics import FINDINGS, POLICIES, TELEMETRY, VERDICTS

RULES = Rules(seconds(30), 5, 5, 3, seconds(10), seconds(1), seconds(5))
T = TypeVar("T", bound=Statement)


class Desk:
    """The service on a bus in memory, in virtual time, with the real core."""

    def __init__(self, clock: VirtualClock, broker: MemoryBroker, bus: MemoryBus) -> None:
        self.clock = clock
        self.broker = broker
        self.bus = bus
        self.deployment = Deployment(now=clock.now().wall)
        self.metrics = Metrics("test")
        self.sequence = 0
        self.service: HealthMonitorService
        self.policies: PolicyFollower

    async def open(self) -> None:
        publisher: Publisher = await self.bus.publisher()
        await publisher.publish(POLICIES.name, "policy/support", self.deployment.policy("support", ["atlas"]))
        findings = Findings(publisher, "health-1", self.deployment.key("health-1"), self.clock, self.metrics)

        async def refused(record: Record, why: Refused) -> None:
            await findings.report(why.reason, why.detail, record)

        reader = await self.bus.reader([POLICIES.name])
        self.policies = PolicyFollower(reader, self.deployment.book(), refused)
        await self.policies.catch_up()
        outbox = Outbox(publisher, self.deployment.key("health-1"), findings)
        self.service = HealthMonitorService(Monitor(RULES), self.policies, outbox, self.clock, self.metrics)
        self.service.listening(True)

    async def adopt(self, rule: RouteRule, version: int = 2, agent: str = "support") -> None:
        """Publish a policy and let the service read it."""
        policy = self.deployment.policy_of(agent, rule, version=version)
        sealed = self.deployment.seal(policy, "grace", "oscar")
        await (await self.bus.publisher()).publish(POLICIES.name, f"policy/{agent}", sealed)
        await self.policies.catch_up()

    def beat(self, guard: str = "guardrail-1", by: str = "guardrail-1", ahead_s: float = 0) -> bytes:
        return self.deployment.seal(GuardBeat(guard, Micros(self.clock.now().wall + seconds(ahead_s))), by)

    async def tell(self, *values: bytes | None) -> None:
        """What the stream hands over."""
        await self.service.handle([self.record(value, offset=n) for n, value in enumerate(values)])

    def record(self, value: bytes | None, key: bytes = b"atlas", offset: int = 0, age_s: float = 0) -> Record:
        """A record as it stands on the topic."""
        written_ms = (self.clock.now().wall - seconds(age_s)) // 1_000
        return Record(TELEMETRY.name, 0, offset, key, value, written_ms)

    def batch(self, outcomes: dict[str, int], model: str = "atlas") -> bytes:
        now = self.clock.now().wall
        self.sequence += 1
        cells = (Cell("support", "main", "*", outcomes, {}, {}, {}),)
        return self.deployment.seal(TelemetryBatch("probe-1", model, now, now, self.sequence, cells), "probe-1")

    async def said(self, topic: str, kind: type[T]) -> list[T]:
        records = await (await self.bus.reader([topic])).read_to_end()
        opened = [open_sealed(record.value, self.deployment.root, kind) for record in records]
        assert all(isinstance(found, Verified) for found in opened)
        return [found.value for found in opened if isinstance(found, Verified)]

    async def verdicts(self, objective: str = "unavailable") -> list[Verdict]:
        found = await self.said(VERDICTS.name, Verdict)
        return sorted((said for said in found if said.objective == objective), key=lambda said: said.issued_at)


def play(scenario: Callable[[Desk], Awaitable[None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        broker = MemoryBroker(clock=clock)
        desk = Desk(clock, broker, MemoryBus(broker))
        await desk.open()
        stop = Stop()
        running = asyncio.create_task(desk.service.run(stop))
        await scenario(desk)
        stop.request()
        await running

    run_virtually(main)


def test_a_change_is_said_at_once_and_refreshed_every_second_until_the_silence():
    async def scenario(desk: Desk) -> None:
        await desk.tell(desk.batch({"ok": 3}))
        assert [said.level for said in await desk.verdicts()] == [Level.HEALTHY]
        await asyncio.sleep(5.5)
        verdicts = await desk.verdicts()
        assert len(verdicts) == 6
        assert len({said.since for said in verdicts}) == 1
        await asyncio.sleep(6)
        assert (await desk.verdicts())[-1].level is Level.UNKNOWN

    play(scenario)


def test_a_verdict_bears_the_trace_of_the_batch_that_tipped_it_and_one_that_is_repeated_none():
    async def scenario(desk: Desk) -> None:
        first, second, other = (f"00-{number:032x}-{number:016x}-01" for number in (1, 2, 3))
        told = [
            replace(desk.record(desk.batch({"ok": 3}), offset=0), trace=first),
            replace(desk.record(desk.batch({"ok": 1}), offset=1), trace=second),
            replace(
                desk.record(desk.deployment.seal(GuardBeat("guardrail-1", NOW), "stranger"), offset=2), trace=other
            ),
        ]
        await desk.service.handle(told)
        await asyncio.sleep(2.5)
        records = await (await desk.bus.reader([VERDICTS.name])).read_to_end()
        of_one = [record.trace for record in records if record.key == b"atlas/*/unavailable"]
        assert [trace[3:35] for trace in of_one] == [second[3:35], "", ""]

    play(scenario)


def test_whatever_is_refused_is_a_finding_and_the_rest_counts():
    async def scenario(desk: Desk) -> None:
        good = desk.batch({"ok": 3})
        await desk.tell(None, b"garbage", good, good, desk.deployment.policy("support", ["atlas"], version=9))
        assert {finding.reason: finding.offset for finding in await desk.said(FINDINGS.name, Finding)} == {
            Reason.EMPTY: 0,
            Reason.NOT_AN_ENVELOPE: 1,
            Reason.NOT_NEWER: 3,
            Reason.UNEXPECTED_PAYLOAD_TYPE: 4,
        }
        assert [said.level for said in await desk.verdicts()] == [Level.HEALTHY]

    play(scenario)


def test_what_has_stood_on_the_topic_for_longer_than_the_window_is_not_even_verified():
    async def scenario(desk: Desk) -> None:
        await desk.service.handle([desk.record(b"garbage", age_s=31), desk.record(desk.batch({"ok": 3}), age_s=29)])
        assert await desk.said(FINDINGS.name, Finding) == []
        assert b'interlock_telemetry_batches_total{result="past"} 1.0' in desk.metrics.render()
        assert [said.level for said in await desk.verdicts()] == [Level.HEALTHY]

    play(scenario)


@pytest.mark.parametrize("keys", ["shadow", "shadow-{}"])
def test_a_flood_under_one_key_or_many_made_up_is_shed_and_every_model_that_is_used_is_heard_in_time(keys):
    async def scenario(desk: Desk) -> None:
        class Busy:
            """A clock that goes on by a tenth of a second with every look: each record takes so long."""

            looks = 0

            def now(self) -> Reading:
                self.looks += 1
                wall, boot = desk.clock.now()
                return Reading(wall, Micros(boot + self.looks * SECOND // 10))

        desk.service._clock = Busy()
        flood = [desk.record(b"garbage", key=keys.format(n).encode(), offset=n) for n in range(100)]
        for _ in range(3):
            await desk.service.handle([*flood, desk.record(desk.batch({"ok": 3}), offset=100)])
        assert {said.level for said in await desk.verdicts()} == {Level.HEALTHY}
        shed = [each for each in await desk.said(FINDINGS.name, Finding) if each.reason == Reason.SHED]
        assert len(shed) == 1
        counted = next(line for line in desk.metrics.render().splitlines() if b'result="shed"' in line)
        assert float(counted.split()[-1]) > 250

    play(scenario)


def test_verdicts_are_refreshed_while_a_flood_is_worked_on():
    async def scenario(desk: Desk) -> None:
        looked: list[int] = []

        class Busy:
            def now(self) -> Reading:
                wall, boot = desk.clock.now()
                return Reading(wall, Micros(boot + len(looked) * SECOND // 10))

        def observe(_record: Record) -> None:
            looked.append(1)

        async def others() -> None:
            while True:
                turns.append(len(looked))
                await asyncio.sleep(0)

        turns: list[int] = []
        desk.service._clock, desk.service._observe = Busy(), observe
        running = asyncio.create_task(others())
        await desk.service.handle([desk.record(b"", offset=n) for n in range(8)])
        running.cancel()
        assert len(set(turns)) > 4

    play(scenario)


def test_telemetry_of_a_model_that_nobody_uses_is_counted_and_is_no_finding():
    async def scenario(desk: Desk) -> None:
        await desk.tell(desk.batch({"ok": 3}, model="shadow"))
        assert await desk.said(FINDINGS.name, Finding) == []
        assert b'interlock_telemetry_batches_total{result="model_not_used"} 1.0' in desk.metrics.render()

    play(scenario)


def test_a_verdict_that_got_lost_is_made_good_by_the_next_refresh():
    async def scenario(desk: Desk) -> None:
        await desk.tell(desk.batch({"ok": 3}))
        desk.broker.reachable = False
        await desk.tell(desk.batch({"connection": 5}), b"garbage")
        desk.broker.reachable = True
        await asyncio.sleep(1.2)
        verdicts = await desk.verdicts()
        assert verdicts[-1].level is Level.UNAVAILABLE
        assert verdicts[-1].since < verdicts[-1].issued_at
        assert b"interlock_verdicts_unpublished_total" in desk.metrics.render()

    play(scenario)


def test_a_policy_that_arrives_later_is_judged_from_then_on():
    async def scenario(desk: Desk) -> None:
        renewed = desk.deployment.policy("support", ["atlas", "birch"], version=2)
        await (await desk.bus.publisher()).publish(POLICIES.name, "policy/support", renewed)
        await desk.policies.catch_up()
        await desk.tell(desk.batch({"ok": 3}, model="birch"))
        assert [said.model for said in await desk.verdicts()] == ["birch"]

    play(scenario)


def test_a_guard_that_a_policy_requires_is_healthy_while_it_beats_and_unavailable_in_silence():
    async def scenario(desk: Desk) -> None:
        await desk.adopt(desk.deployment.rule(["atlas"], guards=("guardrail-1",)))
        pulse = GuardPulse(await desk.bus.publisher(), "guardrail-1", desk.deployment.key("guardrail-1"), desk.clock)
        beats = await desk.bus.reader([TELEMETRY.name])
        for _ in range(10):
            assert await pulse.beat()
            await desk.service.handle(await beats.read_to_end())
            await asyncio.sleep(1)
        assert {said.level for said in await desk.verdicts("guard")} == {Level.HEALTHY}
        await asyncio.sleep(5)
        last = (await desk.verdicts("guard"))[-1]
        assert (last.model, last.level) == ("guard@guardrail-1", Level.UNAVAILABLE)

    play(scenario)


def test_bad_beats_are_findings_and_break_no_silence():
    async def scenario(desk: Desk) -> None:
        await desk.adopt(desk.deployment.rule(["atlas"], guards=("guardrail-1",)))
        good = desk.beat()
        await asyncio.sleep(2)
        hostile = {
            desk.beat(by="probe-1"): Reason.ROLE_NOT_ALLOWED,
            desk.beat("guardrail-2"): Reason.NOT_ITS_OWN_WORD,
            desk.beat(by="mallory"): Reason.NO_SIGNATURE,
            desk.beat(ahead_s=60): Reason.FROM_THE_FUTURE,
            desk.beat(ahead_s=-60): Reason.EXPIRED,
        }
        await desk.tell(*hostile)
        assert await desk.verdicts("guard") == []
        await desk.tell(good, good)
        found = [finding.reason for finding in await desk.said(FINDINGS.name, Finding)]
        assert sorted(found) == sorted([*hostile.values(), Reason.NOT_NEWER])
        assert [said.level for said in await desk.verdicts("guard")] == [Level.HEALTHY]

    play(scenario)


def test_a_beat_of_a_guard_that_no_policy_requires_is_counted_and_is_no_finding():
    async def scenario(desk: Desk) -> None:
        await desk.tell(desk.beat())
        assert await desk.said(FINDINGS.name, Finding) == []
        assert b'interlock_telemetry_batches_total{result="guard_not_required"} 1.0' in desk.metrics.render()

    play(scenario)


def test_what_nobody_judges_is_said_once_for_each_policy_and_counted():
    async def scenario(desk: Desk) -> None:
        unjudged = (
            TriggerRule(WatchedTrigger.COST, 12.0, Micros(0)),
            TriggerRule(WatchedTrigger.LOW_CONFIDENCE, 0.3, Micros(0)),
        )
        with capture_logs() as logs:
            await desk.adopt(desk.deployment.rule(["atlas"], triggers=(*TRIGGERS, *unjudged)))
            await asyncio.sleep(2)
            assert b"interlock_objectives_without_producer 2.0" in desk.metrics.render()
            await desk.adopt(desk.deployment.rule(["atlas"]), agent="triage")
            await asyncio.sleep(2)
            await desk.adopt(desk.deployment.rule(["atlas"]), version=3)
            await asyncio.sleep(2)
        told = [
            (line["version"], line["objectives"]) for line in logs if line["event"] == "objectives_without_producer"
        ]
        assert told == [(2, ["cost>12", "low_confidence>0.3"])]
        assert b"interlock_objectives_without_producer 0.0" in desk.metrics.render()

    play(scenario)
