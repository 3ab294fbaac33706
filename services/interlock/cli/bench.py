"""`interlock bench`: figures, each beside what it is compared with, in one run."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from interlock.cli.answer import Json, complain, say
from interlock.cli.bench_text import decide_text, reaction_text, router_text
from interlock.cli.trial import Keep, folder_of, to_the_end
from interlock.runtime import logs
from interlock.trials.bench.reaction import run as reaction_bench
from interlock.trials.bench.router import run as router_bench
from interlock.trials.bench.run import Plan, run
from interlock.vocabulary.errors import ConfigurationError, InterlockError

app = typer.Typer(help="Measure, each figure beside what it is compared with.", no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """Measure, each figure beside what it is compared with."""


@app.command("decide")
def decide(
    agents: Annotated[int, typer.Option(min=0, help="Agents of the fleet; 0 leaves it out.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=10, help="Rounds of the one decision.")] = 2_000,
    as_json: Json = False,
) -> None:
    """One decision beside its signature; then a fleet whose model dies, and whose owners start again."""
    logs.configure("bench", level="error")
    console = Console(stderr=True, highlight=False)
    with _Bars(console) as bars:
        figures = run(Plan(rounds, agents), bars.told)
    say(figures, decide_text(figures), as_json=as_json)


@app.command("router")
def router(
    routes: Annotated[
        int, typer.Option(min=100, help="Routes that a router begins with, each of an agent of its own.")
    ] = 100_000,
    rounds: Annotated[int, typer.Option(min=10, help="Changes and heartbeats that are judged one by one.")] = 2_000,
    as_json: Json = False,
) -> None:
    """One answer, one change and one heartbeat at a router; then a router that begins with many routes."""
    logs.configure("bench", level="error")
    with _Bars(Console(stderr=True, highlight=False)) as bars:
        figures = router_bench.run(router_bench.Plan(rounds, routes), bars.told)
    say(figures, router_text(figures), as_json=as_json)


@app.command("reaction")
def reaction(
    brokers: Annotated[int, typer.Option(help="How many brokers of its own: 1 or 3.")] = 1,
    bootstrap: Annotated[
        str | None, typer.Option(help="Real brokers that are there already. Use some that hold nothing else.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=3, max=1_000, help="Verdicts that are published.")] = 200,
    keep: Keep = None,
    as_json: Json = False,
) -> None:
    """From a verdict's publication to its enforcement at a router, beside two and three bare hops over the same brokers.

    Decision and gateway are processes of their own, and so is each bare hop. The figures are what they noted of one clock.
    """
    logs.configure("bench", level="error")
    try:
        if brokers not in {1, 3}:
            raise ConfigurationError(f"A cluster of {brokers} brokers is not one of ours.", "Take 1 or 3.")
        with folder_of(keep) as folder, _Bars(Console(stderr=True, highlight=False)) as bars:
            plan = reaction_bench.Plan(rounds, folder, bootstrap, brokers)
            figures = to_the_end(reaction_bench.run(plan, bars.told))
    except InterlockError as error:
        raise typer.Exit(complain(error, as_json=as_json)) from None
    say(figures, reaction_text(figures), as_json=as_json)


class _Bars:
    """The progress on standard error: one bar for each thing that is done; without a terminal, one line."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._console = console
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def told(self, what: str, done: int, of: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=of)
            if not self._console.is_terminal:
                self._console.print(Text(what))
        self._progress.update(self._tasks[what], completed=done, total=of)
