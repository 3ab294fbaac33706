"""`interlock review list | show | close`: what changes still have to be looked at afterwards, what they were like, and how each ended.

The list is what is open, what is overdue first. `show` puts source and target side by side: figures where somebody reports them,
each with the calls that it rests on, and the verdicts. It judges nothing: that is for the agent's owner, who closes the review.
"""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.answer import HERE, InWorkspace, Json, say
from interlock.cli.connection import connected
from interlock.cli.decided import Shard, read_shards
from interlock.cli.orders import order
from interlock.cli.picture import command_line, review_document
from interlock.cli.review.document import document
from interlock.cli.review.reviewed import Reviewed, read_reviewed
from interlock.cli.review.text import show_list, show_one
from interlock.cli.writing import Draft
from interlock.decision.core.state import State
from interlock.records.commands import ReviewOutcome, Verb
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.settings import ServiceSettings
from interlock.vocabulary.errors import ConfigurationError, PeerError
from interlock.vocabulary.identifiers import RouteId, shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, parse_duration
from interlock.wire.topics import AUDIT

app = typer.Typer(help="Look at changes afterwards, and close their reviews.", no_args_is_help=True)

Change = Annotated[str, typer.Argument(help="The change, as `interlock review list` and every notice name it.")]


class Ending(StrEnum):
    """How a review ends: as it is, accepted anew, or taken back."""

    CONFIRM = "confirm"
    REAPPROVE = "reapprove"
    REVOKE = "revoke"


@app.command("list")
def list_command(
    subject: Annotated[
        str | None, typer.Argument(metavar="ROUTE|AGENT", help="One route, agent/slot/scope, or an agent.")
    ] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """List the open reviews: what is overdue first, then what is due first."""
    now = SystemClock().now().wall

    async def work(bus: Bus, settings: ServiceSettings) -> list[Shard]:
        wanted = None if subject is None else {shard_of(subject.partition("/")[0], await bus.partitions(AUDIT.name))}
        return await read_shards(bus, settings, wanted)

    states = [shard.state for shard in asyncio.run(connected(workspace, work))]
    if subject is not None and not any(subject in {route.agent, route.key} for each in states for route in each.routes):
        raise PeerError(f"Refused: {Reason.ROUTE_UNKNOWN} ({subject}).", "Run `interlock status` to see them all.")
    found = [each for state in states for each in open_reviews(state, now)]
    shown = in_order([each for each in found if subject in {None, each["agent"], each["route"]}])
    if as_json:
        say({"reviews": shown}, "", as_json=True)
    else:
        show_list(shown)


def open_reviews(state: State, now: Micros) -> list[dict[str, Any]]:
    """Every open review of a shard, with the command that shows its comparison."""
    found = []
    for name, entry in state.reviews.items():
        agent = entry.route.partition("/")[0]
        held = state.book.policies.get(agent)
        told = {"route": entry.route, "agent": agent, "team": held.value.team if held else None}
        command = {"command": command_line("review", "show", name, keys=[])}
        found.append(told | review_document(name, entry, now) | command)
    return found


def in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reviews as they are listed: what is overdue first, then what is due first."""
    return sorted(found, key=lambda each: (not each["overdue"], each["due"], each["change"]))


@app.command("show")
def show_command(
    change: Change,
    window: Annotated[str, typer.Option(help="How far around the change calls are compared, such as 10m.")] = "30m",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Show what happened, who was told, and source and target side by side, before the change and after it."""
    route, within = _route_of(change), _within(window)
    now = SystemClock().now().wall

    async def work(bus: Bus, settings: ServiceSettings) -> Reviewed:
        return await read_reviewed(bus, settings, change, route, within)

    if not as_json:
        sys.stderr.write("reading the log of the route's shard, and the telemetry\n")
    found = document(asyncio.run(connected(workspace, work)), now)
    if as_json:
        say(found, "", as_json=True)
    else:
        show_one(found)


@app.command("close")
def close_command(
    change: Change,
    outcome: Annotated[Ending, typer.Option(help="How the review ends; revoke takes the model away.")],
    key: Annotated[
        list[Path], typer.Option(help="The private key of the agent's owner; to revoke, an operator's will do.")
    ],
    reason: Annotated[str, typer.Option(help="Why, in one sentence: it is signed, and stands in the log.")],
    ticket: Annotated[str, typer.Option(help="Where the review is recorded.")] = "",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Close a review: the change stays as it is, is accepted anew, or is taken back."""
    route = _route_of(change)
    if not reason.strip():
        raise ConfigurationError("--reason: it must say something.", "Write why, in one sentence.")
    draft = Draft(
        Verb.REVIEW, route.agent, route.key, about=change, outcome=ReviewOutcome(outcome), ticket=ticket, reason=reason
    )
    order(draft, key, workspace, as_json=as_json)


def _route_of(change: str) -> RouteId:
    """The route that stands in a change's name."""
    route = RouteId.parse(change.rpartition("@")[0])
    if route is None:
        raise ConfigurationError(
            f"{change!r} cannot name a change.", "Name it as `interlock review list` does, such as agent/main/*@1.0.3."
        )
    return route


def _within(text: str) -> Micros:
    try:
        within = parse_duration(text)
    except ValueError as error:
        raise ConfigurationError(f"--window: {error}.", "Write it as 10m or 1h.") from None
    if not within:
        raise ConfigurationError("--window: it must last.", "Write it as 10m or 1h.")
    return within
