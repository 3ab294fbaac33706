"""What `interlock demo` and `interlock replay` share: their options, and that they end in order."""

import asyncio
import signal
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")

Bootstrap = Annotated[
    str | None,
    typer.Option(help="A real Kafka broker; by default an embedded one. Use one that holds nothing else."),
]
Keep = Annotated[
    Path | None, typer.Option(help="A new folder for the run's files and logs; by default they are thrown away.")
]


@contextmanager
def folder_of(keep: Path | None) -> Iterator[Path]:
    """The folder for a run's files: the one to keep, or one that is thrown away, keys and all."""
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="interlock-") as scratch:
        yield Path(scratch)


def to_the_end(trial: Coroutine[Any, Any, T]) -> T:
    """Run a trial. SIGTERM ends it as ^C does: what it started is stopped, what it wrote is thrown away.

    Raises:
        typer.Abort: It was ended from outside.
    """

    async def run() -> T:
        task = asyncio.current_task()
        assert task is not None, "asyncio.run makes one"
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await trial

    try:
        return asyncio.run(run())
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise typer.Abort from None
