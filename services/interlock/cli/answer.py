"""How a command answers: for people by default, as one JSON document on standard output with `--json`.

Exit codes: 0 done; 1 the answer is no; 2 wrong usage or configuration; 3 the bus or a peer cannot be reached.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from interlock.policy.authoring.problems import Problem, Severity
from interlock.runtime.lifecycle import report
from interlock.vocabulary.errors import InterlockError

NO = 1
"""The exit code of a command whose answer is no."""

HERE = Path()
"""The workspace unless another is named: where the person stands."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
InWorkspace = Annotated[
    Path,
    typer.Option("--workspace", "-w", envvar="INTERLOCK_WORKSPACE", help="The folder that `interlock init` made."),
]

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def say(document: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Answer: the document to a program, the text to a person."""
    sys.stdout.write(f"{json.dumps(document) if as_json else text}\n")


def complain(error: InterlockError, *, as_json: bool) -> int:
    """Tell what went wrong and what to do next; the exit code."""
    if as_json:
        say({"error": error.message, "mend": error.mend}, "", as_json=True)
    else:
        report(error)
    return error.exit_code


def plain(text: str) -> str:
    """Text that others wrote, fit for a terminal: what could move the cursor or hide other text is written out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def counted(count: int, what: str) -> str:
    """A number of things of which the plural ends in s."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def show_problems(problems: list[Problem]) -> None:
    """Print problems for a person, one a line, errors in red and warnings in yellow."""
    console = Console(highlight=False, soft_wrap=True)
    for problem in problems:
        place, _, rest = str(problem).partition(": ")
        console.print(Text(f"{place}: ", style="bold"), Text(rest, style=_COLOURS[problem.severity]), sep="")


def problem_documents(problems: list[Problem]) -> list[dict[str, Any]]:
    """Problems for a program."""
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "field": problem.field,
            "what": problem.what,
            "mend": problem.mend,
            "severity": problem.severity.value,
        }
        for problem in problems
    ]
