"""The model server double: what evidence at the outer edge rests on must itself be true."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from interlock.testing.model_server import ModelServer

KEY = "provider-credential"
ASKED = {"model": "atlas-2026", "messages": [], "user": "support"}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer("atlas", served_as="atlas-2026", credential=KEY) as made:
        yield made


async def ask(server: ModelServer, key: str = KEY, **more: Any) -> int:
    """The status of one request; 0 if the connection was closed without an answer."""
    async with aiohttp.ClientSession(headers={"User-Agent": "tester"}) as session:
        headers = {"Authorization": f"Bearer {key}"}
        with suppress(aiohttp.ClientConnectionError):
            async with session.post(
                f"{server.endpoint}/chat/completions", json={**ASKED, **more}, headers=headers
            ) as reply:
                await reply.read()
                return reply.status
    return 0


def lines_of(log: Path) -> list[dict[str, Any]]:
    """What a process has written down."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


async def listening(log: Path) -> str:
    """Where a process listens, once it has written that down."""
    async with asyncio.timeout(30):
        while True:
            if lines := lines_of(log):
                return str(lines[0]["listening"])
            await asyncio.sleep(0.05)


async def test_a_wrong_credential_or_model_is_refused_and_counted(server: ModelServer) -> None:
    assert [await ask(server), await ask(server, key="wrong"), await ask(server, model="gpt-9")] == [200, 401, 404]
    assert server.counts() == {
        "total": 3,
        "by_user": {"support": 3},
        "by_user_agent": {"tester": 3},
        "by_status": {"200": 1, "401": 1, "404": 1},
    }


async def test_no_credential_is_remembered(server: ModelServer) -> None:
    await ask(server)

    assert KEY not in repr(server.seen)


@pytest.mark.parametrize(("mode", "status"), [("error", 500), ("throttle", 429), ("refuse", 0)])
async def test_a_share_of_requests_fails_evenly_spread(server: ModelServer, mode: str, status: int) -> None:
    server.behave(mode=mode, share=0.5)

    assert [await ask(server) for _ in range(4)] == [200, status, 200, status]


async def test_it_is_controlled_over_http(server: ModelServer) -> None:
    control = server.endpoint.replace("/v1", "/control")
    async with aiohttp.ClientSession() as session:
        async with session.post(control, json={"mode": "error"}) as reply:
            assert (await reply.json())["mode"] == "error"
        assert await ask(server) == 500
        async with session.post(control, json={"mode": "explode"}) as reply:
            assert reply.status == 400
        async with session.post(control, json={"mode": "ok"}) as reply:
            assert (await reply.json())["counts"]["total"] == 1
    assert await ask(server) == 200


async def test_as_a_process_it_logs_every_request_and_ends_on_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "atlas.jsonl"
    arguments = ["--name", "atlas", "--served-as", "atlas-2026", "--log", str(log), "--credential", KEY]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interlock.testing.model_server", *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        endpoint = await listening(log)
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{endpoint}/chat/completions", json=ASKED, headers={"Authorization": f"Bearer {KEY}"}
            ) as reply,
        ):
            assert reply.status == 200
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    assert [(line["user"], line["status"]) for line in lines_of(log)[1:]] == [("support", 200)]
    assert KEY not in log.read_text()
