"""`interlock bench`: figures, each beside what it is compared with, in one run."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from interlock.cli.answer import Json, say
from interlock.runtime import logs
from interlock.trials.bench.run import Plan, run

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
    say(figures, _text(figures), as_json=as_json)


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


def _text(figures: dict[str, Any]) -> str:
    """The figures for a person."""
    one = "one decision, ladder of four {decide_us:>9.0f} µs; its signature {sign_us:.0f} µs: {ratio:.2f} of it"
    fleet = """
{agents} agents on a bus in memory, four shards, one process:
  their model dies           {moved_s:>9.2f} s to the last signed change: {changes_per_s} changes/s
                                       {share_of_signing_rate:.2f} of the bare signing rate, {signatures_per_s}/s
  start again from the state {start_from_state_s:>9.2f} s, {start_from_state_log_records} records of the log read
  start again from the log   {start_from_log_s:>9.2f} s, {start_from_log_log_records} records of the log read
  memory                     {memory_bytes_per_agent:>9} bytes for each agent"""
    return (one + (fleet if "agents" in figures else "")).format(**figures)
