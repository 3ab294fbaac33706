"""The health-monitor's loop: telemetry, guards' beats and policies in, verdicts out; the judging is the core's.

Verify → decode → observe → judge → sign → publish. Whatever was refused is a finding, except telemetry of a model that no
policy uses and beats of a guard that none requires, which are only counted: a gateway may call models that are none of
Interlock's business.

What a policy asks for and nobody judges yet is logged once for each policy, and counted in `objectives_without_producer`.

Where more comes than can be verified, what is left of a batch after `HANDLE_US_MAX` is shed, counted and found, so that what is judged
is the present; verdicts are refreshed meanwhile. What has stood on the topic for longer than the window is passed over unread.

A verdict that cannot be published is not kept: the next refresh, at most `refresh` later, says what holds then.
"""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import structlog

from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.core.objectives import without_producer
from interlock.health_monitor.core.turns import in_turn
from interlock.policy.book import Book
from interlock.records.health import GuardBeat, Level, TelemetryBatch, Verdict
from interlock.records.rules import guard_subject
from interlock.records.sealing import open_sealed, seal
from interlock.reporting.findings import Findings
from interlock.runtime.bus import Publisher, Record
from interlock.runtime.clock import Clock
from interlock.runtime.lifecycle import Stop
from interlock.runtime.metrics import Metrics
from interlock.runtime.policy_follower import PolicyFollower
from interlock.runtime.tracing import LEVEL, MODEL, OBJECTIVE, UNTRACED, Tracing
from interlock.signing.keys import SigningKey
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import VERDICTS
from interlock.wire.trace import NO_TRACE

TICK_S = 0.1
"""How often silence and refreshes are looked for; a verdict on what was just told does not wait for it."""

HANDLE_US_MAX = SECOND
"""How long one batch of records may be worked on: a verdict on the first of them must not wait for the last."""

SHED_TOLD_US = 60 * SECOND
"""How often it is found that records were shed: once a minute, however long it lasts."""

_TURN_US = SECOND // 20
_NOBODYS_BUSINESS = frozenset({Reason.MODEL_NOT_USED, Reason.GUARD_NOT_REQUIRED})
_RANK = {Level.UNKNOWN: 0, Level.HEALTHY: 1, Level.DEGRADED: 2, Level.UNAVAILABLE: 3}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outbox:
    """How verdicts go out.

    Attributes:
        publisher: Where to.
        key: The health-monitor's key.
        findings: Where refusals are told.
        tracing: Makes the spans.
    """

    publisher: Publisher
    key: SigningKey
    findings: Findings
    tracing: Tracing = UNTRACED


class HealthMonitorService:
    """Judges what comes, and says so.

    Args:
        monitor: The core.
        policies: Keeps the book.
        outbox: How verdicts and findings go out.
        clock: Civil time.
        metrics: Where batches and verdicts are counted.
    """

    def __init__(
        self, monitor: Monitor, policies: PolicyFollower, outbox: Outbox, clock: Clock, metrics: Metrics
    ) -> None:
        self._monitor = monitor
        self._policies = policies
        self._outbox = outbox
        self._clock = clock
        self._saying = asyncio.Lock()
        self._book: Book | None = None
        self._shed_at: Micros | None = None
        self._unjudged: dict[str, tuple[int, list[str]]] = {}
        self._tipped: dict[str, str] = {}
        self._batches = metrics.counter(
            "telemetry_batches", "1", "Batches of telemetry and beats of guards, by what became of them."
        )
        self._verdicts = metrics.counter("verdicts", "1", "Verdicts published, by level.")
        self._lost = metrics.counter("verdicts_unpublished", "1", "Verdicts that could not be published.")
        self._level = metrics.gauge(
            "verdict_level", "1", "Last level of a model or guard: 0 unknown, 1 healthy, 2 degraded, 3 unavailable."
        )
        self._without_producer = metrics.gauge(
            "objectives_without_producer", "1", "Objectives of the policies held that nobody judges yet."
        )

    def listening(self, held: bool) -> None:
        """Take note whether telemetry is heard: a guard is not silent because nobody listens."""
        self._monitor.listening(held, self._now)

    async def handle(self, records: Sequence[Record]) -> None:
        """Take in records of the telemetry topic, and say at once what changed."""
        self._watch()
        began = turn = self._clock.now().boot
        waiting = in_turn(records, lambda record: record.key)
        waiting.sort(key=lambda record: not self._monitor.judges(record.key))  # nobody needs keys that were made up
        for done, record in enumerate(waiting):
            boot = self._clock.now().boot
            if boot - began >= HANDLE_US_MAX:
                await self._shed(waiting[done:], boot)
                break
            if boot - turn >= _TURN_US:
                turn = boot
                await asyncio.sleep(0)  # verdicts are refreshed, and policies read, while a flood is worked on
            await self._handle(record)
        await self._say()

    async def _handle(self, record: Record) -> None:
        if self._monitor.is_past(Micros(record.timestamp_ms * 1_000), self._now):
            self._batches.add(1, {"result": "past"})
            return
        refused = self._observe(record)
        self._batches.add(1, {"result": refused.reason.value if refused else "taken"})
        if refused is not None and refused.reason not in _NOBODYS_BUSINESS:
            await self._outbox.findings.report(refused.reason, refused.detail, record)

    async def _shed(self, records: Sequence[Record], boot: Micros) -> None:
        """Leave records unread: there are newer ones."""
        self._batches.add(len(records), {"result": Reason.SHED.value})
        if self._shed_at is None or boot - self._shed_at >= SHED_TOLD_US:
            self._shed_at = boot
            await self._outbox.findings.report(Reason.SHED, f"{len(records)} records at once", records[0])

    async def run(self, stop: Stop) -> None:
        """Look for silence and refresh verdicts, until asked to stop."""
        while not await stop.within(TICK_S):
            self._watch()
            await self._say()

    @property
    def _now(self) -> Micros:
        return self._clock.now().wall

    def _watch(self) -> None:
        book = self._policies.book
        self._monitor.watch(book, self._now)
        if book is self._book:
            return
        self._book = book
        before = self._unjudged
        self._unjudged = {
            agent: (held.value.version, without_producer(held.value)) for agent, held in book.policies.items()
        }
        for agent, (version, objectives) in self._unjudged.items():
            if objectives and before.get(agent) != (version, objectives):
                _log.warning("objectives_without_producer", agent=agent, version=version, objectives=objectives)
        self._without_producer.set(sum(len(objectives) for _, objectives in self._unjudged.values()))

    def _observe(self, record: Record) -> Refused | None:
        opened: Verified[Any] | Refused = open_sealed(
            record.value, self._policies.book.trust, TelemetryBatch, GuardBeat
        )
        if isinstance(opened, Refused):
            return opened
        if isinstance(opened.value, GuardBeat):
            subject = guard_subject(opened.value.guard)
            refused = self._monitor.hear(opened.narrow(GuardBeat), self._now)
        else:
            subject = opened.value.model
            refused = self._monitor.observe(opened.narrow(TelemetryBatch), self._now)
        if refused is None:
            self._tipped[subject] = record.trace
        return refused

    async def _say(self) -> None:
        """Publish the verdicts that are due. One at a time says, so that a later verdict is never before an earlier one."""
        async with self._saying:
            tipped, self._tipped = self._tipped, {}
            verdicts = self._monitor.judge(self._now)
            await asyncio.gather(*(self._publish(each, tipped.get(each.model, NO_TRACE)) for each in verdicts))

    async def _publish(self, verdict: Verdict, trace: str) -> None:
        """Publish a verdict; one that is news follows from the record that tipped it, a refreshed one from nothing."""
        span = None
        if verdict.since == verdict.issued_at:
            _log.info("verdict", verdict=verdict.key, judged=verdict.level.value, detail=verdict.detail)
            told = {MODEL: verdict.model, OBJECTIVE: verdict.objective, LEVEL: verdict.level.value}
            span = self._outbox.tracing.send(VERDICTS.name, trace, told)
        try:
            with span or nullcontext():
                sealed, trace = seal(verdict, self._outbox.key), span.trace if span else NO_TRACE
                await self._outbox.publisher.publish(VERDICTS.name, verdict.key, sealed, trace=trace)
        except InfrastructureError as error:
            self._lost.add(1)
            _log.warning("verdict_unpublished", verdict=verdict.key, error=error.message)
            return
        self._verdicts.add(1, {"level": verdict.level.value})
        self._level.set(_RANK[verdict.level], {"model": verdict.model, "objective": verdict.objective})
