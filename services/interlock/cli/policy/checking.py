"""`interlock policy check`: one document, or every policy of a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.answer import NO, Json, counted, problem_documents, say, show_problems
from interlock.cli.policy.drafts import EvidenceFolder, Registry, Root, Surroundings, open_document
from interlock.policy.authoring.check import forbids
from interlock.policy.authoring.problems import Problem, Severity
from interlock.runtime.clock import SystemClock
from interlock.runtime.workspace import Workspace
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros

Checkable = Annotated[
    Path,
    typer.Argument(metavar="FILE|DIR", help="A policy, a piece of evidence, or the registry, as YAML; or a folder."),
]


@dataclass(frozen=True, slots=True)
class Checked:
    """A document, and what is wrong with it."""

    file: Path
    problems: list[Problem]

    @property
    def fit(self) -> bool:
        """Whether it may be signed."""
        return not forbids(self.problems)

    def document(self) -> dict[str, Any]:
        """The answer to a program."""
        return {"file": str(self.file), "ok": self.fit, "problems": problem_documents(self.problems)}


def check(
    path: Checkable,
    registry: Registry = None,
    evidence: EvidenceFolder = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Say whether a document can be signed; each problem with its line and what to do about it.

    Of a workspace its registry and every policy are checked, of another folder every YAML file in it.
    """
    around = Surroundings.of(path, registry, evidence, root)
    now = SystemClock().now().wall
    whole = path.is_dir()
    found = _all_in(path, around, now) if whole else [Checked(path, open_document(path, around, now).problems)]
    if not as_json:
        show_problems([problem for checked in found for problem in checked.problems])
    if whole:
        say(_folder_document(path, found), _summary(path, found), as_json=as_json)
    else:
        say(found[0].document(), f"{path}: {'' if found[0].fit else 'not '}fit to be signed.", as_json=as_json)
    if not all(checked.fit for checked in found):
        raise typer.Exit(NO)


def _all_in(folder: Path, around: Surroundings, now: Micros) -> list[Checked]:
    """Every document of a folder; one that cannot be read does not keep the others from being checked."""
    found = []
    for file in documents_in(folder):
        try:
            problems = open_document(file, around, now).problems
        except ConfigurationError as error:
            problems = [Problem(str(file), 1, "", error.message.rstrip("."), error.mend)]
        found.append(Checked(file, problems))
    if not found:
        raise ConfigurationError(f"{folder} holds no policy.", "Name a file, or a folder with YAML files in it.")
    return found


def documents_in(folder: Path) -> Iterator[Path]:
    """What is checked of a folder: of a workspace its registry and its policies, of another every YAML file."""
    workspace = Workspace(folder)
    whole = workspace.registry.is_file()
    if whole:
        yield workspace.registry
    yield from sorted((workspace.policies if whole else folder).glob("*.yaml"))


def _folder_document(folder: Path, found: list[Checked]) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "ok": all(checked.fit for checked in found),
        "files": [checked.document() for checked in found],
        "counts": _counts(found),
    }


def _counts(found: list[Checked]) -> dict[str, int]:
    severities = [problem.severity for checked in found for problem in checked.problems]
    return {
        "files": len(found),
        "fit": sum(checked.fit for checked in found),
        "errors": severities.count(Severity.ERROR),
        "warnings": severities.count(Severity.WARNING),
    }


def _summary(folder: Path, found: list[Checked]) -> str:
    counts = _counts(found)
    told = f"{folder}: {counts['fit']} of {counted(counts['files'], 'document')} fit to be signed"
    return f"{told}; {counted(counts['errors'], 'error')}, {counted(counts['warnings'], 'warning')}."
