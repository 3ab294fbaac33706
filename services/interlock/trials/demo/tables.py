"""The picture of a scene as tables: where each route is, what is known of each model, how requests end, who was told."""

from collections.abc import Sequence

from rich.table import Column, Table
from rich.text import Text

from interlock.records.change import RoutingChange
from interlock.records.health import Level, Verdict
from interlock.records.rules import WHOLE, WatchedTrigger
from interlock.trials.demo.cast import LADDER, STORY_AGENTS, SUPPORT_LADDER, TEMPTER
from interlock.trials.demo.scene import Scene
from interlock.trials.steady_client import Fate
from interlock.trials.told import accepted_at
from interlock.vocabulary.time import SECOND, Micros

NOTICES_SHOWN = 5
"""The last of them."""

WATCHED = (WatchedTrigger.UNAVAILABLE, WatchedTrigger.ERRORS, WatchedTrigger.THROTTLED, WatchedTrigger.LATENCY)
"""What the story's policies watch."""

_RATE_S = 2
_LEVELS = {Level.HEALTHY: "green", Level.DEGRADED: "yellow", Level.UNAVAILABLE: "red", Level.UNKNOWN: "dim"}
_FATES = {Fate.OK: "green", Fate.FAILED: "red", Fate.SAFE_STATE: "yellow", Fate.TICKET: "cyan"}


def tables(scene: Scene, now: Micros) -> Sequence[Table]:
    """Everything that is shown of a scene, from top to bottom."""
    pair = Table.grid(padding=(0, 3))
    pair.add_row(_requests(scene, now), _notices(scene))
    return _routes(scene), _verdicts(scene), pair


def _routes(scene: Scene) -> Table:
    table = Table("route", "served by", "why", title="Routes", title_justify="left", box=None)
    last = {change.route: change for change in scene.witness.changes}
    for route, change in sorted(last.items()):
        table.add_row(route.key, _served(change), str(change.cause.trigger))
    return table


def _served(change: RoutingChange) -> Text:
    """By whom a route is served; in a canary by two; in the safe state by nobody, and somebody may wait."""
    if change.target is None:
        waits = (f", {change.proposed} waits for approval", "yellow") if change.proposed else ""
        return Text.assemble(("SAFE STATE", "bold red"), (f" {change.safe_state}", "red"), waits)
    if change.weight < WHOLE:
        return Text(f"{change.source} {WHOLE - change.weight} %, {change.target} {change.weight} %", "yellow")
    return Text(change.target, "green")


def _verdicts(scene: Scene) -> Table:
    table = Table("model", *WATCHED, title="Verdicts", title_justify="left", box=None)
    for model in (*LADDER, *SUPPORT_LADDER, TEMPTER):
        said = (_verdict(scene, model, kind) for kind in WATCHED)
        cells = [Text(verdict.level, _LEVELS[verdict.level]) if verdict else Text("-") for verdict in said]
        table.add_row(f"{model} *" if model == TEMPTER else model, *cells)
    table.caption = f"* not approved for {' or '.join(STORY_AGENTS)}"
    table.caption_justify = "left"
    return table


def _verdict(scene: Scene, model: str, kind: WatchedTrigger) -> Verdict | None:
    """The last verdict on a model of one kind; objectives are named after their kind (`errors>0.5`)."""
    found = (each for each in scene.witness.last_verdict.values() if each.model == model)
    return next((each for each in found if each.objective.partition(">")[0] == kind), None)


def _requests(scene: Scene, now: Micros) -> Table:
    """How requests end, and how many did so lately in a second."""
    table = Table(Column(no_wrap=True), *STORY_AGENTS, "1/s", title="Requests", title_justify="left", box=None)
    since, clients = Micros(now - _RATE_S * SECOND), [scene.clients[agent] for agent in STORY_AGENTS]
    for fate, style in _FATES.items():
        lately = sum(client.count(fate, since=since) for client in clients) / _RATE_S
        table.add_row(Text(fate.value, style), *(str(client.count(fate)) for client in clients), f"{lately:.1f}")
    asked = [sum(1 for reply in client.replies if reply.named) for client in clients]
    table.add_row("asked by name", *map(str, asked), "")
    return table


def _notices(scene: Scene) -> Table:
    table = Table("change", "told after", title="Notices to the governance function", title_justify="left", box=None)
    told = accepted_at(scene.stage.notices())
    for change in scene.witness.changes[-NOTICES_SHOWN:]:
        table.add_row(_moved(change), _after(change, told.get(change.id, [])))
    return table


def _moved(change: RoutingChange) -> str:
    part = f" {change.weight} %" if change.weight < WHOLE else ""
    return f"{change.agent}: {change.source or '·'} → {change.target or 'safe state'}{part}"


def _after(change: RoutingChange, told: list[float]) -> Text:
    return Text(f"{told[0] - change.issued_at / SECOND:.2f} s", "green") if told else Text("…", "dim")
