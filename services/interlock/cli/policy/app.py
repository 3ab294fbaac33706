"""`interlock policy check | coverage | simulate | diff | schema | sign | publish`: the governance pipeline, for policies, evidence and the registry."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from interlock.cli.answer import HERE, NO, InWorkspace, Json, problem_documents, say, show_problems
from interlock.cli.connection import connected, read_standing
from interlock.cli.policy import checking, coverage, simulate
from interlock.cli.policy.compared import Side, compare, published, read_side, show
from interlock.cli.policy.drafts import EvidenceFolder, Registry, Root, Surroundings
from interlock.cli.policy.editor import write_schemas
from interlock.cli.policy.out_of_use import out_of_use
from interlock.cli.policy.parcels import collect
from interlock.cli.policy.published_text import document, text
from interlock.cli.policy.publishing import Published, publish_parcels
from interlock.cli.policy.signing import sign_document
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_key, read_trust
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace
from interlock.vocabulary.errors import ConfigurationError

app = typer.Typer(help="What is approved: check it, compare it, try it in an incident, sign and publish it.")

InPlaceOf = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", envvar="INTERLOCK_WORKSPACE", help="By default the one that holds the files."),
]
Written = Annotated[
    Path, typer.Argument(metavar="FILE", help="A policy, a piece of evidence, or the registry, as YAML.")
]


app.command()(checking.check)
app.command()(coverage.coverage)
app.command()(simulate.simulate)


@app.command()
def diff(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="[OLD] NEW", help="YAML or .sealed; without OLD, what is published is compared with NEW."
        ),
    ],
    registry: Registry = None,
    evidence: EvidenceFolder = None,
    root: Root = None,
    workspace: InPlaceOf = None,
    as_json: Json = False,
) -> None:
    """Say what widens (+), what narrows (-) and what does neither (~), route by route and rung by rung, and who must sign.

    What lets the agent do, reach or go on more widens. What is compared is what is signed: registry entries and evidence are in it.
    """
    if len(files) > 2:
        raise ConfigurationError("Two policies are compared, not more.", "Name the old one and the new one.")
    around = [_surroundings(path, files[-1], registry, evidence, root) for path in files]
    sides = [read_side(path, each, SystemClock().now().wall) for path, each in zip(files, around, strict=True)]
    problems = [problem for side in sides if isinstance(side, list) for problem in side]
    if problems:
        if not as_json:
            show_problems(problems)
        told = {"differences": None, "problems": problem_documents(problems)}
        say(told, "Nothing was compared: mend these lines first.", as_json=as_json)
        raise typer.Exit(NO)
    *old, new = [side for side in sides if isinstance(side, Side)]
    before = old[0] if old else _published(new, workspace or Workspace.around(files[-1]).directory)
    compared = compare(before, new, read_trust(around[-1].root)[0])
    if as_json:
        say(compared.document(), "", as_json=True)
    else:
        console = Console(highlight=False, soft_wrap=True)
        for shown in show(compared):
            console.print(shown, markup=False)


def _surroundings(
    path: Path, other: Path, registry: Path | None, evidence: Path | None, root: Path | None
) -> Surroundings:
    """Those of the file's own workspace; of a file that is in none, those of the other file."""
    try:
        return Surroundings.of(path, registry, evidence, root)
    except ConfigurationError:
        return Surroundings.of(other, registry, evidence, root)


def _published(new: Side, workspace: Path) -> Side:
    async def work(bus: Bus, settings: ServiceSettings) -> Side:
        assert new.policy is not None, "it was read from a file"
        return published(new.policy.agent, await read_standing(bus, settings))

    return asyncio.run(connected(workspace, work))


@app.command()
def schema(workspace: InWorkspace = HERE, as_json: Json = False) -> None:
    """Write the JSON schemas with which an editor completes, explains and underlines: into `.schemas/`, again after an upgrade."""
    written = write_schemas(Workspace.around(workspace))
    names = ", ".join(path.name for path in written)
    say({"files": [str(path) for path in written]}, f"{written[0].parent}: {names}", as_json=as_json)


@app.command()
def sign(
    file: Written,
    key: Annotated[list[Path], typer.Option(help="The private key of somebody who signs; may be given again.")],
    along: Annotated[
        Path | None,
        typer.Option("--with", metavar="FILE.sealed", help="What somebody else signed of the same policy, elsewhere."),
    ] = None,
    registry: Registry = None,
    evidence: EvidenceFolder = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Check and compile a document, and sign it; or add a signature to the same one signed by somebody else before.

    The signed file stands beside the YAML, with the suffix `.sealed`. Evidence is signed in the same way, and so is the registry:
    one file for each model, in the folder beside it.

    Two people who began apart have signed two drafts of one policy. With `--with` the one that was compiled first is signed along, and
    its signatures are kept; what has other content is refused, and told what differs.
    """
    around = Surroundings.of(file, registry, evidence, root)
    keys = [load_key(path) for path in key]
    signed = sign_document(file, around, keys, SystemClock().now().wall, along)
    if not as_json:
        show_problems(signed.problems)
    told = {
        "file": str(signed.place) if signed.place else None,
        "files": [str(path) for path in signed.paths],
        "signed_by": list(signed.signed_by),
        "signed_before": list(signed.before),
        "signed_apart": list(signed.apart),
        "missing": [str(role) for role in signed.missing],
        "problems": problem_documents(signed.problems),
    }
    say(told, signed.sentence(), as_json=as_json)
    if not signed.paths:
        raise typer.Exit(NO)


@app.command()
def publish(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.sealed...|DIR", help="Signed files, or a workspace.")],
    workspace: InPlaceOf = None,
    as_json: Json = False,
) -> None:
    """Verify signed files and put them on the policies topic: all, or none if one of them does not count.

    Files with the same document, signed by several people apart, give their signatures together. Then the topic is read back: where
    somebody else published at the same moment, the order in which the topic holds the documents decides, and exit code 1 says who came
    too late. A rung that may not be used by what the topic says, denied since for instance, is warned of.
    """
    parcels = collect(paths)

    async def work(bus: Bus, settings: ServiceSettings) -> Published:
        return await publish_parcels(parcels, bus, settings)

    done = asyncio.run(connected(workspace or Workspace.around(paths[0]).directory, work))
    unused = list(out_of_use(done.parcels, done.book, SystemClock().now().wall)) if done.book else []
    say(document(done, unused), text(done, unused), as_json=as_json)
    if done.error is not None:
        raise typer.Exit(done.error.exit_code)
    if done.refused:
        raise typer.Exit(NO)
