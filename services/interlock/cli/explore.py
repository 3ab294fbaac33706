"""`interlock explore`: the protocol explored exhaustively, and the mutation gate."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from interlock.cli.answer import NO, Json, say
from interlock.trials.explore import gate
from interlock.trials.explore.guards import guards
from interlock.trials.explore.report import Report
from interlock.trials.explore.trial import explore as explore_world
from interlock.trials.explore.trial import shares

STATES = 1_000_000
"""How many states are looked for unless told otherwise."""


def explore(
    states: Annotated[int, typer.Option(min=1_000, help="How many distinct states to look at in all.")] = STATES,
    with_guards: Annotated[
        bool, typer.Option("--guards/--no-guards", help="Also remove each guard of the code and see that it is missed.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Explore the real cores as a protocol: every order of events within bounds, and what must always hold."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        worlds = []
        for name, share in shares(states):
            task = progress.add_task(f"world {name}", total=share)
            worlds.append((name, explore_world(name, share, _telling(progress, task))))
            progress.update(task, completed=share)
        results: list[gate.Result] = []
        if with_guards:
            found = guards()
            task = progress.add_task("guards", total=len(found))
            results = gate.run(found, lambda _: progress.advance(task))
    report = Report(worlds, results)
    say(report.document(), report.text(), as_json=as_json)
    if not report.holds:
        raise typer.Exit(NO)


def _telling(progress: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda done: progress.update(task, completed=done)
