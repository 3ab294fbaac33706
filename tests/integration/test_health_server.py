"""Health, readiness and metrics over HTTP, on loopback."""

import aiohttp
import pytest

from interlock.runtime.fields import Address
from interlock.runtime.health_server import HealthServer, Readiness
from interlock.runtime.metrics import Metrics
from interlock.vocabulary.errors import ConfigurationError

ANY_PORT = Address("127.0.0.1", 0)


async def test_each_page_answers_what_it_promises() -> None:
    readiness, metrics = Readiness("bus"), Metrics("example")
    metrics.counter("seen", "1", "Seen.").add(1)
    async with (
        HealthServer(ANY_PORT, readiness, metrics) as server,
        aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as client,
    ):
        async with client.get("/healthz") as answer:
            assert answer.status == 200
        async with client.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["conditions"]["bus"]["why"] == "not looked at yet"
        readiness.set("bus", True)
        async with client.get("/readyz") as answer:
            assert (answer.status, (await answer.json())["ready"]) == (200, True)
        async with client.get("/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert "interlock_seen_total 1.0" in await answer.text()


async def test_a_port_that_is_taken_is_told_with_the_mend() -> None:
    async with HealthServer(ANY_PORT, Readiness(), Metrics("first")) as first:
        with pytest.raises(ConfigurationError, match="set `listen` to another port"):
            async with HealthServer(Address("127.0.0.1", first.port), Readiness(), Metrics("second")):
                pass
