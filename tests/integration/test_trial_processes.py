"""The processes of a trial: started, found wanting, killed, started again, stopped; none outlives whoever started it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from interlock.brokers.free_ports import free_ports
from interlock.trials.processes import Processes
from interlock.vocabulary.errors import InfrastructureError

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and only Linux ends orphans")
SERVER = "interlock.testing.model_server"


async def start(processes: Processes, folder: Path, name: str = "server") -> str:
    """Start a model server; where it is."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/control"
    words = {"--name": "atlas", "--served-as": "atlas", "--credential": "c", "--port": str(port)}
    arguments = [*(word for option in words.items() for word in option), "--log", str(folder / "seen.jsonl")]
    await processes.start(name, SERVER, *arguments, url=url)
    return url


async def answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def test_a_process_is_ready_when_it_answers_and_gone_when_it_is_stopped(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        url = await start(processes, tmp_path)
        await processes.ready("server")
        assert await answers(url)
    assert not await answers(url)


async def test_a_killed_process_is_no_fault_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        url = await start(processes, tmp_path)
        await processes.ready("server")
        await processes.kill("server")
        assert not await answers(url)
        processes.check()
        await processes.restart("server")
        await processes.ready("server")
        assert await answers(url)


async def test_a_process_that_ended_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        await processes.start("wrong", SERVER, "--no-such-option", url="http://127.0.0.1:9/")
        with pytest.raises(InfrastructureError, match=r"'wrong' ended with exit code 2(.|\n)*usage:"):
            await processes.ready("wrong")


async def test_under_supervision_what_ended_by_itself_is_started_again_and_what_was_killed_is_not(
    tmp_path: Path,
) -> None:
    async with Processes(tmp_path, supervised=True) as processes:
        await start(processes, tmp_path)
        await start(processes, tmp_path, "killed")
        await processes.ready("server", "killed")
        first, killed = processes.pid("server"), processes.pid("killed")
        await processes.kill("killed")
        os.kill(first, signal.SIGTERM)
        async with asyncio.timeout(60):
            while processes.pid("server") == first:  # noqa: ASYNC110 - a process sets no event of ours
                await asyncio.sleep(0.05)
        await processes.ready("server")
        processes.check()
        assert [each.name for each in processes.ended] == ["server"]
        assert processes.pid("killed") == killed


@ON_LINUX
async def test_settings_of_the_trials_own_environment_do_not_reach_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_BOOTSTRAP", "nowhere:1")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "nowhere:2")
    async with Processes(tmp_path) as processes:
        await start(processes, tmp_path)
        await processes.ready("server")
        environment = _environment(processes.pid("server"))
    assert b"PATH=" in environment
    assert b"nowhere" not in environment


@ON_LINUX
async def test_processes_die_with_whoever_started_them_even_if_he_is_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio
from pathlib import Path
from interlock.trials.processes import Processes
async def main():
    async with Processes(Path({str(tmp_path)!r})) as processes:
        await processes.start("child", "http.server", "--bind", "127.0.0.1", "0", url="http://127.0.0.1:9/")
        print(processes.pid("child"), flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    os.kill(child, 0)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    async with asyncio.timeout(10):
        while _runs(child):  # noqa: ASYNC110 - the kernel sets no event of ours
            await asyncio.sleep(0.05)


def _environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
