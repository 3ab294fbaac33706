"""`interlock demo`: the main job on one machine, in about a minute."""

import typer
from rich.console import Console

from interlock.cli.answer import NO, Json, say
from interlock.cli.trial import Bootstrap, Keep, folder_of, to_the_end
from interlock.runtime.clock import SystemClock
from interlock.trials.demo.faults import faults
from interlock.trials.demo.printed import show
from interlock.trials.demo.report import document
from interlock.trials.demo.run import Staging, play
from interlock.trials.demo.view import LiveView, PlainView


def demo(
    bootstrap: Bootstrap = None,
    keep: Keep = None,
    as_json: Json = False,
) -> None:
    """Watch a model die and its agent move on: real processes, real HTTP, real signatures, the real Kafka protocol."""
    console = Console(stderr=as_json, highlight=False)
    view = (LiveView if console.is_terminal else PlainView)(console, SystemClock())
    with folder_of(keep) as folder:
        evidence = to_the_end(play(Staging(folder, bootstrap), view))
    report, wrong = document(evidence), faults(evidence)
    show(console, report, wrong)
    if as_json:
        say(report, "", as_json=True)
    if wrong:
        raise typer.Exit(NO)
