"""A collector of spans that really listens (OTLP over HTTP, protobuf): for tests, and for whoever wants to see a change's story.

    async with TraceCollector() as collector:
        ...  # collector.url is what the setting `traces` of a service says
        story = collector.trace(trace_id)

As a process it keeps what comes in memory and tells it as text: `/` lists the traces in which something was changed, and `/<trace id>` or
`/change?id=<id of a change>` tells one of them.

    python -m interlock.testing.trace_collector --port 4318

It is no store: it keeps the last `TRACES_MAX` traces and nothing else, and believes whoever sends. In production the setting names a collector
of OpenTelemetry.
"""

import argparse
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from interlock.runtime.lifecycle import Stop, run
from interlock.runtime.tracing import CHANGE, CHANGES

PATH = "/v1/traces"
TRACES_MAX = 10_000
_PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Seen:
    """One span.

    Attributes:
        service: Which service's work it was.
        name: What was done.
        id: The span's own id; `parent` that of the span before it, empty if it is the first.
        trace: The id of its trace.
        began: Nanoseconds since the epoch, and `ended`.
        attributes: What it was about.
        links: The ids of further spans that it follows from.
        fault: What went wrong; empty: nothing.
    """

    service: str
    name: str
    id: str
    parent: str
    trace: str
    began: int
    ended: int
    attributes: Mapping[str, str | int]
    links: tuple[str, ...]
    fault: str


class TraceCollector:
    """Listens on loopback while it is entered.

    Args:
        port: Where to listen; 0: any free port.
        status: What to answer: 200, or an error.

    Attributes:
        requests: How many requests came.
    """

    def __init__(self, port: int = 0, status: int = 200) -> None:
        self.requests = 0
        self._port = port
        self._status = status
        self._traces: OrderedDict[str, list[Seen]] = OrderedDict()

    @property
    def url(self) -> str:
        """Where spans go."""
        return f"http://127.0.0.1:{self._port}{PATH}"

    @property
    def spans(self) -> list[Seen]:
        """Every span that is kept."""
        return [span for trace in self._traces.values() for span in trace]

    def trace(self, trace_id: str) -> list[Seen]:
        """The spans of one trace, in the order of their beginning."""
        return sorted(self._traces.get(trace_id, ()), key=lambda span: span.began)

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post(PATH, self._receive)
        application.router.add_get("/", self._list)
        application.router.add_get("/change", self._tell_change)
        application.router.add_get("/{trace:[0-9a-f]{32}}", self._tell)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        self.requests += 1
        try:
            exported = ExportTraceServiceRequest.FromString(await request.read())
        except DecodeError:
            return web.Response(status=400)
        if self._status == 200:
            for span in _spans(exported):
                self._traces.setdefault(span.trace, []).append(span)
                self._traces.move_to_end(span.trace)
            while len(self._traces) > TRACES_MAX:
                self._traces.popitem(last=False)
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(status=self._status, body=answer, content_type=_PROTOBUF)

    async def _list(self, request: web.Request) -> web.Response:
        lines = [_line(trace_id, spans) for trace_id, spans in self._traces.items() if _changes(spans)]
        return web.Response(text="".join(f"{line}\n" for line in lines))

    async def _tell(self, request: web.Request) -> web.Response:
        return _told([request.match_info["trace"]], self)

    async def _tell_change(self, request: web.Request) -> web.Response:
        change = request.query.get("id", "")
        return _told([trace_id for trace_id, spans in self._traces.items() if change in _changes(spans)], self)


def told(spans: Sequence[Seen]) -> str:
    """One trace as text: each span a line, under the span that it follows from, with the milliseconds since the beginning."""
    beginning = min((span.began for span in spans), default=0)
    known = {span.id for span in spans}
    first = [span for span in spans if span.parent not in known]
    return "".join(f"{line}\n" for span in first for line in _tree(span, spans, beginning, 0))


def _tree(span: Seen, spans: Sequence[Seen], beginning: int, depth: int) -> Iterator[str]:
    at, took = (span.began - beginning) / 1e6, (span.ended - span.began) / 1e6
    what = " ".join(
        f"{name.rpartition('.')[2]}={value}" for name, value in span.attributes.items() if _telling(name, value)
    )
    fault = f" FAULT {span.fault}" if span.fault else ""
    yield f"{at:9.1f} ms {'  ' * depth}{span.service}: {span.name} ({took:.1f} ms) {what}{fault}".rstrip()
    for child in (each for each in spans if each.parent == span.id):
        yield from _tree(child, spans, beginning, depth + 1)


def _telling(name: str, value: str | int) -> bool:
    return name.startswith("interlock.") and value != ""


def _told(traces: Sequence[str], collector: TraceCollector) -> web.Response:
    texts = [f"trace {trace_id}\n{told(spans)}" for trace_id in traces if (spans := collector.trace(trace_id))]
    return web.Response(text="\n".join(texts) or "no such trace\n", status=200 if texts else 404)


def _line(trace_id: str, spans: Sequence[Seen]) -> str:
    services = sorted({span.service for span in spans})
    return f"{trace_id} {len(spans)} spans of {', '.join(services)}: {', '.join(_changes(spans))}"


def _changes(spans: Sequence[Seen]) -> list[str]:
    """The changes that a trace tells of, if it tells of their being made; in their order."""
    made = any(CHANGES in span.attributes for span in spans)
    return list(dict.fromkeys(str(span.attributes[CHANGE]) for span in spans if made and span.attributes.get(CHANGE)))


def _spans(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for of_service in request.resource_spans:
        service = str(_attributes(of_service.resource.attributes).get("service.name", ""))
        for scope in of_service.scope_spans:
            for span in scope.spans:
                yield _seen(service, span)


def _seen(service: str, span: Span) -> Seen:
    return Seen(
        service,
        span.name,
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.trace_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _attributes(span.attributes),
        tuple(link.span_id.hex() for link in span.links),
        (span.status.message or "error") if span.status.code == Status.STATUS_CODE_ERROR else "",
    )


def _attributes(pairs: Sequence[KeyValue]) -> dict[str, str | int]:
    return {
        pair.key: pair.value.int_value if pair.value.HasField("int_value") else pair.value.string_value
        for pair in pairs
    }


async def _serve(port: int, stop: Stop) -> None:
    async with TraceCollector(port) as collector:
        sys.stdout.write(f'the setting for every service: traces = "{collector.url}"\n')
        sys.stdout.flush()
        await stop.wait()


def main() -> int:
    """Collect until told to stop; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m interlock.testing.trace_collector", description=__doc__)
    parser.add_argument("--port", type=int, default=4318)
    arguments = parser.parse_args()
    return run(lambda stop: _serve(arguments.port, stop))


if __name__ == "__main__":
    sys.exit(main())
