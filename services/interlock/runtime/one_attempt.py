"""One attempt for all who wait for the same.

Many callers may need one thing that takes long to get, such as a connection, each with little patience of its own. If each tried for itself in its
turn, each would only have what is left of its patience when its turn comes; where that is too short, nobody would ever get there. So the
attempt is nobody's: it goes on when who began it has given up, and its result is everybody's.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from interlock.vocabulary.errors import InfrastructureError

T = TypeVar("T")


class OneAttempt(Generic[T]):
    """Makes attempts, one at a time."""

    def __init__(self) -> None:
        self._task: asyncio.Task[T] | None = None

    async def join(self, attempt: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the attempt that is under way, or else of this one. It must bound itself; who waits may go away.

        Raises:
            InfrastructureError: The attempt was cancelled.
            Exception: Whatever the attempt raises, in everybody who waits for it.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(attempt())
            self._task.add_done_callback(_looked_at)
        task = self._task
        await asyncio.wait({task})
        if task.cancelled():  # that is the end of the attempt, and not of who waits for it
            raise InfrastructureError(
                "What was waited for was given up.", "It is being stopped; try again when it runs."
            )
        return task.result()

    async def cancel(self) -> None:
        """End the attempt that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


def _looked_at(task: "asyncio.Task[Any]") -> None:
    """Nobody may be left to hear of an attempt that failed, and asyncio would complain of that."""
    if not task.cancelled():
        task.exception()
