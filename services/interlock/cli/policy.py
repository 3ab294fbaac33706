"""`interlock policy check | sign | publish`: the governance pipeline, for policies, evidence and the registry."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.answer import NO, Json, problem_documents, say, show_problems
from interlock.cli.connection import connected, read_standing
from interlock.cli.drafts import EvidenceFolder, Registry, Root, Surroundings, open_document
from interlock.cli.publishing import Parcel, address, collect, send
from interlock.cli.signing import sign_document
from interlock.policy.authoring.check import forbids
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_key
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace

app = typer.Typer(help="Check, sign and publish what is approved.")

Written = Annotated[
    Path, typer.Argument(metavar="FILE", help="A policy, a piece of evidence, or the registry, as YAML.")
]


@app.command()
def check(
    file: Written,
    registry: Registry = None,
    evidence: EvidenceFolder = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Say whether a document can be signed; each problem with its line and what to do about it."""
    opened = open_document(file, Surroundings.of(file, registry, evidence, root), SystemClock().now().wall)
    refused = forbids(opened.problems)
    if not as_json:
        show_problems(opened.problems)
    document = {"file": str(file), "ok": not refused, "problems": problem_documents(opened.problems)}
    say(document, f"{file}: {'not ' if refused else ''}fit to be signed.", as_json=as_json)
    if refused:
        raise typer.Exit(NO)


@app.command()
def sign(
    file: Written,
    key: Annotated[list[Path], typer.Option(help="The private key of somebody who signs; may be given again.")],
    registry: Registry = None,
    evidence: EvidenceFolder = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Check and compile a document, and sign it; or add a signature to the same one signed by somebody else before.

    The signed file stands beside the YAML, with the suffix `.sealed`. Evidence is signed in the same way, and so is the registry:
    one file for each model, in the folder beside it.
    """
    around = Surroundings.of(file, registry, evidence, root)
    keys = [load_key(path) for path in key]
    signed = sign_document(file, around, keys, SystemClock().now().wall)
    if not as_json:
        show_problems(signed.problems)
    document = {
        "file": str(signed.place) if signed.place else None,
        "files": [str(path) for path in signed.paths],
        "signed_by": list(signed.signed_by),
        "missing": [str(role) for role in signed.missing],
        "problems": problem_documents(signed.problems),
    }
    say(document, signed.sentence(), as_json=as_json)
    if not signed.paths:
        raise typer.Exit(NO)


@app.command()
def publish(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.sealed...|DIR", help="Signed files, or a workspace.")],
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace", "-w", envvar="INTERLOCK_WORKSPACE", help="By default the one that holds the files."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify signed files and put them on the policies topic: all, or none if one of them does not count."""
    parcels = collect(paths)

    async def work(bus: Bus, settings: ServiceSettings) -> list[Parcel]:
        judged = address(parcels, await read_standing(bus, settings))
        return judged if any(parcel.refused for parcel in judged) else await send(judged, await bus.publisher())

    done = asyncio.run(connected(workspace or Workspace.around(paths[0]).directory, work))
    refused = any(parcel.refused for parcel in done)
    document = {"ok": not refused, "files": [_parcel_document(parcel) for parcel in done]}
    lines = [_parcel_line(parcel, published=not refused) for parcel in done]
    say(document, "\n".join([*lines, "Nothing was published."] if refused else lines), as_json=as_json)
    if refused:
        raise typer.Exit(NO)


def _parcel_document(parcel: Parcel) -> dict[str, object]:
    return {
        "file": parcel.file,
        "key": parcel.key or None,
        "offset": parcel.offset if parcel.offset >= 0 else None,
        "already_there": parcel.there,
        "refused": {"reason": parcel.refused.reason, "detail": parcel.refused.detail} if parcel.refused else None,
        "mend": parcel.mend or None,
    }


def _parcel_line(parcel: Parcel, *, published: bool) -> str:
    if parcel.refused:
        detail = f" ({parcel.refused.detail})" if parcel.refused.detail else ""
        return f"{parcel.file}: refused: {parcel.refused.reason}{detail}\n  -> {parcel.mend}"
    if parcel.there:
        return f"{parcel.file}: there already"
    return f"{parcel.file}: {f'published as {parcel.key}, offset {parcel.offset}' if published else 'would count'}"
