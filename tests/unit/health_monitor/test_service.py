import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.core.objectives import Rules
from interlock.health_monitor.service import HealthMonitorService, Outbox
from interlock.records.health import Cell, Level, TelemetryBatch, Verdict
from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding
from interlock.reporting.findings import Findings
from interlock.runtime.bus import Publisher, Record
from interlock.runtime.lifecycle import Stop
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.runtime.policy_follower import PolicyFollower
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import seconds
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

    async def tell(self, *values: bytes | None) -> None:
        """What the stream hands over."""
        await self.service.handle([Record(TELEMETRY.name, 0, n, b"atlas", value, 0) for n, value in enumerate(values)])

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
