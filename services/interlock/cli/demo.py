"""`interlock demo`: the main job on one machine, in about a minute."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from interlock.cli.answer import NO, Json, say
from interlock.runtime.clock import SystemClock
from interlock.trials.demo.printed import show
from interlock.trials.demo.report import document, faults
from interlock.trials.demo.run import Staging, play
from interlock.trials.demo.view import LiveView, PlainView

Bootstrap = Annotated[
    str | None,
    typer.Option(help="A real Kafka broker; by default an embedded one. Use one that holds nothing else."),
]


def demo(
    bootstrap: Bootstrap = None,
    keep: Annotated[
        Path | None, typer.Option(help="A new folder for the run's files and logs; by default they are thrown away.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch a model die and its agent move on: real processes, real HTTP, real signatures, the real Kafka protocol."""
    console = Console(stderr=as_json, highlight=False)
    view = (LiveView if console.is_terminal else PlainView)(console, SystemClock())
    with tempfile.TemporaryDirectory(prefix="interlock-demo-") as scratch:
        staging = Staging(keep or Path(scratch) / "demo", bootstrap)
        evidence = asyncio.run(play(staging, view))
    report, wrong = document(evidence), faults(evidence)
    show(console, report, wrong)
    if as_json:
        say(report, "", as_json=True)
    if wrong:
        raise typer.Exit(NO)
