"""`interlock status`: where every route is, why, what could replace it, who obeys, and who was told."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from interlock.cli.answer import InWorkspace, Json, say
from interlock.cli.connection import connected, read_standing
from interlock.decision.core.state import State
from interlock.decision.core.usable import Case, disabled, health
from interlock.decision.replay import replay
from interlock.policy.admissible import inadmissible
from interlock.policy.book import Book
from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.sealing import open_sealed
from interlock.records.state import RouteEntry
from interlock.records.telling import Notice, NoticeKind
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_trust
from interlock.runtime.settings import ServiceSettings
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import PeerError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros, to_text
from interlock.wire.topics import ACKS, NOTICES

HERE = Path()


@dataclass(slots=True)
class _Echo:
    """What came back on the changes, by change id: routers' answers, and when a notice was accepted."""

    routers: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    accepted: dict[str, float] = field(default_factory=dict)


def status(
    route: Annotated[str | None, typer.Argument(help="One route, agent/slot/scope, or an agent.")] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Show every route: its model or safe state, the reason, the rungs, the routers, the notice."""

    async def work(bus: Bus, settings: ServiceSettings) -> list[dict[str, Any]]:
        now = SystemClock().now().wall
        start = Book.start(*load_trust(settings.trust_root, settings.deployment))
        shards = await replay(bus, start, check=False)
        trust = (await read_standing(bus, settings)).book.trust
        echo = await _read_echo(bus, trust)
        return [
            _route(each.journal.state, name, entry, each.journal.sealed.get(name), echo, now)
            for each in shards
            for name, entry in each.journal.state.routes.items()
        ]

    routes = sorted(asyncio.run(connected(workspace, work)), key=lambda each: str(each["route"]))
    shown = [each for each in routes if route in {None, each["route"], each["agent"]}]
    if not shown and route is not None:
        raise PeerError(f"No route is called {route!r}.", "Run `interlock status` to see them all.")
    if as_json:
        say({"routes": shown}, "", as_json=True)
    else:
        _print(shown)


async def _read_echo(bus: Bus, trust: TrustRoot) -> _Echo:
    echo = _Echo()
    reader = await bus.reader([ACKS.name, NOTICES.name])
    for record in await reader.read_to_end():
        opened = open_sealed(record.value, trust, Acknowledgement, Notice)
        if isinstance(opened, Refused):
            continue
        said = opened.value
        if isinstance(said, Acknowledgement) and said.kind in {AckKind.ACK, AckKind.NACK}:
            echo.routers[said.change_id][said.router] = said.reason or "applied"
        elif isinstance(said, Notice) and said.kind is NoticeKind.ACCEPTED:
            echo.accepted.setdefault(said.change_id, (said.at - said.change_issued_at) / SECOND)
    await reader.close()
    return echo


def _route(
    state: State, route: RouteId, entry: RouteEntry, sealed: bytes | None, echo: _Echo, now: Micros
) -> dict[str, Any]:
    opened = open_sealed(sealed, state.book.trust, RoutingChange)
    change = None if isinstance(opened, Refused) else opened.value
    rule = state.book.rule(route)
    return {
        "route": route.key,
        "agent": route.agent,
        "target": entry.target,
        "safe_state": change.safe_state if change else None,
        "since": to_text(entry.entered_at),
        "reason": str(entry.trigger),
        "detail": change.cause.detail if change else "",
        "change": change.id if change else "",
        "rungs": [_rung(Case(state, route, rule, now), rung.model.name) for rung in rule.ladder] if rule else [],
        "routers": dict(echo.routers[change.id]) if change else {},
        "notice_accepted_after_s": echo.accepted.get(change.id) if change else None,
    }


def _rung(case: Case, model: str) -> dict[str, Any]:
    reason = inadmissible(case.state.book, case.route, model, case.now)
    command = disabled(case, model)
    verdicts = {seen.rule.objective: str(seen.entry.level) if seen.entry else "unknown" for seen in health(case, model)}
    return {
        "model": model,
        "admissible": reason is None,
        "why_not": str(reason) if reason else "disabled" if command else "",
        "verdicts": verdicts,
    }


def _print(routes: list[dict[str, Any]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for each in routes:
        now = (
            Text(each["target"], "bold green")
            if each["target"]
            else Text(f"SAFE STATE: {each['safe_state']}", "bold red")
        )
        console.print(Text(each["route"], "bold"), now, f"since {each['since']}")
        console.print(f"  why      {each['detail']}")
        for place, rung in enumerate(each["rungs"], start=1):
            console.print(f"  rung {place}   {rung['model']}: ", _standing(rung), sep="")
        routers = ", ".join(f"{name} {word}" for name, word in sorted(each["routers"].items()))
        console.print(f"  routers  {routers or 'none has answered yet'}")
        accepted = each["notice_accepted_after_s"]
        console.print(
            f"  notice   {f'accepted after {accepted:.1f} s' if accepted is not None else 'not accepted yet'}\n"
        )
    if not routes:
        console.print("No route has been decided yet: publish a policy and start the services.")


def _standing(rung: dict[str, Any]) -> Text:
    """A rung in words: what policy says of it first, then what its verdicts say."""
    if rung["why_not"]:
        return Text(rung["why_not"], "red")
    bad = [f"{objective} is {level}" for objective, level in rung["verdicts"].items() if level != "healthy"]
    return Text(", ".join(bad), "yellow") if bad else Text("healthy", "green")
