"""One incarnation of a service on the loop of a test: it can be killed, or stopped and woken, as a kernel does it.

Its tasks are those that its main task made, and those that they made. A *killed* process does nothing any more that anybody could see: its
ports refuse, and its tasks are cancelled only so that none is left over. A *stopped* one makes no step, whatever its timers and the network
have for it; once woken it makes all of them, and knows nothing of the time between. The loop must make its tasks by `make_task`.

    asyncio.get_running_loop().set_task_factory(make_task)
    process = Process("decision")
    process.start(service.run(stop))
    process.stop()
    process.wake()
    await process.kill()
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from typing import Any, TypeVar

from interlock.vocabulary.errors import InvariantError

T = TypeVar("T")

_BURIED_S_MAX = 60.0
"""Virtual seconds that the tasks of a dead process may take to let go: their clean-up may wait, though nobody sees it."""

_process: ContextVar["Process | None"] = ContextVar("process", default=None)


class Process:
    """One incarnation.

    Args:
        name: Which service it is one of.

    Attributes:
        dead: Whether it was killed.
        stopped_at: Since when it makes no step, on the loop's clock; None: it runs.
        hears_s: For how long, once woken, it believes what it knew of its group: until its client was answered.
        woken_at: When it was last woken, on the loop's clock; None: it never was.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.stopped_at: float | None = None
        self.hears_s = 0.5
        self.woken_at: float | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running = asyncio.Event()
        self._running.set()

    @property
    def stopped(self) -> bool:
        """Whether it makes no step for now."""
        return self.stopped_at is not None

    def start(self, main: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine as a task of this process."""
        token = _process.set(self)
        try:
            return asyncio.get_running_loop().create_task(main)
        finally:
            _process.reset(token)

    def strike_dead(self) -> None:
        """Kill it; its tasks end soon after."""
        self.dead = True
        self.wake()
        for task in self._tasks:
            task.cancel()

    async def buried(self) -> None:
        """Wait until the tasks of a killed process are gone.

        Raises:
            InvariantError: One of them does not end.
        """
        if self._tasks:
            _, left = await asyncio.wait(set(self._tasks), timeout=_BURIED_S_MAX)
            if left:
                raise InvariantError(
                    f"Tasks of a killed process go on: {left}.", "Look for what swallows the cancellation."
                )

    async def kill(self) -> None:
        """Kill it, and wait until nothing of it is left."""
        self.strike_dead()
        await self.buried()

    def stop(self) -> None:
        """Stop it where it stands, as SIGSTOP does: at the next point where a task of it would be resumed."""
        self.stopped_at = asyncio.get_running_loop().time()
        self._running.clear()

    def wake(self) -> None:
        """Let it go on, as SIGCONT does."""
        if self.stopped:
            self.woken_at = asyncio.get_running_loop().time()
        self.stopped_at = None
        self._running.set()

    def adopt(self, task: "asyncio.Task[Any]") -> None:
        """Called for every task that was made by one of its own."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def hold(self) -> Generator[Any, None, BaseException | None]:
        """Wait while it is stopped; what was thrown in meanwhile, such as a cancellation by a timer."""
        thrown: BaseException | None = None
        while self.stopped:
            try:
                yield from self._running.wait().__await__()
            except BaseException as error:  # noqa: BLE001 - handed on once the process runs
                thrown = error
        return thrown


def make_task(loop: asyncio.AbstractEventLoop, coro: Any, *, context: Context | None = None) -> "asyncio.Task[Any]":
    """The loop's task factory: the tasks of a process belong to it, and stop with it."""
    process = _process.get() if context is None else context.get(_process)
    if process is None:
        return asyncio.Task(coro, loop=loop, context=context)
    task: asyncio.Task[Any] = asyncio.Task(_stoppable(process, coro), loop=loop, context=context)
    task.add_done_callback(lambda _: coro.close())  # one that was killed before its first step was never begun
    process.adopt(task)
    return task


def outside(make: Callable[[], Coroutine[Any, Any, T]]) -> "asyncio.Task[T]":
    """Run a coroutine as a task of no process: what the network or the broker does by itself."""
    return asyncio.get_running_loop().create_task(make(), context=Context())


async def _stoppable(process: Process, coro: Coroutine[Any, Any, T]) -> T:
    result: T = await _Steps(process, coro)
    return result


class _Steps:
    """Drives a coroutine step by step, none of them while its process is stopped."""

    def __init__(self, process: Process, coro: Coroutine[Any, Any, Any]) -> None:
        self._process = process
        self._coro = coro

    def __await__(self) -> Generator[Any, Any, Any]:
        thrown: BaseException | None = None
        while True:
            thrown = (yield from self._process.hold()) or thrown
            try:
                waits_for = self._coro.throw(thrown) if thrown is not None else self._coro.send(None)
            except StopIteration as done:
                return done.value
            thrown = None
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - the coroutine's own business
                thrown = error
