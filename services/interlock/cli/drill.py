"""`interlock drill`: what a conforming system must show, and what it must survive, in a deployment of its own, with the evidence."""

import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from interlock.cli.answer import NO, Json, say
from interlock.cli.trial import Keep, folder_of, to_the_end
from interlock.runtime.clock import SystemClock
from interlock.trials.demo.view import PlainView
from interlock.trials.drill.catalogue import EXERCISES
from interlock.trials.drill.filed import page
from interlock.trials.drill.filing import filing
from interlock.trials.drill.ground import DEADLINE_S, Drill
from interlock.trials.drill.report import document
from interlock.trials.drill.run import Drilled, play
from interlock.trials.survive.report import document as survival_document
from interlock.trials.survive.report import last_line, table
from interlock.trials.survive.run import Survival
from interlock.trials.survive.run import play as break_all
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import SECOND, parse_duration

app = typer.Typer(
    help="Show, test by test, that a running system conforms, and what it survives.", no_args_is_help=True
)


@app.command("ag-163")
def ag_163(
    *,
    bootstrap: Annotated[
        str | None,
        typer.Option(help="A Kafka broker that runs; by default one is started. Use one that holds nothing else."),
    ] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="The embedded broker instead of Kafka.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="TEST", help="One test, such as 8.1; may be given again.")
    ] = None,
    deadline: Annotated[
        str, typer.Option(help="Within which time governance must be told; the standard's is 300s.")
    ] = f"{DEADLINE_S:g}s",
    keep: Keep = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the report that can be filed: one HTML file that stands alone.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tests 8.1 to 8.7 of AG-163 against a deployment of its own: real processes, real HTTP, a real broker."""
    if bootstrap is not None and embedded:
        raise ConfigurationError("--bootstrap and --embedded exclude each other.", "Name one broker.")
    _writable(report)
    progress = PlainView(Console(stderr=True, highlight=False), SystemClock())
    with folder_of(_new(keep)) as folder:
        drill = Drill(folder, bootstrap, embedded, tuple(only or ()), _seconds(deadline))
        drilled = to_the_end(play(drill, progress.say))
    if report is not None:
        report.write_text(page(filing(drilled, _command(drill, report))), "utf-8")
        progress.say(f"the report is {report}")
    if as_json:
        say(document(drilled), "", as_json=True)
    else:
        _show(Console(highlight=False), drilled)
    if not drilled.passed:
        raise typer.Exit(NO)


@app.command()
def survive(
    *,
    brokers: Annotated[int, typer.Option(help="1 or 3; they are started for the drill.")] = 3,
    only: Annotated[
        list[str] | None, typer.Option(metavar="FAULT", help="One fault, such as leader-audit; may be given again.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides what is left to chance.", min=0)] = 1,
    keep: Keep = None,
    as_json: Json = False,
) -> None:
    """Break brokers, processes and models under steady traffic, one after the other: nothing unapproved, lost or repeated."""
    progress = PlainView(Console(stderr=True, highlight=False), SystemClock())
    with _without_complaints(), folder_of(_new(keep)) as folder:
        survived = to_the_end(break_all(Survival(folder, brokers, tuple(only or ()), seed), progress.say))
    if as_json:
        say(survival_document(survived), "", as_json=True)
    else:
        console = Console(highlight=False)
        console.print(table(survived.cells))
        console.print(Text(f"\n{last_line(survived)}"), soft_wrap=True)
    if not survived.clean:
        raise typer.Exit(NO)


@contextmanager
def _without_complaints() -> Iterator[None]:
    """Say nothing of brokers that are away: that is the point."""
    client = logging.getLogger("aiokafka")
    before = client.level
    client.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client.setLevel(before)


def _seconds(deadline: str) -> float:
    try:
        wanted = parse_duration(deadline) / SECOND
    except ValueError as error:
        raise ConfigurationError(f"--deadline: {error}.", "Write it as 300s, 60s or 20s.") from None
    if not 0 < wanted <= DEADLINE_S:
        raise ConfigurationError(
            f"A deadline of {deadline} is none, or later than the standard's.", "Write 300s or less."
        )
    return wanted


def _writable(report: Path | None) -> None:
    """See that the report can be written; at once, and not after minutes."""
    if report is None:
        return
    try:
        with report.open("a", encoding="utf-8"):
            return
    except OSError as error:
        raise ConfigurationError(f"{report} cannot be written: {error.strerror}.", "Name another file.") from error


def _command(drill: Drill, report: Path) -> str:
    """What is typed to run the same again."""
    broker = ["--bootstrap", drill.bootstrap] if drill.bootstrap else ["--embedded"] if drill.embedded else []
    tests = [word for test in drill.only for word in ("--only", test)]
    words = ["interlock", "drill", "ag-163", *broker, *tests, "--deadline", f"{drill.deadline_s:g}s"]
    return shlex.join([*words, "--report", report.name])


def _new(keep: Path | None) -> Path | None:
    """The folder to keep; said at once if it cannot be used, and not after a broker was started."""
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise ConfigurationError(f"{keep} is not an empty folder.", "Name a new folder: nothing is overwritten.")
    return keep


def _show(console: Console, drilled: Drilled) -> None:
    """Print what came of each test, a line each, for a person."""
    titles = max(len(outcome.exercise.title) for outcome in drilled.outcomes)
    for outcome in drilled.outcomes:
        verdict = ("passed", "green") if outcome.passed else ("FAILED", "bold red")
        title = f"  {outcome.exercise.title:<{titles}}  "
        words = ((f"{outcome.exercise.id}  ", "bold"), verdict, title, (outcome.line, "dim"))
        console.print(Text.assemble(*words), soft_wrap=True)
    passed = sum(outcome.passed for outcome in drilled.outcomes)
    told = f"\n{passed} of {len(drilled.outcomes)} tests passed, on {drilled.drill.broker}"
    console.print(Text(f"{told}; governance had to be told within {drilled.drill.deadline_s:g} s."), soft_wrap=True)
    run = {outcome.exercise.id for outcome in drilled.outcomes}
    left_out = [exercise.id for exercise in EXERCISES if exercise.id not in run]
    if left_out:
        console.print(Text(f"Not run: {', '.join(left_out)}."), soft_wrap=True)
