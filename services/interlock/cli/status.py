"""`interlock status`: where every route is, why, what could replace it, who obeys, and who was told. The worst comes first."""

import asyncio
from collections.abc import Collection
from typing import Annotated, Any

import typer

from interlock.cli.answer import HERE, InWorkspace, Json, say
from interlock.cli.connection import connected, read_standing
from interlock.cli.decided import Shard, read_shards
from interlock.cli.picture import APPLIED, Concern, Echo, Sight, picture
from interlock.cli.status_text import show
from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.commands import Command
from interlock.records.sealing import open_sealed
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.settings import ServiceSettings
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import PeerError
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, AUDIT, COMMANDS, NOTICES

_RANKS = [str(concern) for concern in Concern]


def status(
    route: Annotated[str | None, typer.Argument(help="One route, agent/slot/scope, or an agent.")] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Show every route, the worst first: its model or safe state, why, what it waits for, the rungs, the routers, the notice."""
    now = SystemClock().now().wall

    async def work(bus: Bus, settings: ServiceSettings) -> list[dict[str, Any]]:
        wanted = None if route is None else {shard_of(route.partition("/")[0], await bus.partitions(AUDIT.name))}
        shards = await read_shards(bus, settings, wanted)
        echo = await read_echo(bus, (await read_standing(bus, settings)).book.trust)
        return [each for shard in shards for each in _routes(shard, echo, now)]

    routes = asyncio.run(connected(workspace, work))
    shown = [each for each in routes if route in {None, each["route"], each["agent"]}]
    shown.sort(key=lambda each: (_RANKS.index(each["concern"]), each["route"]))
    if not shown and route is not None:
        raise PeerError(f"Refused: {Reason.ROUTE_UNKNOWN} ({route}).", "Run `interlock status` to see them all.")
    if as_json:
        say({"routes": shown}, "", as_json=True)
    else:
        show(shown, now)


async def read_echo(bus: Bus, trust: TrustRoot) -> Echo:
    """Read what routers, people, the notifier and the deadline watch said.

    Raises:
        InfrastructureError: The bus cannot be reached.
    """
    echo = Echo()
    reader = await bus.reader([ACKS.name, COMMANDS.name, NOTICES.name])
    for record in await reader.read_to_end():
        opened = open_sealed(record.value, trust, Acknowledgement, Command, Notice, Breach)
        if isinstance(opened, Refused):
            continue
        said = opened.value
        if isinstance(said, Acknowledgement) and said.kind in {AckKind.ACK, AckKind.NACK}:
            echo.routers[said.change_id][said.router] = said.reason or APPLIED
            heard = echo.heard[said.change_id.rpartition("@")[0]]
            heard[said.router] = max(said.at, heard.get(said.router, said.at))  # a word may be said again later
        elif isinstance(said, Command):
            echo.orders[opened.event_id] = (said, opened.signers)
        elif isinstance(said, Notice) and said.kind is NoticeKind.ACCEPTED:
            echo.accepted.setdefault(said.change_id, (said.at - said.change_issued_at) / SECOND)
        elif isinstance(said, Breach):
            echo.breaches.setdefault(said.change_id, said)
    await reader.close()
    return echo


def _routes(shard: Shard, echo: Echo, now: Micros) -> Collection[dict[str, Any]]:
    state, sealed = shard.state, shard.journal.sealed
    opened = {route: open_sealed(sealed.get(route), state.book.trust, RoutingChange) for route in state.routes}
    changes = {route: None if isinstance(each, Refused) else each.value for route, each in opened.items()}
    return [picture(Sight(state, route, entry, changes[route], echo, now)) for route, entry in state.routes.items()]
