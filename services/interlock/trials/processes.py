"""Starts the processes of a trial, waits for them, kills and restarts them by name, and stops them all.

Each is a Python module that runs as `python -m MODULE ARGUMENTS`, writes to a log file of its own, and dies with this process even
if this one is killed (on Linux; elsewhere only if it ends in order). Credentials come in by the environment; settings that the
environment would override are kept out of it, because a trial's processes must run as the trial says.

    async with Processes(folder) as processes:
        await processes.start("decision", "interlock.decision", str(settings), health=8101)
        await processes.ready("decision")
        await processes.kill("decision")
        await processes.restart("decision")
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from interlock.runtime.lifecycle import SHUTDOWN_S_MAX
from interlock.vocabulary.errors import InfrastructureError

START_S_MAX = 45.0
"""Until a process must be ready: on two busy cores an interpreter alone takes seconds."""

STOP_S_MAX = SHUTDOWN_S_MAX + 3.0
"""After SIGTERM, until SIGKILL: a service's own bound and a little more."""

RESTART_AFTER_S = 1.0
"""How soon one that ended by itself is started again."""

LAST_WORDS_LINES = 12
"""How much of its log is shown when a process failed."""

_LOOK_S = 0.1
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class _Started:
    """What was started: how, and the process as it is now."""

    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    url: str
    process: asyncio.subprocess.Process
    killed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended though nobody killed it."""

    name: str
    exit_code: int


@dataclass(slots=True)
class Processes:
    """The processes of one trial.

    Attributes:
        folder: Where their logs go, one file for each name.
        supervised: Whether one that ends by itself is started again, as whoever runs services in production does; else that ends
            the trial.
        ended: What has ended by itself so far, and was started again.
    """

    folder: Path
    supervised: bool = False
    ended: list[Ended] = field(default_factory=list)
    _started: dict[str, _Started] = field(default_factory=dict)
    _supervisor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.supervised:
            self._supervisor = asyncio.create_task(self._supervise(), name="supervisor")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, whatever happened."""
        await self.stop()

    async def start(
        self, name: str, module: str, *arguments: str, url: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a process.

        Args:
            name: Its name here, and of its log.
            module: What `python -m` runs.
            arguments: Its arguments.
            url: What answers once it is ready; an answer of 500 or more says not yet, as `/readyz` does.
            environment: What it needs beyond this process's own environment.
        """
        extra = dict(environment or {})
        process = await self._spawn(name, module, arguments, extra)
        self._started[name] = _Started(module, arguments, extra, url, process)

    async def ready(self, *names: str) -> None:
        """Wait until these processes say that they are ready.

        Raises:
            InfrastructureError: One ended, or was not ready within `START_S_MAX`; with its last words.
        """
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2.0)) as session:
            await asyncio.gather(*(self._ready(session, name) for name in names))

    def pid(self, name: str) -> int:
        """The id of a process."""
        return self._started[name].process.pid

    async def kill(self, name: str) -> None:
        """End a process at once, as a power cut would (SIGKILL)."""
        started = self._started[name]
        started.killed = True
        started.process.kill()
        await started.process.wait()

    def pause(self, name: str) -> None:
        """Stop a process's clock (SIGSTOP): it holds its connections and says nothing."""
        self._started[name].process.send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a paused process go on."""
        self._started[name].process.send_signal(signal.SIGCONT)

    async def restart(self, name: str) -> None:
        """Start a process again that was killed, as it was started first."""
        started = self._started[name]
        started.process = await self._spawn(name, started.module, started.arguments, started.environment)
        started.killed = False

    def check(self) -> None:
        """See that all of them run, or are started again.

        Raises:
            InfrastructureError: One has ended though nobody killed it, and nobody supervises it; with its last words.
        """
        if self._supervisor is not None:
            return
        for name, started in self._started.items():
            if started.process.returncode is not None and not started.killed:
                raise self._failure(name, f"ended with exit code {started.process.returncode}")

    async def stop(self) -> None:
        """End all of them: SIGTERM, and SIGKILL for who is still there after `STOP_S_MAX`."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        running = [started.process for started in self._started.values() if started.process.returncode is None]
        for process in running:
            process.terminate()
        if running:
            waiting = [asyncio.ensure_future(process.wait()) for process in running]
            await asyncio.wait(waiting, timeout=STOP_S_MAX)
        for process in running:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _supervise(self) -> None:
        """Start again what ended by itself, a moment later."""
        while True:
            await asyncio.sleep(RESTART_AFTER_S)
            for name, started in list(self._started.items()):
                if (code := started.process.returncode) is not None and not started.killed:
                    self.ended.append(Ended(name, code))
                    await self.restart(name)

    async def _spawn(
        self, name: str, module: str, arguments: tuple[str, ...], environment: Mapping[str, str]
    ) -> asyncio.subprocess.Process:
        with self.log(name).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**inherited(), **environment},
                start_new_session=True,  # ^C at the terminal is for us; we then stop them in order
                preexec_fn=die_with_parent,
            )

    async def _ready(self, session: aiohttp.ClientSession, name: str) -> None:
        try:
            async with asyncio.timeout(START_S_MAX):
                while not await self._answers(session, name):  # noqa: ASYNC110 - another process cannot set our event
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise self._failure(name, f"was not ready within {START_S_MAX:g} s") from None

    async def _answers(self, session: aiohttp.ClientSession, name: str) -> bool:
        self.check()
        try:
            async with session.get(self._started[name].url) as response:
                return response.status < 500
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def log(self, name: str) -> Path:
        """Where a process writes what it says."""
        return self.folder / f"{name}.log"

    def _failure(self, name: str, what: str) -> InfrastructureError:
        log = self.log(name)
        last = log.read_text("utf-8", "replace").splitlines()[-LAST_WORDS_LINES:]
        told = "\n".join(f"    {line}" for line in last) or "    (it said nothing)"
        return InfrastructureError(f"The process {name!r} {what}. Its last words:\n{told}\n", f"Read on in {log}.")


def inherited() -> dict[str, str]:
    """This process's environment without what would override a service's settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("INTERLOCK_") and name != "KAFKA_BOOTSTRAP_SERVERS"
    }


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_SIGKILL = int(signal.SIGKILL)


def die_with_parent() -> None:
    """Between fork and exec: ask the kernel to kill this process when its parent ends, however that comes about."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL)
