import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding
from interlock.reporting.damper import LIKE_FINDINGS_PER_SECOND_MAX
from interlock.reporting.findings import RECORDS_MAX, WAIT_S_MAX, Findings
from interlock.runtime.bus import Record
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import FINDINGS

DEPLOYMENT = Deployment()
REFUSED = Record("interlock.telemetry.v1", 2, 17, b"atlas", b"secret garbage", 0)
Scenario = Callable[["Desk"], Awaitable[None]]


class Desk:
    """Findings on a bus in memory, and a look at what came out."""

    def __init__(self, clock: VirtualClock) -> None:
        self.broker = MemoryBroker(clock=clock)
        self.bus = MemoryBus(self.broker)
        self.metrics = Metrics("test")
        self.clock = clock
        self.findings: Findings

    async def told(self) -> list[Finding]:
        found = []
        for record in await (await self.bus.reader([FINDINGS.name])).read_to_end():
            opened = open_sealed(record.value, DEPLOYMENT.root, Finding)
            assert isinstance(opened, Verified)
            assert record.key == b"health-1"
            found.append(opened.value)
        return found


def play(scenario: Scenario) -> None:
    async def main(clock: VirtualClock) -> None:
        desk = Desk(clock)
        publisher = await desk.bus.publisher()
        desk.findings = Findings(publisher, "health-1", DEPLOYMENT.key("health-1"), clock, desk.metrics)
        await scenario(desk)

    run_virtually(main)


def test_a_finding_names_the_refused_record_by_place_and_digest_and_never_repeats_it():
    async def scenario(desk: Desk) -> None:
        await desk.findings.report(Reason.NOT_AN_ENVELOPE, "not ours", REFUSED)
        (finding,) = await desk.told()
        assert (finding.topic, finding.partition, finding.offset) == (REFUSED.topic, 2, 17)
        assert finding.digest == digest(b"secret garbage")
        assert (finding.service, finding.reason, finding.detail) == ("health-1", "not_an_envelope", "not ours")
        assert finding.mend == Reason.NOT_AN_ENVELOPE.mend
        assert "secret" not in repr(finding)

    play(scenario)


def test_a_finding_without_a_record_has_no_place():
    async def scenario(desk: Desk) -> None:
        await desk.findings.report(Reason.HEADS_DIFFER)
        (finding,) = await desk.told()
        assert (finding.topic, finding.partition, finding.offset, finding.digest) == ("", -1, -1, b"")

    play(scenario)


def test_every_finding_of_a_flood_is_counted_and_a_few_are_published():
    async def scenario(desk: Desk) -> None:
        for offset in range(50):
            record = replace(REFUSED, offset=offset)
            await desk.findings.report(Reason.BAD_SIGNATURE, "x" * TEXT_CHARS_MAX, record)
        desk.clock.stepped += 1_000_000
        await desk.findings.report(Reason.BAD_SIGNATURE, "x" * TEXT_CHARS_MAX, replace(REFUSED, offset=50))
        told = await desk.told()
        assert len(told) == LIKE_FINDINGS_PER_SECOND_MAX + 1
        assert told[-1].detail.endswith("; 45 more like it before")
        assert len(told[-1].detail) == TEXT_CHARS_MAX
        assert b'interlock_findings_total{reason="bad_signature"} 51.0' in desk.metrics.render()

    play(scenario)


def test_what_is_found_in_one_record_is_told_once_however_often_it_is_read():
    async def scenario(desk: Desk) -> None:
        for _ in range(4):
            await desk.findings.report(Reason.BAD_SIGNATURE, "", REFUSED)
        await desk.findings.report(Reason.EXPIRED, "", REFUSED)
        await desk.findings.report(Reason.BAD_SIGNATURE, "", replace(REFUSED, offset=18))
        assert [(found.reason, found.offset) for found in await desk.told()] == [
            ("bad_signature", 17),
            ("expired", 17),
            ("bad_signature", 18),
        ]
        for offset in range(RECORDS_MAX):
            await desk.findings.report(Reason.EMPTY, "", replace(REFUSED, offset=offset))
        desk.clock.stepped += 1_000_000
        await desk.findings.report(Reason.BAD_SIGNATURE, "", REFUSED)
        assert (await desk.told())[-1].reason == "bad_signature"
        assert b'interlock_findings_total{reason="bad_signature"} 3.0' in desk.metrics.render()

    play(scenario)


def test_what_is_remembered_of_a_long_story_is_its_beginning():
    async def scenario(desk: Desk) -> None:
        for _ in range(2):
            await desk.findings.report(Reason.NOT_NEWER, "c" * 600_000, REFUSED)
        assert len(await desk.told()) == 1
        (about,) = desk.findings._of_records
        assert len(about[1]) == TEXT_CHARS_MAX

    play(scenario)


def test_a_broker_that_is_gone_does_not_harm_who_reports():
    async def scenario(desk: Desk) -> None:
        desk.broker.reachable = False
        await desk.findings.report(Reason.BAD_SIGNATURE, "", REFUSED)
        desk.broker.reachable = True
        assert await desk.told() == []
        assert b"interlock_findings_unpublished_total 1.0" in desk.metrics.render()

    play(scenario)


def test_a_broker_that_is_slow_to_take_a_finding_does_not_hold_up_who_reports():
    async def scenario(desk: Desk) -> None:
        class Slow:
            async def publish(self, *_args: object, **_named: object) -> int:
                await asyncio.sleep(10)
                return 0

        began = desk.clock.now().boot
        slow = Findings(Slow(), "health-1", DEPLOYMENT.key("health-1"), desk.clock, Metrics("test"))
        await slow.report(Reason.BAD_SIGNATURE, "", REFUSED)
        assert desk.clock.now().boot - began <= WAIT_S_MAX * SECOND

    play(scenario)
