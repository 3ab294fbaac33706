"""A gateway that really listens, between a client and a model server, with a resolver that says what the test tells it.

    async with bench_with(Timeouts()) as bench:
        bench.resolver.stop("denied")
        async with bench.ask() as reply:
            ...  # bench.server.seen is what the model's server saw of it

The model server's credential is read from the environment, so a test sets `CREDENTIAL_VARIABLE` to `CREDENTIAL` first.
"""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from interlock.records.health import Outcome
from interlock.records.sealing import open_sealed
from interlock.records.telling import Finding, Ticket
from interlock.reporting.accumulator import Call
from interlock.reporting.findings import Findings
from interlock.router.gateway.server import GatewayServer
from interlock.router.gateway.settings import AgentKey, GatewaySettings, Timeouts
from interlock.router.gateway.tickets import Tickets
from interlock.runtime import logs
from interlock.runtime.bus import Bus, Record
from interlock.runtime.clock import SystemClock
from interlock.runtime.fields import Address
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.metrics import Metrics
from interlock.signing.statement import Statement
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment, model
from interlock.testing.fixed_resolver import FixedResolver
from interlock.testing.model_server import ModelServer
from interlock.wire.topics import FINDINGS, TICKETS

AGENT_KEY = "agent-key-of-support"
CREDENTIAL = "provider-credential-of-atlas"
CREDENTIAL_VARIABLE = "ATLAS_KEY"
HELLO = {"model": "gpt-9", "messages": [{"role": "user", "content": "my secret question"}], "user": "support"}
"""What the client asks unless a test says otherwise."""

T = TypeVar("T", bound=Statement)


@dataclass
class Bench:
    """Everything between a client and a model server, and what each of them saw.

    Attributes:
        server: The server of the model `atlas`.
        gateway: What is tested, with the keys of `gateway-1`.
        resolver: Says what it is told; at first it serves `atlas`.
        client: Speaks HTTP with the gateway.
        bus: What the gateway publishes on.
        deployment: Whose keys are used.
        metrics: The gateway's.
        calls: Every call that was told to telemetry.
        noted: Set by the first of them.
        log: What the gateway has logged.
    """

    server: ModelServer
    gateway: GatewayServer
    resolver: FixedResolver
    client: aiohttp.ClientSession
    bus: Bus
    deployment: Deployment
    metrics: Metrics
    calls: list[Call]
    noted: asyncio.Event
    log: io.StringIO

    @property
    def outcomes(self) -> list[Outcome]:
        """How every call ended."""
        return [call.outcome for call in self.calls]

    def url(self, path: str = "/v1/chat/completions") -> str:
        """An address of the gateway."""
        return f"http://127.0.0.1:{self.gateway.port}{path}"

    @asynccontextmanager
    async def ask(
        self, more: dict[str, Any] | None = None, key: str = AGENT_KEY, **headers: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask with some more fields, and headers whose names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {**HELLO, **(more or {})}
        async with self.client.post(
            self.url(), json=body, headers={"Authorization": f"Bearer {key}", **named}
        ) as reply:
            yield reply

    async def error(self, more: dict[str, Any] | None = None, **asked: str) -> tuple[int, str]:
        """Ask, and give the status and the code of the error that comes back."""
        async with self.ask(more, **asked) as reply:
            return reply.status, (await reply.json())["error"]["code"]

    async def call_ended(self) -> Call:
        """The last call, once there is one."""
        await asyncio.wait_for(self.noted.wait(), 10)
        return self.calls[-1]

    async def findings(self) -> list[Finding]:
        """The findings on the topic, once there are any."""
        reader = await self.bus.reader([FINDINGS.name])
        return self._opened(await reader.batch(wait_s=10), Finding)

    async def tickets(self) -> list[Ticket]:
        """The tickets that are on the topic now."""
        reader = await self.bus.reader([TICKETS.name])
        return self._opened(await reader.read_to_end(), Ticket)

    def _opened(self, records: list[Record], kind: type[T]) -> list[T]:
        opened = [open_sealed(record.value, self.deployment.root, kind) for record in records]
        return [found.value for found in opened if isinstance(found, Verified)]


def _settings(timeouts: Timeouts, body_bytes_max: int) -> GatewaySettings:
    key_sha256 = hashlib.sha256(AGENT_KEY.encode()).hexdigest()
    return GatewaySettings(
        bootstrap="127.0.0.1:9",
        deployment="testbed",
        trust_root=Path("root-1.sealed"),
        owner="gateway-1",
        key=Path("gateway-1.pem"),
        state=Path("marks.sqlite"),
        serve=Address("127.0.0.1", 0),
        agents=(AgentKey(agent="support", key_sha256=key_sha256),),
        timeouts=timeouts,
        body_bytes_max=body_bytes_max,
    )


@asynccontextmanager
async def bench_with(
    timeouts: Timeouts, bus: Bus | None = None, *, body_bytes_max: int = 65_536
) -> AsyncIterator[Bench]:
    """A gateway between a client and the server of the model `atlas`, which it serves.

    Args:
        timeouts: How patient the gateway is.
        bus: What it publishes on; None: one in memory.
        body_bytes_max: The largest request that it takes.
    """
    log, clock, metrics, deployment = io.StringIO(), SystemClock(), Metrics("gateway"), Deployment()
    logs.configure("gateway", level="debug", stream=log)
    resolver, calls, noted = FixedResolver(), list[Call](), asyncio.Event()

    def note(call: Call) -> None:
        calls.append(call)
        noted.set()

    bus = bus or MemoryBus(MemoryBroker())
    publisher, key = await bus.publisher(), deployment.key("gateway-1")
    gateway = GatewayServer(
        settings=_settings(timeouts, body_bytes_max),
        resolver=resolver,
        tickets=Tickets(publisher, "gateway-1", key, clock),
        note=note,
        findings=Findings(publisher, "gateway-1", key, clock, metrics),
        clock=clock,
        metrics=metrics,
    )
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ModelServer("atlas", served_as="atlas-2026", credential=CREDENTIAL))
        await stack.enter_async_context(gateway)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        resolver.serve(model("atlas", endpoint=server.endpoint))
        yield Bench(server, gateway, resolver, client, bus, deployment, metrics, calls, noted, log)
