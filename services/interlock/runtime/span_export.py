"""Spans on their way to a collector, by OTLP over HTTP (protobuf).

The collector is the least important thing that a service talks to. So whoever ends a span only puts it on a queue; a thread of its own takes
them from there, encodes and sends them. A collector that hangs, refuses or is gone costs spans, which are counted, and a line in the log;
it never costs the service any time, memory beyond `SPANS_HELD_MAX`, or a clean end.

The thread is no part of the service's shutdown: what it has not sent within `CLOSE_S_MAX` is lost.

Headers that a collector asks for come from the environment (`OTEL_EXPORTER_OTLP_HEADERS`), as secrets do; proxies of the environment are
not used, and redirects are not followed.
"""

import asyncio
import threading
from collections import deque
from typing import Final

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from interlock.runtime.metrics import Metrics
from interlock.runtime.tracing import Span
from interlock.vocabulary.time import Micros

SPANS_HELD_MAX: Final = 4_096
"""Some 4 MB, and several seconds of the busiest service: what a collector may be late."""

SPANS_PER_EXPORT: Final = 128
"""Encoded at once: few, because encoding holds the interpreter for some milliseconds."""

EXPORT_EVERY_S: Final = 0.5
"""How long a span may wait while there are few."""

EXPORT_S_MAX: Final = 5.0
"""How long one export may take, its repetitions too."""

CLOSE_S_MAX: Final = 1.0
"""How long the last spans may take when the service ends."""

_SCOPE = InstrumentationScope("interlock")
_log = structlog.get_logger(__name__)


class SpanExport:
    """Sends the spans of one service; a `Sink`.

    Args:
        url: Where to, `http://127.0.0.1:4318/v1/traces`.
        service: The service's name, and its `instance`: whose key it has.
        metrics: Where lost spans are counted.
    """

    def __init__(self, url: str, service: str, instance: str, metrics: Metrics) -> None:
        session = requests.Session()
        session.trust_env, session.max_redirects = False, 0
        self._exporter = OTLPSpanExporter(
            url, timeout=EXPORT_S_MAX, compression=Compression.NoCompression, session=session
        )
        self._resource = Resource(
            {"service.namespace": "interlock", "service.name": service, "service.instance.id": instance}
        )
        self._lost = metrics.counter("spans_lost", "1", "Spans that no collector took, by why.")
        self._held: deque[Span] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._away = False
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def put(self, span: Span) -> None:
        """Take a span, or count it as lost while too many wait. Never waits, never raises."""
        if len(self._held) >= SPANS_HELD_MAX:
            self._lost.add(1, {"why": "queue_full"})
            return
        self._held.append(span)
        if len(self._held) == SPANS_PER_EXPORT:
            self._wake.set()

    async def close(self) -> None:
        """Send what is left, for `CLOSE_S_MAX` at most."""
        self._closing = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join, CLOSE_S_MAX)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the library's

    def _run(self) -> None:
        while not self._closing or self._held:
            if not self._closing:
                self._wake.wait(EXPORT_EVERY_S)
                self._wake.clear()
            while self._held:
                self._export([self._held.popleft() for _ in range(min(len(self._held), SPANS_PER_EXPORT))])

    def _export(self, spans: list[Span]) -> None:
        try:
            taken = self._exporter.export([self._readable(span) for span in spans]) is SpanExportResult.SUCCESS
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the thread
            _log.exception("spans_not_exported")
            taken = False
        if not taken:
            self._lost.add(len(spans), {"why": "not_taken"})
        if taken is self._away:
            self._away = not taken
            _log.info("collector_back") if taken else _log.warning("collector_away", lost=len(spans))

    def _readable(self, span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            context=_context(span.trace),
            parent=_context(span.parent) if span.parent else None,
            resource=self._resource,
            attributes=span.attributes,
            links=[Link(_context(trace)) for trace in span.links],
            kind=span.kind,
            status=Status(StatusCode.ERROR, span.fault) if span.fault else Status(StatusCode.UNSET),
            start_time=_nanoseconds(span.began),
            end_time=_nanoseconds(max(span.began, span.ended)),  # civil time may step back
            instrumentation_scope=_SCOPE,
        )


def _context(trace: str) -> SpanContext:
    return SpanContext(int(trace[3:35], 16), int(trace[36:52], 16), is_remote=True, trace_flags=TraceFlags(1))


def _nanoseconds(at: Micros) -> int:
    return at * 1_000
