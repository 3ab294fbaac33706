"""One trace tells a change's whole story: real Kafka, real processes, a collector that listens, and keys of P-256."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.records.audit import AuditRecord
from interlock.records.change import Acknowledgement, RoutingChange
from interlock.records.health import Level, TelemetryBatch, Verdict
from interlock.records.sealing import open_sealed
from interlock.records.telling import Notice
from interlock.runtime.bus import Record
from interlock.signing.keys import KeyKind
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused
from interlock.testing.trace_collector import Seen, TraceCollector, told
from interlock.trials.broker import broker_at
from interlock.trials.drill.cast import Actor, Agent, Cast
from interlock.trials.drill.field import Field
from interlock.trials.drill.ground import TUNING, Ground, lay_out
from interlock.wire.topics import ACKS, AUDIT, NOTICES, ROUTES, TELEMETRY, VERDICTS, TopicSpec

AGENT = "clerk"
CAST = Cast((Agent(AGENT, ("oak", "elm"), every_s=0.1),), (Actor("oak"), Actor("elm")))
SERVICES = ("health-monitor", "probe", "decision", "gateway", "notifier")


class Story:
    """What the collector and the topics say of one change."""

    def __init__(self, field: Field, collector: TraceCollector, records: list[Record], change: RoutingChange) -> None:
        self.book = field.stage.book
        self.records = records
        self.change = change
        (self.audit,) = [record for record, said in self.read(AUDIT, AuditRecord) if self._holds(said)]
        self.id = self.audit.trace[3:35]
        self.spans = collector.trace(self.id)

    def _holds(self, step: AuditRecord) -> bool:
        opened = [open_sealed(sealed, self.book.trust, RoutingChange) for sealed in step.changes]
        return any(not isinstance(each, Refused) and each.value == self.change for each in opened)

    def read(self, topic: TopicSpec, kind: type[Statement]) -> Iterator[tuple[Record, Statement]]:
        """The records of a topic that count, and what they say."""
        for record in self.records:
            opened = open_sealed(record.value, self.book.trust, kind) if record.topic == topic.name else None
            if opened is not None and not isinstance(opened, Refused):
                yield record, opened.value

    def on(self, topic: TopicSpec, kind: type[Statement]) -> list[tuple[Record, Statement]]:
        """Those that bear this story's trace."""
        return [(record, said) for record, said in self.read(topic, kind) if record.trace[3:35] == self.id]

    def span(self, service: str, name: str) -> Seen:
        found = [span for span in self.spans if (span.service, span.name) == (service, name)]
        assert len(found) == 1, told(self.spans)
        return found[0]

    def sent(self, service: str, topic: TopicSpec) -> Seen:
        """The span in which a service sent a record of a topic; the record's header names this very span."""
        span = self.span(service, f"send {topic.name}")
        assert span.id in {record.trace[36:52] for record in self.records if record.topic == topic.name}
        return span


async def records_of(field: Field) -> list[Record]:
    reader = await field.stage.bus.reader([each.name for each in (TELEMETRY, VERDICTS, AUDIT, ROUTES, ACKS, NOTICES)])
    try:
        return await reader.read_to_end()
    finally:
        await reader.close()


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - another process sends
            await asyncio.sleep(0.1)


@pytest.fixture
def tuning(collector: TraceCollector):
    return {name: {**TUNING.get(name, {}), "traces": collector.url} for name in SERVICES}


@pytest.fixture
async def collector():
    async with TraceCollector() as listening:
        yield listening


LAST_OF_EACH = {
    "send interlock.telemetry.v1",
    "send interlock.verdicts.v1",
    "process interlock.acks.v1",
    "process interlock.routes.v1",
    "send interlock.notices.v1",
}
"""The span that each process sends last, in the order of its ends: with it, all of them are there."""


async def test_one_trace_runs_from_the_telemetry_to_the_acknowledgement_and_the_notice(
    real_kafka: str, tmp_path: Path, collector: TraceCollector, tuning
) -> None:
    ground = Ground(tmp_path, CAST, SERVICES, tuning, keys=KeyKind.P256)
    async with broker_at(real_kafka) as broker, lay_out(ground, broker, print) as field:
        assert {len(key.public_key) for key in field.stage.book.trust.keys} == {32, 33}
        await field.until_placed(AGENT, "oak")
        await field.until_healthy("oak", "elm")
        before = len(field.changes(AGENT))
        field.behave("oak", mode="error")
        change = await field.until_moved(AGENT, "elm", after=before)
        await field.until_obeyed(change)

        def whole() -> bool:
            traces = {span.trace for span in collector.spans if span.attributes.get("interlock.change") == change.id}
            spans = {span.name for trace in traces for span in collector.trace(trace)}
            return spans >= LAST_OF_EACH

        await until(whole)
        story = Story(field, collector, await records_of(field), change)
    # Telemetry: where the trace begins.
    ((batch_record, batch),) = story.on(TELEMETRY, TelemetryBatch)
    assert isinstance(batch, TelemetryBatch)
    assert batch.model == "oak"
    reporter = {"gateway-1": "gateway", "probe-1": "probe"}[batch.reporter]
    telemetry = story.sent(reporter, TELEMETRY)
    assert (telemetry.parent, batch_record.trace[36:52]) == ("", telemetry.id)

    # The verdict that the batch tipped.
    ((_, verdict),) = [(r, v) for r, v in story.on(VERDICTS, Verdict) if v.objective == "unavailable"]
    assert (verdict.model, verdict.level) == ("oak", Level.UNAVAILABLE)
    judged = next(
        span
        for span in story.spans
        if span.name == "send interlock.verdicts.v1" and span.attributes["interlock.objective"] == "unavailable"
    )
    assert (judged.service, judged.parent) == ("health-monitor", telemetry.id)

    # Decision's step: the audit record and the order follow from the verdict.
    dealt = story.span("decision", "process interlock.verdicts.v1")
    assert dealt.parent == judged.id
    logged, ordered = story.sent("decision", AUDIT), story.sent("decision", ROUTES)
    assert logged.parent == ordered.parent == dealt.id
    assert story.audit.trace[36:52] == logged.id
    assert ordered.attributes["interlock.change"] == change.id
    assert logged.ended <= ordered.began, "first the log, then the order"

    # The router: it takes the order, remembers it, and says so.
    obeyed = story.span("gateway", "process interlock.routes.v1")
    assert obeyed.parent == ordered.id
    assert obeyed.attributes["interlock.answer"] == "accepted"
    assert story.span("gateway", "persist").parent == obeyed.id
    said = story.sent("gateway", ACKS)
    assert said.parent == obeyed.id
    ((_, word),) = story.on(ACKS, Acknowledgement)
    assert isinstance(word, Acknowledgement)
    assert (word.change_id, str(word.kind)) == (change.id, "ack")

    # The notifier: its attempt follows from the log, its notice from the attempt.
    attempt = story.span("notifier", "POST")
    assert attempt.parent == logged.id
    assert attempt.attributes["http.response.status_code"] == 204
    noticed = story.sent("notifier", NOTICES)
    assert noticed.parent == attempt.id
    assert [notice.change_id for _, notice in story.on(NOTICES, Notice)] == [change.id]

    # Decision reads the router's word: the end of the story.
    assert story.span("decision", "process interlock.acks.v1").parent == said.id
    assert {span.fault for span in story.spans} == {""}
    assert {span.service for span in story.spans} == {reporter, "health-monitor", "decision", "gateway", "notifier"}
