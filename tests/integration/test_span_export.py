"""Spans on their way to a collector that takes them, refuses them, hangs or is gone."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.trace import SpanKind

from interlock.brokers.free_ports import free_ports
from interlock.records.change import RoutingChange
from interlock.records.sealing import open_sealed
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.metrics import Metrics
from interlock.runtime.span_export import CLOSE_S_MAX, SPANS_HELD_MAX, SpanExport
from interlock.runtime.tracing import CHANGE, Tracing
from interlock.signing.verifier import Refused
from interlock.testing.builders import Deployment
from interlock.testing.service_process import service_process
from interlock.testing.trace_collector import TraceCollector, told
from interlock.vocabulary.time import Micros
from interlock.wire.topics import POLICIES, ROUTES

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """A collector that takes connections and says nothing for ever."""
    connections = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/traces"
    finally:
        for writer in connections:
            writer.close()
        server.close()


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a thread sets no event of ours
            await asyncio.sleep(0.02)


def lost(metrics: Metrics) -> dict[str, int]:
    found = re.findall(r'interlock_spans_lost_total\{why="(\w+)"\} (\S+)', metrics.render().decode())
    return {why: int(float(count)) for why, count in found}


async def test_a_collector_reads_what_was_done_by_whom_and_from_what_it_follows():
    metrics = Metrics("test")
    async with TraceCollector() as collector:
        export = SpanExport(collector.url, "decision", "decision-1", metrics)
        tracing = Tracing(SystemClock(), export)
        with tracing.span("step", PARENT, {CHANGE: "a/main/*@1.2.3", "count": 2}, began=Micros(5), links=[OTHER]):
            pass
        with tracing.span("broken", kind=SpanKind.CLIENT) as broken:
            broken.fault = "it answered 500"
        await export.close()
        first, second = collector.trace(PARENT[3:35]), collector.trace(broken.trace[3:35])
    ((step,), (other,)) = first, second
    assert (step.service, step.name, step.parent, step.links) == ("decision", "step", PARENT[36:52], (OTHER[36:52],))
    assert step.attributes == {CHANGE: "a/main/*@1.2.3", "count": 2}
    assert (step.began, step.fault) == (5_000, "")
    assert (other.parent, other.fault) == ("", "it answered 500")
    assert lost(metrics) == {}
    assert "decision: step" in told([step])


async def test_a_collector_that_hangs_costs_spans_and_nothing_else():
    metrics = Metrics("test")
    async with hanging() as url:
        export = SpanExport(url, "decision", "decision-1", metrics)
        tracing = Tracing(SystemClock(), export)
        for _ in range(3 * SPANS_HELD_MAX):
            tracing.span("step").end()
        assert len(export._held) <= SPANS_HELD_MAX
        assert lost(metrics)["queue_full"] >= SPANS_HELD_MAX
        async with asyncio.timeout(CLOSE_S_MAX + 20):
            await export.close()


async def test_what_a_collector_refuses_is_counted():
    metrics = Metrics("test")
    async with TraceCollector(status=400) as collector:
        export = SpanExport(collector.url, "decision", "decision-1", metrics)
        Tracing(SystemClock(), export).span("step").end()
        await until(lambda: lost(metrics) == {"not_taken": 1})
        assert collector.requests == 1
        await export.close()


async def test_a_redirect_is_not_followed():
    metrics = Metrics("test")
    async with TraceCollector() as elsewhere:

        async def redirect(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(elsewhere.url)

        application = web.Application()
        application.router.add_post("/v1/traces", redirect)
        async with TestServer(application) as server:
            export = SpanExport(str(server.make_url("/v1/traces")), "decision", "decision-1", metrics)
            Tracing(SystemClock(), export).span("step").end()
            await export.close()
            await until(lambda: lost(metrics) == {"not_taken": 1})
        assert elsewhere.requests == 0


async def test_what_a_collector_that_is_gone_does_not_take_is_counted():
    metrics, (port,) = Metrics("test"), free_ports(1)
    export = SpanExport(f"http://127.0.0.1:{port}/v1/traces", "decision", "decision-1", metrics)
    Tracing(SystemClock(), export).span("step").end()
    await export.close()
    await until(lambda: lost(metrics) == {"not_taken": 1})


async def test_a_collector_that_comes_back_gets_what_happens_from_then_on():
    metrics, (port,) = Metrics("test"), free_ports(1)
    export = SpanExport(f"http://127.0.0.1:{port}/v1/traces", "decision", "decision-1", metrics)
    tracing = Tracing(SystemClock(), export)
    tracing.span("before").end()
    await until(lambda: lost(metrics) == {"not_taken": 1})
    async with TraceCollector(port) as collector:
        tracing.span("after").end()
        await until(lambda: [span.name for span in collector.spans] == ["after"])
        await export.close()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with TraceCollector() as collector:
        export = SpanExport(collector.url, "decision", "decision-1", Metrics("test"))
        Tracing(SystemClock(), export).span("step").end()
        await export.close()
        assert [span.name for span in collector.spans] == ["step"]


async def test_a_service_whose_collector_hangs_works_and_ends_in_order(real_kafka: str, tmp_path: Path):
    deployment = Deployment("span-export", now=SystemClock().now().wall)
    deployment.install(tmp_path)
    bus = KafkaBus(real_kafka)
    reader, publisher = await bus.reader([ROUTES.name]), await bus.publisher()
    try:
        async with hanging() as url:
            policy = deployment.policy("support", ("atlas", "birch"))
            await publisher.publish(POLICIES.name, "policy/support", policy, partition=0)
            tuning = f'traces = "{url}"\n'
            async with service_process("decision", deployment, real_kafka, tmp_path, tuning) as process:
                ordered = False
                async with asyncio.timeout(60):
                    while not ordered:
                        sealed = [record.value for record in await reader.batch() if record.trace]
                        opened = [open_sealed(each, deployment.root, RoutingChange) for each in sealed]
                        ordered = any(not isinstance(each, Refused) for each in opened)
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(30):
                    assert await process.wait() == 0
    finally:
        await bus.close()


async def test_a_process_ends_though_its_last_spans_are_not_taken():
    script = """
import asyncio, sys
from interlock.runtime.clock import SystemClock
from interlock.runtime.metrics import Metrics
from interlock.runtime.span_export import SpanExport
from interlock.runtime.tracing import Tracing
async def main():
    export = SpanExport(sys.argv[1], "decision", "decision-1", Metrics("test"))
    Tracing(SystemClock(), export).span("step").end()
    await export.close()
asyncio.run(main())
"""
    async with hanging() as url:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, url)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
