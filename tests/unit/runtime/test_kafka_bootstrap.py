"""Of several brokers, one that answers is begun with, whatever the others do."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from interlock.runtime.kafka_bootstrap import first_to_answer

PATIENCE_S = 30.0  # a bound for a machine that is busy, never a wait


@pytest.fixture
async def answering() -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readexactly(14)
        assert asked[:8] == b"\x00\x00\x00\x0a\x00\x12\x00\x00"
        writer.write(b"\x00\x00\x00\x06")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def standing_still() -> AsyncIterator[str]:
    """It takes connections and says nothing, as a stopped process does."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def gone() -> str:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_neither_one_that_stands_still_nor_one_that_is_gone_is_begun_with(
    answering: str, standing_still: str, gone: str
) -> None:
    assert await first_to_answer([standing_still, gone, answering], PATIENCE_S) == answering


async def test_if_none_answers_nobody_is_named(standing_still: str, gone: str) -> None:
    assert await first_to_answer([gone], PATIENCE_S) is None
    assert await first_to_answer([standing_still, gone], 0.05) is None
