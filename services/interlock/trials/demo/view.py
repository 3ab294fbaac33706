"""What a person sees while the story runs: a live picture at a terminal, plain lines elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from interlock.records.change import RoutingChange
from interlock.records.documents import WatchedTrigger
from interlock.records.health import Level, Verdict
from interlock.runtime.clock import Clock
from interlock.trials.demo.cast import AGENT, LADDER, TEMPTER
from interlock.trials.demo.client import Fate
from interlock.trials.demo.scene import Scene
from interlock.trials.told import accepted_at
from interlock.vocabulary.time import SECOND, Micros

LINES_SHOWN = 9
"""Of the story; the rest has scrolled by."""

_REFRESH_S = 0.25
_RATE_S = 2
_COLOURS = {Level.HEALTHY: "green", Level.DEGRADED: "yellow", Level.UNAVAILABLE: "red", Level.UNKNOWN: "dim"}


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
    """A picture that is drawn anew four times a second: routes, verdicts, requests, notices, and the story's last lines.

    Args:
        console: A terminal.
        clock: Tells the time.
    """

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._began = clock.now().boot
        self._lines: list[Text] = []
        self._scene: Scene | None = None
        self._live: Live | None = None

    def say(self, line: str) -> None:
        """Add a line of the story."""
        passed = (self._clock.now().boot - self._began) / SECOND
        style = "" if line.startswith(" ") else "bold"
        text = Text.assemble((f"{passed:6.1f} s  ", "dim"), (line, style))
        self._lines.append(text)
        if self._live is None:
            self._console.print(text)

    @asynccontextmanager
    async def watching(self, scene: Scene) -> AsyncIterator[None]:
        """Draw the scene until this is left; the last picture stays."""
        self._scene = scene
        with Live(self._draw(scene), console=self._console, auto_refresh=False) as self._live:
            drawing = asyncio.create_task(self._redraw(scene, self._live), name="view")
            try:
                yield
            finally:
                drawing.cancel()
                with suppress(asyncio.CancelledError):
                    await drawing
                self._live.update(self._draw(scene), refresh=True)
        self._live = None

    async def _redraw(self, scene: Scene, live: Live) -> None:
        while True:
            live.update(self._draw(scene), refresh=True)
            await asyncio.sleep(_REFRESH_S)

    def _draw(self, scene: Scene) -> RenderableType:
        now = self._clock.now().wall
        pair = Table.grid(padding=(0, 3))
        pair.add_row(_requests(scene, now), _notices(scene))
        tables = (_routes(scene), _verdicts(scene), pair)
        return Group(*self._lines[-LINES_SHOWN:], *(part for table in tables for part in (Text(), table)))


def _routes(scene: Scene) -> Table:
    table = Table("route", "served by", "why", title="Routes", title_justify="left", box=None)
    last = {change.route: change for change in scene.witness.changes}
    for route, change in sorted(last.items()):
        served = Text(change.target, "green") if change.target else Text("SAFE STATE", "bold red")
        table.add_row(route.key, served, str(change.cause.trigger))
    return table


def _verdicts(scene: Scene) -> Table:
    kinds = [str(kind) for kind in WatchedTrigger if kind is not WatchedTrigger.OTHER]
    table = Table("model", *kinds, title="Verdicts", title_justify="left", box=None)
    for model in (*LADDER, TEMPTER):
        said = {kind: verdict for kind in kinds if (verdict := _verdict(scene, model, kind))}
        cells = [Text(said[kind].level, _COLOURS[said[kind].level]) if kind in said else Text("-") for kind in kinds]
        table.add_row(f"{model} *" if model == TEMPTER else model, *cells)
    table.caption = f"* not approved for {AGENT}"
    table.caption_justify = "left"
    return table


def _verdict(scene: Scene, model: str, kind: str) -> Verdict | None:
    """The last verdict on a model of one kind; objectives are named after their kind (`errors>0.5`)."""
    found = (each for each in scene.witness.last_verdict.values() if each.model == model)
    return next((each for each in found if each.objective.partition(">")[0] == kind), None)


def _requests(scene: Scene, now: Micros) -> Table:
    table = Table("", "in all", "a second", title=f"Requests of {AGENT}", title_justify="left", box=None)
    since = Micros(now - _RATE_S * SECOND)
    for fate, style in ((Fate.OK, "green"), (Fate.FAILED, "red"), (Fate.SAFE_STATE, "yellow")):
        lately = scene.client.count(fate, since=since) / _RATE_S
        table.add_row(Text(fate.value, style), str(scene.client.count(fate)), f"{lately:.1f}")
    asked = sum(1 for reply in scene.client.replies if reply.named)
    table.add_row("by another name", str(asked), "")
    return table


def _notices(scene: Scene) -> Table:
    table = Table("change", "told after", title="Notices to the governance function", title_justify="left", box=None)
    told = accepted_at(scene.stage.notices())
    for change in scene.witness.changes[-7:]:
        table.add_row(_moved(change), _after(change, told.get(change.id, [])))
    return table


def _moved(change: RoutingChange) -> str:
    return f"{change.agent}: {change.source or '·'} → {change.target or 'safe state'}"


def _after(change: RoutingChange, told: list[float]) -> Text:
    return Text(f"{told[0] - change.issued_at / SECOND:.2f} s", "green") if told else Text("…", "dim")
