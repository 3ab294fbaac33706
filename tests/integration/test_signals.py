"""A real process, real signals."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from interlock.vocabulary.errors import InfrastructureError

PATIENCE_S = 30

SERVICE = """
import asyncio, sys, threading
from interlock.runtime import logs
from interlock.runtime.lifecycle import run, supervise
from interlock.vocabulary.errors import InfrastructureError

logs.configure("example")

async def main(stop):
    async def polite():
        print("up", flush=True)
        await stop.wait()
        print("finished what it had in hand", flush=True)

    async def deaf():
        print("up", flush=True)
        await stop.wait()
        print("stopping", flush=True)
        await asyncio.Event().wait()

    async def dying():
        raise RuntimeError("bug")

    async def threaded():
        threading.Thread(target=threading.Event().wait, name="endless").start()
        raise InfrastructureError("The broker is away.", "")

    loops = {each.__name__: each for each in (polite, deaf, dying, threaded)}
    await supervise(stop, {name: loops[name]() for name in sys.argv[1:]})

sys.exit(run(main))
"""


@asynccontextmanager
async def service(*loops: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVICE, *loops, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_service_finish_and_it_exits_with_0(number: signal.Signals) -> None:
    async with service("polite") as process:
        assert await said(process) == "up"
        process.send_signal(number)
        assert await said(process) == "finished what it had in hand"
        assert await process.wait() == 0


async def test_a_second_signal_ends_it_at_once() -> None:
    async with service("deaf") as process:
        assert await said(process) == "up"
        process.send_signal(signal.SIGTERM)
        assert await said(process) == "stopping"
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == -signal.SIGTERM


async def test_a_dead_loop_takes_the_whole_service_down() -> None:
    async with service("polite", "dying") as process:
        _, errors = await process.communicate()
        assert process.returncode == 1
        assert b"RuntimeError" in errors


async def test_a_thread_that_does_not_end_keeps_no_process_and_takes_no_exit_code() -> None:
    async with service("polite", "threaded") as process:
        _, errors = await process.communicate()
        assert process.returncode == InfrastructureError.exit_code
        assert b"threads_left_behind" in errors
        assert b"endless" in errors
