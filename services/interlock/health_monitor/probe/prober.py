"""One probe of one model: call it, note how it went, tell if another model answered.

A model whose credential is missing here is not called and not reported: it stays unknown, so nobody moves to it.
"""

import structlog

from interlock.health_monitor.probe.caller import Caller
from interlock.health_monitor.probe.core import ROUTE
from interlock.records.models import Model
from interlock.reporting.accumulator import Call
from interlock.reporting.findings import Findings
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.runtime.clock import Clock
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.limits import IDENTIFIER_CHARS_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND

_log = structlog.get_logger(__name__)


class Prober:
    """Makes probes.

    Args:
        caller: Makes the calls.
        telemetry: Where they are noted.
        findings: Where an answer by another model is told.
        clock: Measures latency.

    Attributes:
        lacking: The models whose credential was missing at the last attempt.
    """

    def __init__(self, caller: Caller, telemetry: TelemetryEmitter, findings: Findings, clock: Clock) -> None:
        self.lacking: set[str] = set()
        self._caller = caller
        self._telemetry = telemetry
        self._findings = findings
        self._clock = clock

    async def probe(self, model: Model) -> None:
        """Call a model once and report it."""
        began = self._clock.now().boot
        try:
            answer = await self._caller.call(model)
        except ConfigurationError as error:
            if model.name not in self.lacking:
                _log.error("not_probed", model=model.name, error=error.message)
            self.lacking.add(model.name)
            return
        self.lacking.discard(model.name)
        latency_s = (self._clock.now().boot - began) / SECOND
        self._telemetry.note(Call(ROUTE, model.name, answer.outcome, latency_s, model_named=answer.named))
        if answer.named is not None and not model.answers_to(answer.named):
            detail = f"{model.name} was asked, {answer.named[:IDENTIFIER_CHARS_MAX]!r} answered"
            await self._findings.report(Reason.OTHER_MODEL_ANSWERED, detail)
