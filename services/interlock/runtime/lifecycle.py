"""How a service starts, stops and fails.

`run` turns the first SIGTERM or SIGINT into a `Stop` that every loop of the service can see; a clean stop ends with exit
code 0. `supervise` runs the loops together. Its rules:

1. A loop ends only when asked to. One that fails, or just returns, takes the whole service down: a service whose
   heartbeat goes on while its consumer is dead is worse than one that is gone.
2. Stopping is bounded: after `SHUTDOWN_S_MAX` what still runs is cancelled, and the exit code is not 0.
3. What will not even be cancelled, as some tasks and threads of our libraries, is left behind: the process ends with the exit code that
  it has earned.
4. A second signal ends the process at once, and so does the kernel's alarm if all of that takes too long.

Restarting is left to whoever started the process.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

import structlog

from interlock.runtime.events import set_within
from interlock.vocabulary.errors import InterlockError, InvariantError

SHUTDOWN_S_MAX = 10.0
"""Long enough to finish a record and leave a consumer group; Kubernetes kills after 30 s, `docker stop` after 10 s."""

_CANCEL_S_MAX = 2.0
"""How long a cancelled loop may take to let go."""

_THREADS_S_MAX = 1.0
"""How long each thread that the service started may take to end, after everything else."""

_ALARM_S = 15
"""When the kernel ends a stop that hangs: after both of the above, and time for clients to close."""

_log = structlog.get_logger(__name__)


class Stop:
    """The wish to end, made once and seen by every loop of a service."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def request(self) -> None:
        """Ask everything to stop. Asking again changes nothing."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether anybody asked."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Wait until somebody asks."""
        await self._event.wait()

    async def within(self, seconds: float) -> bool:
        """Wait for that long at most; whether somebody asked. The heart of a loop: `while not await stop.within(1)`."""
        return await set_within(self._event, seconds)


def run(service_main: Callable[[Stop], Awaitable[None]]) -> int:
    """Run a service to its end: the body of every `__main__`, as `sys.exit(run(main))`.

    Args:
        service_main: The service. It returns soon after the `Stop` it is given was requested.

    Returns:
        The exit code: 0 after a clean stop, that of the `InterlockError` that ended the service, 1 for any other.
    """
    before = set(threading.enumerate())
    try:
        code = asyncio.run(_exit_code(service_main))
    finally:
        signal.alarm(0)
    _leave_threads(set(threading.enumerate()) - before, code)
    return code


async def _exit_code(service_main: Callable[[Stop], Awaitable[None]]) -> int:
    try:
        await _run_with_signals(service_main)
        code = 0
    except InterlockError as error:
        report(error)
        code = error.exit_code
    except Exception:  # noqa: BLE001  the last line of defence: everything is logged in one form
        _log.exception("service_failed")
        code = 1
    await _leave(code)
    return code


async def _leave(code: int) -> None:
    """Cancel what still runs. asyncio's own clean-up would wait for ever for a task that will not be cancelled: then the process ends here."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await _cancel(left)
    _end_here_if([task.get_name() for task in left if not task.done()], "tasks_left_behind", code)


def _leave_threads(started: Iterable[threading.Thread], code: int) -> None:
    """The interpreter would wait for ever for a thread that does not end, such as that of a Faust consumer whose broker was away."""
    waited_for = [thread for thread in started if not thread.daemon]
    for thread in waited_for:
        thread.join(_THREADS_S_MAX)
    _end_here_if([thread.name for thread in waited_for if thread.is_alive()], "threads_left_behind", code)


def _end_here_if(stuck: Sequence[str], event: str, code: int) -> None:
    """End the process, if something of it will never end."""
    if stuck:
        _log.warning(event, names=sorted(stuck))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def report(error: InterlockError) -> None:
    """Tell the person at the terminal what went wrong and what to do next."""
    sys.stderr.write(f"error: {error.message}\n" + (f"  -> {error.mend}\n" if error.mend else ""))


async def supervise(stop: Stop, loops: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Run named, long-lived coroutines together until a stop is requested or one of them fails.

    Args:
        stop: Seen by every loop; requested here if a loop fails, so that the others finish what they have in hand.
        loops: The coroutines by name. Each returns soon after the stop was requested, never before.

    Raises:
        InvariantError: A loop ended without being asked to, or not when it was.
        Exception: Whatever the first failed loop raised.
    """
    tasks: set[asyncio.Task[Any]] = {asyncio.create_task(loop, name=name) for name, loop in loops.items()}
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        ended, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        asked = stop.is_set()
        stop.request()
        failures = [failure for task in ended & tasks if (failure := _failure(task, asked=asked))]
        failures += await _settle(tasks - ended)
    finally:
        await _cancel({stopping, *tasks})
    if failures:
        raise failures[0]


async def _settle(tasks: set["asyncio.Task[None]"]) -> list[BaseException]:
    """Give the remaining tasks their time to end; what went wrong with them."""
    if not tasks:
        return []
    ended, late = await asyncio.wait(tasks, timeout=SHUTDOWN_S_MAX)
    failures = [failure for task in ended if (failure := _failure(task, asked=True))]
    for task in late:
        _log.error("loop_late", loop=task.get_name(), seconds=SHUTDOWN_S_MAX)
        failures.append(
            InvariantError(
                f"{task.get_name()!r} did not stop within {SHUTDOWN_S_MAX:g} s and was cancelled.",
                "Look in the log for what it waited for, and report it as a bug.",
            )
        )
    return failures


def _failure(task: "asyncio.Task[None]", *, asked: bool) -> BaseException | None:
    """What is wrong with a task that ended, logged; None if it was right to end."""
    failure = None if task.cancelled() else task.exception()
    if failure is None and not asked:
        failure = InvariantError(
            f"{task.get_name()!r} ended though nobody asked it to stop.",
            "Look in the log for what it did last, and report it as a bug.",
        )
    if failure is not None:
        _log.error("loop_failed", loop=task.get_name(), error=repr(failure))
    return failure


async def _cancel(tasks: set["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_CANCEL_S_MAX)


async def _run_with_signals(service_main: Callable[[Stop], Awaitable[None]]) -> None:
    stop = Stop()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def ask_once() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # the next one is the kernel's, even if this loop is stuck
        signal.alarm(_ALARM_S)
        _log.info("stopping", process=os.getpid())
        stop.request()

    for number in numbers:
        loop.add_signal_handler(number, ask_once)
    try:
        await service_main(stop)
    finally:
        signal.alarm(_ALARM_S)  # whatever is still to be cleaned up
