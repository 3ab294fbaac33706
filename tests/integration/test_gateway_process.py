"""The gateway as a process, obeying a real decision process; the test says how healthy the model is."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from interlock.brokers.embedded import FETCH_MAX_WAIT_MS, EmbeddedBroker
from interlock.records.change import AckKind, Acknowledgement
from interlock.records.documents import Denial
from interlock.records.health import Level, Outcome, TelemetryBatch, Verdict
from interlock.records.rules import SafeReply, SafeState
from interlock.records.sealing import open_sealed
from interlock.records.telling import Ticket
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.workspace import toml
from interlock.signing.statement import Statement
from interlock.signing.verifier import Verified
from interlock.testing.builders import TRIGGERS, Deployment, model
from interlock.testing.model_server import ModelServer
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, POLICIES, TELEMETRY, TICKETS, VERDICTS

PATIENCE_S = 60
KEY = "agent-key-of-support"
CREDENTIAL = "provider-credential-of-atlas"
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


@asynccontextmanager
async def process(module: str, settings: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service in a process of its own; whatever happens, it is gone afterwards."""
    inherited = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    environment = {**inherited, "ATLAS_KEY": CREDENTIAL}
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(settings), env=environment)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.wait()


def write_settings(directory: Path, bootstrap: str, port: int) -> None:
    shared = {
        "bootstrap": bootstrap,
        "deployment": "testbed",
        "trust_root": "root-1.sealed",
        "fetch_wait_ms": FETCH_MAX_WAIT_MS,
    }
    agents = [{"agent": "support", "key_sha256": hashlib.sha256(KEY.encode()).hexdigest()}]
    gateway = {"owner": "gateway-1", "key": "gateway-1.pem", "serve": f"127.0.0.1:{port}", "state": "marks.sqlite"}
    (directory / "gateway.toml").write_text(toml({**shared, **gateway, "agents": agents}), encoding="utf-8")
    decision = {"owner": "decision-1", "key": "decision-1.pem"}
    (directory / "decision.toml").write_text(toml({**shared, **decision}), encoding="utf-8")


async def tell(bus: Bus, deployment: Deployment, name: str, level: Level) -> None:
    """Say what the health-monitor says of a model, for every objective."""
    publisher, now = await bus.publisher(), SystemClock().now().wall
    for rule in TRIGGERS:
        verdict = Verdict(name, "*", rule.objective, level, "", 9, ("probe-1",), now, now, Micros(now + 300 * SECOND))
        await publisher.publish(VERDICTS.name, verdict.key, deployment.seal(verdict, "health-1"))


async def answer(
    client: aiohttp.ClientSession,
    gateway: asyncio.subprocess.Process,
    url: str,
    wanted: Callable[[aiohttp.ClientResponse], bool],
) -> aiohttp.ClientResponse:
    """Ask until the gateway answers as wanted."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            assert gateway.returncode is None, "the gateway has ended"
            with suppress(aiohttp.ClientConnectionError):
                async with client.post(url, json=HELLO, headers={"Authorization": f"Bearer {KEY}"}) as reply:
                    if wanted(reply):
                        return reply
            await asyncio.sleep(0.1)


async def said(bus: Bus, deployment: Deployment, topic: str, kind: type[Statement]) -> list[Statement]:
    reader = await bus.reader([topic])
    opened = [open_sealed(record.value, deployment.root, kind) for record in await reader.read_to_end()]
    return [record.value for record in opened if isinstance(record, Verified)]


async def test_a_gateway_serves_what_decision_ordered_and_stops_when_told(tmp_path: Path, unused_tcp_port: int) -> None:
    deployment = Deployment(now=SystemClock().now().wall)
    deployment.install(tmp_path)
    url = f"http://127.0.0.1:{unused_tcp_port}/v1/chat/completions"
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker())
        bus = KafkaBus(broker.bootstrap, fetch_max_wait_ms=FETCH_MAX_WAIT_MS)
        stack.push_async_callback(bus.close)
        server = await stack.enter_async_context(ModelServer("atlas", served_as="atlas-2026", credential=CREDENTIAL))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        policy = deployment.policy("support", [model("atlas", endpoint=server.endpoint)])
        await (await bus.publisher()).publish(POLICIES.name, "policy/support", policy)
        write_settings(tmp_path, broker.bootstrap, unused_tcp_port)

        gateway = await stack.enter_async_context(process("interlock.router.gateway", tmp_path / "gateway.toml"))
        silent = await answer(client, gateway, url, lambda reply: reply.status == 403)
        await stack.enter_async_context(process("interlock.decision", tmp_path / "decision.toml"))
        ordered = await answer(client, gateway, url, lambda reply: reply.headers["x-interlock-change"] != "")
        await tell(bus, deployment, "atlas", Level.HEALTHY)
        served = await answer(client, gateway, url, lambda reply: reply.status == 200)
        gateway.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await gateway.wait() == 0

        batches = await said(bus, deployment, TELEMETRY.name, TelemetryBatch)
        acknowledged = await said(bus, deployment, ACKS.name, Acknowledgement)

    assert (silent.headers["x-interlock-state"], silent.headers["x-interlock-change"]) == ("suspend", "")
    assert ordered.status == 403, "nobody said yet that the model is well"
    assert (served.headers["x-interlock-model"], served.headers["x-interlock-state"]) == ("atlas", "normal")
    assert len(server.seen) == 1, "the model was called once decision had ordered it, and not before"
    cells = [cell for batch in batches if isinstance(batch, TelemetryBatch) for cell in batch.cells]
    assert [(cell.agent, cell.outcomes) for cell in cells] == [("support", {Outcome.OK: 1})]
    kinds = [word.kind for word in acknowledged if isinstance(word, Acknowledgement)]
    assert kinds[0] is AckKind.HELLO
    assert AckKind.ACK in kinds


async def test_a_gateway_that_was_never_ordered_anything_queues_requests_where_policy_says_so(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    deployment = Deployment(now=SystemClock().now().wall)
    deployment.install(tmp_path)
    url = f"http://127.0.0.1:{unused_tcp_port}/v1/chat/completions"
    rule = deployment.rule(["atlas"], safe_state=SafeState.HUMAN_QUEUE)
    policy = deployment.seal(deployment.policy_of("support", rule), "grace", "oscar")
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker())
        bus = KafkaBus(broker.bootstrap, fetch_max_wait_ms=FETCH_MAX_WAIT_MS)
        stack.push_async_callback(bus.close)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        await (await bus.publisher()).publish(POLICIES.name, "policy/support", policy)
        write_settings(tmp_path, broker.bootstrap, unused_tcp_port)

        gateway = await stack.enter_async_context(process("interlock.router.gateway", tmp_path / "gateway.toml"))
        queued = await answer(client, gateway, url, lambda reply: reply.status == 202)
        tickets = await said(bus, deployment, TICKETS.name, Ticket)

    assert queued.headers["x-interlock-state"] == "human_queue"
    kept = {ticket.id: json.loads(ticket.request) for ticket in tickets if isinstance(ticket, Ticket)}
    assert kept == {queued.headers["x-interlock-ticket"]: HELLO}


async def test_earlier_answers_are_given_again_while_the_model_is_out_and_never_once_it_is_denied(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    deployment = Deployment(now=SystemClock().now().wall)
    deployment.install(tmp_path)
    url = f"http://127.0.0.1:{unused_tcp_port}/v1/chat/completions"
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker())
        bus = KafkaBus(broker.bootstrap, fetch_max_wait_ms=FETCH_MAX_WAIT_MS)
        stack.push_async_callback(bus.close)
        publisher = await bus.publisher()
        server = await stack.enter_async_context(ModelServer("atlas", served_as="atlas-2026", credential=CREDENTIAL))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        reply = SafeReply(cache_us=Micros(3_600 * SECOND))
        ladder = [model("atlas", endpoint=server.endpoint)]
        rule = deployment.rule(ladder, safe_state=SafeState.CACHED_RESPONSE, safe_reply=reply)
        policy = deployment.seal(deployment.policy_of("support", rule), "grace", "oscar")
        await publisher.publish(POLICIES.name, "policy/support", policy)
        write_settings(tmp_path, broker.bootstrap, unused_tcp_port)
        gateway = await stack.enter_async_context(process("interlock.router.gateway", tmp_path / "gateway.toml"))
        await stack.enter_async_context(process("interlock.decision", tmp_path / "decision.toml"))

        await tell(bus, deployment, "atlas", Level.HEALTHY)
        served = await answer(client, gateway, url, lambda reply: reply.status == 200)
        await tell(bus, deployment, "atlas", Level.UNAVAILABLE)
        again = await answer(client, gateway, url, lambda reply: reply.headers["x-interlock-state"] != "normal")
        called = len(server.seen)
        denial = Denial("denial-1", "atlas", "it leaks", SystemClock().now().wall)
        await publisher.publish(POLICIES.name, "deny/denial-1", deployment.seal(denial, "sam"))
        denied = await answer(client, gateway, url, lambda reply: reply.status != 200)

    assert (served.headers["x-interlock-state"], served.headers["x-interlock-model"]) == ("normal", "atlas")
    assert (again.status, again.headers["x-interlock-state"]) == (200, "cached_response")
    assert again.headers["x-interlock-model"] == "atlas"
    assert (denied.status, denied.headers["x-interlock-state"]) == (403, "cached_response")
    assert len(server.seen) == called, "nobody was called once the route had stopped"


async def test_a_gateway_that_cannot_start_says_what_to_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with process("interlock.router.gateway", tmp_path / "missing.toml") as gateway:
        async with asyncio.timeout(PATIENCE_S):
            assert await gateway.wait() == 2

    assert "missing.toml cannot be read" in capfd.readouterr().err
