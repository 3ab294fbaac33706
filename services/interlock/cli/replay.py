"""`interlock replay TRACE`: recorded calls through the whole line."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from interlock.cli.answer import Json, say
from interlock.cli.trial import Bootstrap, Keep, folder_of, to_the_end
from interlock.runtime.workspace import read_text
from interlock.trials.replay.run import Replay, play
from interlock.trials.replay.trace import Format, read_trace
from interlock.vocabulary.errors import ConfigurationError


def replay(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="The recorded calls.")],
    speed: Annotated[float, typer.Option(help="How many seconds of the trace pass in one.")] = 10.0,
    bootstrap: Bootstrap = None,
    written: Annotated[
        Format | None, typer.Option("--format", help="How the trace is written; by default as its columns say.")
    ] = None,
    keep: Keep = None,
    as_json: Json = False,
) -> None:
    """Replay recorded calls through health-monitor, decision and notifier, and say which models were left, and why."""
    if not speed > 0:
        raise ConfigurationError(f"The speed {speed:g} is not above zero.", "Write a number such as 10.")
    calls = read_trace(read_text(trace).splitlines(), written, str(trace))
    console = Console(stderr=as_json, highlight=False)
    with folder_of(keep) as folder, _Bar(console, len(calls)) as bar:
        report = to_the_end(play(Replay(calls, speed, folder, bootstrap), bar))
    if as_json:
        say(report, "", as_json=True)
    else:
        _show(console, report)


class _Bar:
    """The progress of a replay: lines for what happens, and at a terminal a bar for the calls."""

    def __init__(self, console: Console, calls: int) -> None:
        columns = (TextColumn("calls"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._console = console
        self._task = self._progress.add_task("calls", total=calls)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def told(self, calls: int) -> None:
        self._progress.update(self._task, completed=calls)


def _show(console: Console, report: dict[str, Any]) -> None:
    """Print the report for a person."""
    console.print(Text(f"\n{'model':<24} {'calls':>6} {'errors':>7}  worst verdict", "bold"))
    for model, figures in report["per_model"].items():
        line = f"{model:<24} {figures['calls']:>6} {figures['errors']:>7}  {figures['verdict']}"
        console.print(Text(line, "" if figures["verdict"] == "healthy" else "yellow"), soft_wrap=True)
    console.print(Text("\nChanges in the audit log, but for the beginning of each agent", "bold"))
    for change in report["changes"]:
        if change["source"] not in {None, "safe_state"}:
            line = f"{change['timestamp'][11:23]}  {change['source']} → {change['target']}: {change['reason']}"
            console.print(Text(line), soft_wrap=True)
