"""An order from what was typed to what became of it: the one path of every command that orders something."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from interlock.cli.answer import say
from interlock.cli.connection import connected
from interlock.cli.giving import ANSWER_WITHIN_S, Given, give, weigh
from interlock.cli.told import tell
from interlock.cli.writing import Draft, Written, sign_along, write
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_key
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import write_whole
from interlock.signing.verifier import Refused
from interlock.vocabulary.reasons import Reason


@dataclass(frozen=True, slots=True)
class Papers:
    """The files that an order travels in, from one person to another.

    Attributes:
        out: Where it is written to, instead of being published.
        add: Where it comes from.
    """

    out: Path | None = None
    add: Path | None = None


AT_ONCE = Papers()
"""The order is made, signed and published here."""


def order(draft: Draft, keys: list[Path], workspace: Path, *, as_json: bool, papers: Papers = AT_ONCE) -> None:
    """Sign what was typed, give the order, and tell what became of it.

    Raises:
        ConfigurationError: What was typed cannot be ordered, or a file cannot be read or written.
        InfrastructureError: The bus cannot be reached.
        typer.Exit: It was refused, or not answered in time.
    """
    signers = [load_key(path) for path in keys]

    async def work(bus: Bus, settings: ServiceSettings) -> Given | Written:
        now = SystemClock().now().wall
        if papers.add is not None:
            written = sign_along(draft, papers.add, signers)
        else:
            written = write(draft, settings.deployment, now, signers, travels=papers.out is not None)
        weighed = await weigh(bus, settings, written.sealed, written.command, now)
        if papers.out is not None and _may_travel(weighed):
            write_whole(papers.out, written.sealed)
            return written
        if isinstance(weighed, Refused):
            return Given(written.command, published=False, accepted=False, reason=weighed.reason, detail=weighed.detail)
        if not as_json:
            sys.stderr.write(f"{written.command.id}: waiting up to {ANSWER_WITHIN_S:g} s for the answer\n")
        return await give(bus, written.sealed, written.command, weighed)

    done = asyncio.run(connected(workspace, work))
    if isinstance(done, Given):
        tell(done, as_json=as_json)
    else:
        text = f"{papers.out} holds the signed order: {done.command.describe()}. It is given with --add {papers.out}."
        say({"id": done.command.id, "file": str(papers.out), "published": False}, text, as_json=as_json)


def _may_travel(weighed: object) -> bool:
    """Whether nothing is wrong with the order but that somebody else must sign it, too."""
    return not isinstance(weighed, Refused) or weighed.reason is Reason.NOT_AUTHORISED
