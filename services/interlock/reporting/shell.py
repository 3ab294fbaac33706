"""What every service is put together from: trust, key, bus, clock, metrics, findings, and its health over HTTP.

async with shell(settings, settings.owner, "decision", "shards") as it:
    await supervise(stop, {"decision": DecisionService(it.bus, ...).run(stop)})
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from interlock.policy.book import Book
from interlock.reporting.findings import Findings
from interlock.runtime.bus import Bus, Publisher, Record
from interlock.runtime.clock import Clock, SteadyClock, SystemClock
from interlock.runtime.health_server import HealthServer, Readiness
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.metrics import Metrics
from interlock.runtime.opening import load_key, load_trust
from interlock.runtime.policy_follower import PolicyFollower
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.tracing import UNTRACED, Tracing
from interlock.signing.keys import SigningKey
from interlock.signing.verifier import Refused
from interlock.wire.topics import POLICIES


@dataclass(frozen=True, slots=True)
class Shell:
    """A service's surroundings, ready to be used.

    Attributes:
        owner: The service's name in the trust root, and `key` its private key.
        book: The installed trust root, and nothing else yet.
        bus: Kafka, and one `publisher` on it.
        clock: The machine's clocks.
        metrics: The service's own registry.
        findings: Where refusals are told.
        readiness: What `/readyz` says.
        tracing: Makes the spans.
    """

    owner: str
    key: SigningKey
    book: Book
    bus: Bus
    publisher: Publisher
    clock: Clock
    metrics: Metrics
    findings: Findings
    readiness: Readiness
    tracing: Tracing = UNTRACED

    async def follow_policies(self) -> PolicyFollower:
        """Follow the policies topic from its beginning, in a book of one's own; what does not count becomes a finding."""
        return PolicyFollower(await self.bus.reader([POLICIES.name]), self.book, self._refused)

    async def _refused(self, record: Record, why: Refused) -> None:
        await self.findings.report(why.reason, why.detail, record)


@asynccontextmanager
async def shell(
    settings: ServiceSettings, owner: str, key: Path, service: str, *conditions: str
) -> AsyncIterator[Shell]:
    """Open a service's surroundings, and close them in order.

    Args:
        settings: The service's settings.
        owner: Its name in the trust root.
        key: Its private key's file.
        service: Its name in logs and metrics.
        conditions: What must be met before `/readyz` says so.

    Raises:
        ConfigurationError: Trust root, key or listening address cannot be used.
        InfrastructureError: The broker cannot be reached.
    """
    trust, root_id = load_trust(settings.trust_root, settings.deployment)
    signing_key = load_key(key)
    clock, metrics, readiness = SteadyClock(SystemClock()), Metrics(service), Readiness(*conditions)
    bus = KafkaBus(settings.bootstrap, client=owner, fetch_max_wait_ms=settings.fetch_wait_ms)
    async with (
        HealthServer(settings.listen, readiness, metrics),
        _tracing(settings, service, owner, clock, metrics) as tracing,
    ):
        try:
            publisher = await bus.publisher()
            findings = Findings(publisher, owner, signing_key, clock, metrics)
            book = Book.start(trust, root_id)
            yield Shell(owner, signing_key, book, bus, publisher, clock, metrics, findings, readiness, tracing)
        finally:
            await bus.close()
            metrics.close()


@asynccontextmanager
async def _tracing(
    settings: ServiceSettings, service: str, owner: str, clock: Clock, metrics: Metrics
) -> AsyncIterator[Tracing]:
    """The service's spans; at the end what is left of them is sent, for a bounded time."""
    if settings.traces is None:
        yield UNTRACED
        return
    from interlock.runtime.span_export import SpanExport  # noqa: PLC0415 - a tenth of a second that most starts need not take

    export = SpanExport(settings.traces, service, owner, metrics)
    try:
        yield Tracing(clock, export)
    finally:
        await export.close()
