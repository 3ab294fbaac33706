"""`interlock audit`: what can be shown from the audit log alone."""

import asyncio
from pathlib import Path
from typing import Any

import typer

from interlock.cli import verdicts
from interlock.cli.answer import NO, InWorkspace, Json, say
from interlock.cli.connection import connected
from interlock.decision.replay import Replayed, replay
from interlock.policy.book import Book
from interlock.runtime.bus import Bus
from interlock.runtime.opening import load_trust
from interlock.runtime.settings import ServiceSettings

app = typer.Typer(help="Show what happened, from the audit log alone.", no_args_is_help=True)
HERE = Path()

app.command()(verdicts.verdicts)


@app.command("replay")
def replay_command(workspace: InWorkspace = HERE, as_json: Json = False) -> None:
    """Decide every journalled step again and compare the signed bytes; exit code 1 if any differs."""

    async def work(bus: Bus, settings: ServiceSettings) -> list[Replayed]:
        return await replay(bus, Book.start(*load_trust(settings.trust_root, settings.deployment)))

    document = describe(asyncio.run(connected(workspace, work)))
    say(document, _text(document), as_json=as_json)
    if not document["replayed_identical"]:
        raise typer.Exit(NO)


def describe(shards: list[Replayed]) -> dict[str, Any]:
    """The outcome of a replay, for a program."""
    return {
        "records": sum(each.records for each in shards),
        "steps": sum(each.journal.steps for each in shards),
        "changes": sum(each.journal.changes for each in shards),
        "void": sum(each.void for each in shards),
        "replayed_identical": all(each.identical for each in shards),
        "differences": [
            {"shard": each.journal.log.shard, "offset": found.offset, "sequence": found.sequence, "what": found.what}
            for each in shards
            for found in each.differences
        ],
    }


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"{document['records']} records, {document['steps']} steps, {document['changes']} changes, {document['void']} void"
    ]
    lines += [f"shard {each['shard']} offset {each['offset']}: {each['what']}" for each in document["differences"]]
    same = "replayed identically" if document["replayed_identical"] else "NOT replayed identically"
    return "\n".join([*lines, same])
