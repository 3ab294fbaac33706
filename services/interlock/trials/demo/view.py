"""What a person sees while the story runs: a live picture at a terminal, plain lines elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from interlock.runtime.clock import Clock
from interlock.trials.demo.scene import Scene
from interlock.trials.demo.tables import tables
from interlock.vocabulary.time import SECOND

_REFRESH_S = 0.25


class View(Protocol):
    """Shows a story."""

    def say(self, line: str) -> None:
        """Show a line of the story."""
        ...

    def watching(self, scene: Scene) -> AbstractAsyncContextManager[None]:
        """Show the scene while this is entered."""
        ...


class PlainView:
    """Lines, each with the seconds since the start.

    Args:
        console: Where they go.
        clock: Tells the time.
    """

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._began = clock.now().boot

    def say(self, line: str) -> None:
        """Print a line of the story."""
        passed = (self._clock.now().boot - self._began) / SECOND
        self._console.print(Text(f"{passed:6.1f} s  {line}"), soft_wrap=True)

    @asynccontextmanager
    async def watching(self, scene: Scene) -> AsyncIterator[None]:
        """Print nothing more than the story's lines."""
        yield


class LiveView:
    """The story's lines, and under them a picture that is drawn anew four times a second: routes, verdicts, requests, notices.

    Args:
        console: A terminal.
        clock: Tells the time.
    """

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._began = clock.now().boot

    def say(self, line: str) -> None:
        """Print a line of the story, above the picture where there is one."""
        passed = (self._clock.now().boot - self._began) / SECOND
        style = "" if line.startswith(" ") else "bold"
        self._console.print(Text.assemble((f"{passed:6.1f} s  ", "dim"), (line, style)))

    @asynccontextmanager
    async def watching(self, scene: Scene) -> AsyncIterator[None]:
        """Draw the scene until this is left; the last picture stays."""
        with Live(self._draw(scene), console=self._console, auto_refresh=False) as live:
            drawing = asyncio.create_task(self._redraw(scene, live), name="view")
            try:
                yield
            finally:
                drawing.cancel()
                with suppress(asyncio.CancelledError):
                    await drawing
                live.update(self._draw(scene), refresh=True)

    async def _redraw(self, scene: Scene, live: Live) -> None:
        while True:
            live.update(self._draw(scene), refresh=True)
            await asyncio.sleep(_REFRESH_S)

    def _draw(self, scene: Scene) -> RenderableType:
        return Group(*(part for table in tables(scene, self._clock.now().wall) for part in (Text(), table)))
