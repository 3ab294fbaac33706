"""Tells the health-monitor how calls went, in signed batches: what gateways and probes do beside their work.

Calls are added up (`accumulator`) and sent every `FLUSH_S`, but a fault or a throttled reply wakes the loop at once, since the
time until a dead model is left begins with it.

A batch that could not be published is kept as it was signed and tried again before anything newer, so that one which did arrive
is known by its number and counts once. Meanwhile calls go on being added up. What is older than `AGE_S_MAX` is dropped and
counted: nobody judges by it any more.
"""

import asyncio
from dataclasses import dataclass

import structlog

from interlock.records.health import PROVIDER_FAULTS, Outcome, TelemetryBatch
from interlock.records.sealing import seal
from interlock.reporting.accumulator import Accumulator, Call
from interlock.runtime.bus import Publisher
from interlock.runtime.clock import Clock
from interlock.runtime.events import set_within
from interlock.runtime.lifecycle import Stop
from interlock.runtime.metrics import Metrics
from interlock.runtime.tracing import MODEL, UNTRACED, Tracing
from interlock.signing.keys import SigningKey
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import TELEMETRY
from interlock.wire.trace import NO_TRACE

FLUSH_S = 0.25
"""How long a success may wait to be told."""

RETRY_S = 1.0
"""How long to wait after a failure: the broker has other worries than our telemetry."""

AGE_S_MAX = 30
"""The health-monitor's default window: what is older is refused there."""

_URGENT = PROVIDER_FAULTS | {Outcome.THROTTLED}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Unsent:
    model: str
    end: Micros
    sealed: bytes


class TelemetryEmitter:
    """Reports the calls of one process.

    Args:
        publisher: Where batches go.
        reporter: Who reports: the owner of the key.
        key: The reporter's key, with the role reporter or probe.
        clock: Civil time; its value now is the number of the first batch, so that a restart does not repeat a number.
        metrics: Where lost calls are counted.
        tracing: Makes the spans: a trace begins with every batch.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one place in each service makes it
        self,
        publisher: Publisher,
        reporter: str,
        key: SigningKey,
        clock: Clock,
        metrics: Metrics,
        tracing: Tracing = UNTRACED,
    ) -> None:
        self._publisher = publisher
        self._tracing = tracing
        self._key = key
        self._clock = clock
        self._held = Accumulator(reporter, clock.now().wall)
        self._unsent: list[_Unsent] = []
        self._urgent = asyncio.Event()
        self._dropped_calls = 0
        self._dropped = metrics.counter(
            "telemetry_dropped", "1", "Batches of telemetry given up on, and calls beyond the limit."
        )

    def note(self, call: Call) -> None:
        """Add one call that ended now. Never waits, never raises."""
        self._held.note(call, self._clock.now().wall)
        if call.outcome in _URGENT:
            self._urgent.set()

    async def run(self, stop: Stop) -> None:
        """Send what is noted, until asked to stop; then what is left, once."""
        while not stop.is_set():
            await self._pause()
            if not await self.flush():
                await stop.within(RETRY_S)
        await self.flush()

    async def flush(self) -> bool:
        """Send everything held; whether nothing is left to be tried again."""
        self._urgent.clear()
        self._give_up_the_old()
        if self._unsent:
            self._unsent = await self._publish(self._unsent)
        if not self._unsent:
            self._unsent = await self._publish([self._sealed(batch) for batch in self._held.drain()])
        return not self._unsent

    async def _pause(self) -> None:
        await set_within(self._urgent, FLUSH_S)

    def _sealed(self, batch: TelemetryBatch) -> _Unsent:
        return _Unsent(batch.model, batch.window_end, seal(batch, self._key))

    async def _publish(self, batches: list[_Unsent]) -> list[_Unsent]:
        """Publish the batches of all models side by side, those of one model in their order; what is left."""
        by_model: dict[str, list[_Unsent]] = {}
        for batch in batches:
            by_model.setdefault(batch.model, []).append(batch)
        left = await asyncio.gather(*(self._publish_in_order(of_model) for of_model in by_model.values()))
        return [batch for of_model in left for batch in of_model]

    async def _publish_in_order(self, batches: list[_Unsent]) -> list[_Unsent]:
        for done, batch in enumerate(batches):
            try:
                with self._tracing.send(TELEMETRY.name, NO_TRACE, {MODEL: batch.model}) as span:
                    await self._publisher.publish(TELEMETRY.name, batch.model, batch.sealed, trace=span.trace)
            except InfrastructureError as error:
                _log.warning("telemetry_unpublished", model=batch.model, error=error.message)
                return batches[done:]
        return []

    def _give_up_the_old(self) -> None:
        """Drop what nobody would judge by: batches past their age, and sums that began before it."""
        oldest = self._clock.now().wall - AGE_S_MAX * SECOND
        kept = [batch for batch in self._unsent if batch.end >= oldest]
        lost = len(self._unsent) - len(kept) + self._held.dropped - self._dropped_calls
        self._dropped_calls = self._held.dropped
        if self._held.since is not None and self._held.since < oldest:
            lost += len(self._held.drain())
        if lost:
            self._dropped.add(lost)
            _log.warning("telemetry_dropped", batches=lost)
        self._unsent = kept
