"""`interlock tickets`: the requests that wait for a person, because their route was in the safe state `human_queue`.

Only tickets that a router signed are shown. What stands in one was written by somebody who called an agent: it is shown on demand
only, and what could play tricks on a terminal is written out.
"""

import asyncio
import json
from typing import Annotated, Any

import typer

from interlock.cli.answer import HERE, InWorkspace, Json, plain, say
from interlock.cli.connection import connected, read_standing
from interlock.records.sealing import open_sealed
from interlock.records.telling import Ticket
from interlock.runtime.bus import Bus
from interlock.runtime.settings import ServiceSettings
from interlock.signing.verifier import Verified
from interlock.vocabulary.errors import PeerError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import to_text
from interlock.wire.topics import TICKETS


def tickets(
    route: Annotated[str | None, typer.Argument(help="One route, agent/slot/scope, or an agent.")] = None,
    show: Annotated[str | None, typer.Option(metavar="ID", help="Print the request of this ticket, too.")] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """List the requests that wait for a person, the newest last. What was asked is printed with --show only."""

    async def work(bus: Bus, settings: ServiceSettings) -> list[Ticket]:
        trust = (await read_standing(bus, settings)).book.trust
        reader = await bus.reader([TICKETS.name])
        opened = [open_sealed(record.value, trust, Ticket) for record in await reader.read_to_end()]
        told = {each.event_id: each.value for each in opened if isinstance(each, Verified)}  # some stand there twice
        return list(told.values())

    found = sorted(asyncio.run(connected(workspace, work)), key=lambda ticket: (ticket.at, ticket.id))
    shown = [ticket for ticket in found if route in {None, ticket.agent, _route(ticket)} and show in {None, ticket.id}]
    if show is not None and not shown:
        raise PeerError(f"No ticket is called {show!r}.", "Run `interlock tickets` to see them all.")
    documents = [_document(ticket, whole=show is not None) for ticket in shown]
    say({"tickets": documents}, "\n".join(map(_line, documents)) or "No request waits for a person.", as_json=as_json)


def _route(ticket: Ticket) -> str:
    return RouteId(ticket.agent, ticket.slot, ticket.scope).key


def _document(ticket: Ticket, *, whole: bool) -> dict[str, Any]:
    told = {
        "id": ticket.id,
        "route": _route(ticket),
        "agent": ticket.agent,
        "router": ticket.router,
        "change": ticket.change_id,
        "at": to_text(ticket.at),
        "bytes": len(ticket.request),
    }
    return {**told, "request": _request(ticket.request)} if whole else told


def _request(body: bytes) -> Any:
    """The request as JSON; as text, if it is none, or is nested so deeply that it cannot be written out again."""
    try:
        request = json.loads(body)
        json.dumps(request, indent=2)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    return request


def _line(document: dict[str, Any]) -> str:
    line = (
        f"{document['at']}  {document['id']}  {document['route']}  {document['bytes']} bytes, by {document['router']}"
    )
    if "request" not in document:
        return plain(line)
    body = document["request"]
    text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
    return "\n".join([plain(line), *map(plain, text.splitlines())])
