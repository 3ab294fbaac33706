"""`interlock policy simulate`: what each agent would do in an incident, before a policy counts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from interlock.cli.answer import HERE, NO, InWorkspace, Json, problem_documents, say, show_problems
from interlock.cli.policy.simulate_text import findings, show
from interlock.cli.policy.simulated import CallsFile, Imagined, Incident, VerdictsFile, play
from interlock.cli.policy.tried import Tried, open_workspace
from interlock.policy.authoring.check import forbids
from interlock.runtime.clock import SystemClock
from interlock.runtime.workspace import write_whole
from interlock.trials.replay.trace import Format
from interlock.trials.simulate.answer import document
from interlock.trials.simulate.outage import Kind, Subject
from interlock.trials.simulate.picture import picture
from interlock.trials.simulate.run import Progress
from interlock.trials.simulate.story import Story
from interlock.trials.timeline import svg
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros, parse_duration


class FailOn(StrEnum):
    """What makes the answer a no."""

    SAFE_STATE = "safe_state"
    NOT_BACK = "not_back"


def simulate(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE.yaml...", help="Policies; by default all of the workspace.")
    ] = None,
    outage: Annotated[
        list[str] | None,
        typer.Option(metavar="model|provider|region|guard:NAME", help="What is out; may be given again."),
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="How the outage shows; by default `unavailable`.")] = None,
    begins: Annotated[str, typer.Option("--from", help="How long all is well before the incident.")] = "1m",
    lasts: Annotated[str | None, typer.Option("--for", help="How long the outage lasts; by default 30m.")] = None,
    share: Annotated[str | None, typer.Option(help="errors: the share of calls that fails; by default 50%.")] = None,
    answers_in: Annotated[
        str | None, typer.Option(help="latency: how long a call takes; by default nearly as long as the probe waits.")
    ] = None,
    verdicts: Annotated[
        Path | None, typer.Option(help="Recorded verdicts, as `interlock audit verdicts` writes them.")
    ] = None,
    calls: Annotated[Path | None, typer.Option(help="Recorded calls, as `interlock replay` reads them.")] = None,
    written: Annotated[Format | None, typer.Option("--format", help="How the calls are written.")] = None,
    called: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="NAME=MODEL", help="The model that a name in the recorded calls stands for."),
    ] = None,
    approve_after: Annotated[
        str | None, typer.Option(help="After how long people approve what waits; by default they do not.")
    ] = None,
    evaluator: Annotated[
        bool, typer.Option("--evaluator", help="Assume somebody who finds well what the health-monitor does not judge.")
    ] = False,
    drawn: Annotated[Path | None, typer.Option("--picture", metavar="FILE.svg", help="Draw it, too.")] = None,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option(help="Exit 1 if an agent comes into a safe state, or is not back on its primary in the end."),
    ] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Say what each agent would do in an incident and when, by the drafts as they stand, signed or not."""
    _only_with("--outage", outage, {"--kind": kind, "--for": lasts})
    _only_with("--kind errors", kind is Kind.ERRORS, {"--share": share})
    _only_with("--kind latency", kind is Kind.LATENCY, {"--answers-in": answers_in})
    _only_with("--calls", calls, {"--format": written, "--as": called})
    pause = _duration("--from", begins)
    subjects = [_subject(text) for text in outage or ()]
    incident = _one_of(
        Imagined(
            subjects,
            pause,
            _some("--for", lasts or "30m"),
            kind or Kind.UNAVAILABLE,
            _share(share or "50%"),
            _maybe("--answers-in", answers_in),
        )
        if subjects
        else None,
        CallsFile(calls, written, dict(_name(text) for text in called or ()), pause) if calls else None,
        VerdictsFile(verdicts, pause) if verdicts else None,
    )
    tried = open_workspace(workspace, files or [], SystemClock().now().wall)
    if forbids(tried.problems):
        _refuse(tried, as_json=as_json)
    setting = replace(
        tried.setting, evaluator=evaluator, approve_after_us=_maybe("--approve-after", approve_after, zero=True)
    )
    with _bar() as progress:
        played = play(replace(tried, setting=setting), incident, progress)
    stories = played.stories
    timeline = picture(stories, played.occurrences, played.title)
    if drawn is not None:
        write_whole(drawn, svg(timeline).encode())
    failed = [reason for reason in fail_on or () if _fails(reason, stories)]
    if as_json:
        answer: dict[str, Any] = {
            "ok": not failed,
            "failed_on": [str(reason) for reason in failed],
            **document(stories, played.occurrences),
            "findings": [*played.notes, *findings(stories)],
            "premises": list(played.premises),
            "picture": str(drawn) if drawn else None,
        }
        say(answer, "", as_json=True)
    else:
        show(Console(highlight=False), timeline, played)
        if drawn is not None:
            typer.echo(f"{drawn} shows it.")
    if failed:
        raise typer.Exit(NO)


def _refuse(tried: Tried, *, as_json: bool) -> None:
    if as_json:
        say({"ok": False, "problems": problem_documents(tried.problems)}, "", as_json=True)
    else:
        show_problems(tried.problems)
        typer.echo("Mend the errors first: what cannot be signed is not tried.")
    raise typer.Exit(NO)


def _fails(reason: FailOn, stories: Sequence[Story]) -> bool:
    if reason is FailOn.SAFE_STATE:
        return any(story.safe_us for story in stories)
    return any(not story.at_home for story in stories)


def _only_with(needed: str, given: object, options: Mapping[str, object]) -> None:
    """An option that would say nothing is refused: whoever gave it expects another answer."""
    for option, value in options.items():
        if value is not None and not given:
            raise ConfigurationError(
                f"{option} says nothing without {needed}.", f"Add {needed}, or leave {option} out."
            )


def _one_of(*incidents: Incident | None) -> Incident:
    named = [incident for incident in incidents if incident is not None]
    if len(named) != 1:
        what = "No incident is named." if not named else "More than one source of the incident is named."
        raise ConfigurationError(what, "Give one of --outage (which may be given again), --verdicts or --calls.")
    return named[0]


def _subject(text: str) -> Subject:
    try:
        return Subject.parse(text)
    except ValueError as error:
        raise ConfigurationError(f"--outage: {error}.", "Write it as `--outage model:atlas-large`.") from None


def _name(text: str) -> tuple[str, str]:
    name, found, model = text.partition("=")
    if not found or not name.strip() or not model.strip():
        raise ConfigurationError(f"--as: {text!r} is no pair of names.", "Write it as NAME=MODEL.")
    return name.strip().lower(), model.strip()


def _share(text: str) -> float:
    number = text.removesuffix("%")
    try:
        share = float(number) / 100 if text.endswith("%") else float("nan")
    except ValueError:
        share = float("nan")
    if not 0 < share <= 1:
        raise ConfigurationError(f"--share: {text!r} is no share.", "Write per cent, from above 0% to 100%, as 50%.")
    return share


def _duration(option: str, text: str) -> Micros:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigurationError(f"{option}: {error}.", "Write it as 90s, 30m or 8h.") from None


def _some(option: str, text: str) -> Micros:
    duration = _duration(option, text)
    if not duration:
        raise ConfigurationError(f"{option}: it must last.", "Write it as 90s, 30m or 8h.")
    return duration


def _maybe(option: str, text: str | None, *, zero: bool = False) -> Micros | None:
    if text is None:
        return None
    return _duration(option, text) if zero else _some(option, text)


@contextmanager
def _bar() -> Iterator[Progress]:
    """How far the incident is, at a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("simulating"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating", total=1.0)
        yield lambda share: bar.update(task, completed=share)
