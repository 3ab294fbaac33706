"""`interlock review`: what changes still have to be looked at afterwards, and how each ended.

Without an argument it lists the open reviews, the first due first, with source and target side by side as the health-monitor
judges them now. What the route's policy does not watch cannot be compared, and is said to be so.
"""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from interlock.cli.answer import HERE, InWorkspace, Json, plain, say
from interlock.cli.connection import connected
from interlock.cli.decided import read_shards
from interlock.cli.orders import order
from interlock.cli.picture import command_line, review_document
from interlock.cli.writing import Draft
from interlock.decision.core.state import State
from interlock.decision.core.usable import Case, health
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.documents import WatchedTrigger
from interlock.records.health import Level
from interlock.records.state import ReviewEntry, VerdictEntry
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.settings import ServiceSettings
from interlock.signing.roles import Role
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros

COMPARED = (
    WatchedTrigger.LATENCY,
    WatchedTrigger.ERRORS,
    WatchedTrigger.QUALITY,
    WatchedTrigger.REFUSALS,
    WatchedTrigger.COST,
)
"""What a comparison must speak of (DESIGN 5, rule 7)."""

_WORST = (Level.HEALTHY, Level.UNKNOWN, Level.DEGRADED, Level.UNAVAILABLE)
_STYLES = {"healthy": "green", "unknown": "yellow"}


class Ending(StrEnum):
    """How a review ends: as it is, accepted anew, or taken back."""

    CONFIRM = "confirm"
    REAPPROVE = "reapprove"
    REVOKE = "revoke"


def review(
    change: Annotated[str | None, typer.Argument(help="The change; without one, the open reviews are listed.")] = None,
    outcome: Annotated[Ending | None, typer.Option(help="How the review ends; revoke takes the model away.")] = None,
    key: Annotated[list[Path] | None, typer.Option(help="The private key of the agent's owner.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in one sentence.")] = "",
    ticket: Annotated[str, typer.Option(help="Where the review is recorded.")] = "",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """List the open reviews with source and target side by side; or close one."""
    if change is None:
        now = SystemClock().now().wall

        async def work(bus: Bus, settings: ServiceSettings) -> list[dict[str, Any]]:
            return [found for shard in await read_shards(bus, settings) for found in open_reviews(shard.state, now)]

        found = sorted(asyncio.run(connected(workspace, work)), key=lambda each: (each["due"], each["change"]))
        if as_json:
            say({"reviews": found}, "", as_json=True)
        else:
            _show(found)
        return
    route = RouteId.parse(change.rpartition("@")[0])
    if outcome is None or not key or route is None:
        mend = "Name the change as `interlock review` lists it, how the review ends (--outcome), and who signs (--key)."
        raise ConfigurationError(f"The review of {change} cannot be closed like this.", mend)
    draft = Draft(
        Verb.REVIEW, route.agent, route.key, about=change, outcome=ReviewOutcome(outcome), ticket=ticket, reason=reason
    )
    order(draft, key, workspace, as_json=as_json)


def open_reviews(state: State, now: Micros) -> list[dict[str, Any]]:
    """Every open review of a shard, with its comparison and the command that confirms it."""
    return [_document(state, name, entry, now) for name, entry in state.reviews.items()]


def _document(state: State, change: str, entry: ReviewEntry, now: Micros) -> dict[str, Any]:
    route = RouteId.parse(entry.route)
    assert route is not None, "the state's routes have names"
    owners = sorted(state.book.trust.holders(Role.AGENT_OWNER, route.agent))
    held = state.book.policies.get(route.agent)
    return {
        "route": entry.route,
        "team": held.value.team if held else None,
        **review_document(change, entry, now),
        "comparison": comparison(state, route, entry, now),
        "command": command_line("review", change, "--outcome", Ending.CONFIRM, keys=owners[:1]),
    }


def comparison(state: State, route: RouteId, entry: ReviewEntry, now: Micros) -> list[dict[str, Any]]:
    """Source and target under every objective of the route, as they are judged now.

    A side is null in the safe state; both are, with `watched` false, where the policy watches nothing of a kind that must be compared.
    """
    rule = state.book.rule(route)
    case = Case(state, route, rule, now) if rule is not None else None
    objectives = {watched.objective: watched.trigger for watched in rule.triggers} if rule is not None else {}
    rows: list[dict[str, Any]] = [
        {
            "objective": objective,
            "watched": True,
            "source": _side(case, entry.source, objective),
            "target": _side(case, entry.target, objective),
        }
        for objective in objectives
    ]
    missing = [kind for kind in COMPARED if kind not in objectives.values()]
    return [*rows, *({"objective": str(kind), "watched": False, "source": None, "target": None} for kind in missing)]


def _side(case: Case | None, model: str | None, objective: str) -> dict[str, str] | None:
    if case is None or model is None:
        return None
    seen = [each.entry for each in health(case, model) if each.rule.objective == objective and each.entry is not None]
    worst: VerdictEntry | None = max(seen, key=lambda verdict: _WORST.index(verdict.level), default=None)
    if worst is None:
        return {"level": str(Level.UNKNOWN), "detail": "no verdict yet"}
    return {"level": str(worst.level), "detail": worst.detail}


def _show(found: list[dict[str, Any]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    overdue = sum(each["overdue"] for each in found)
    summary = f"{len(found)} open, {overdue} overdue." if found else "No review is open."
    console.print(Text(summary, "bold red" if overdue else "bold"))
    for each in found:
        source, target = each["source"] or "safe state", each["target"] or "safe state"
        due = Text(f"OVERDUE since {each['due']}", "bold red") if each["overdue"] else Text(f"due {each['due']}")
        console.print()
        console.print(
            Text(each["change"], "bold"), Text(f"{source} -> {target}"), due, Text(f"({each['team'] or 'no team'})")
        )
        table = Table("objective", source, target, box=None, padding=(0, 2))
        for row in each["comparison"]:
            table.add_row(row["objective"], *(_cell(row, side) for side in ("source", "target")))
        console.print(table)
        console.print(Text(f"  {each['command']}", "cyan"))


def _cell(row: dict[str, Any], side: str) -> Text:
    if not row["watched"]:
        return Text("not watched by the policy", "dim")
    judged = row[side]
    if judged is None:
        return Text("-", "dim")
    return Text(f"{judged['level']}: {plain(judged['detail'])}", _STYLES.get(judged["level"], "red"))
