"""What people order in an incident: `approve`, `reject`, `freeze`, `suspend`, `resume`, `disable`, and `deny`.

An order chooses inside the policy, never beyond it. A denial is no order but a document of the safety role, and for good.
"""

import asyncio
import uuid
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.answer import HERE, InWorkspace, Json, say
from interlock.cli.connection import connected, read_standing
from interlock.cli.orders import Papers, order
from interlock.cli.writing import Draft
from interlock.policy.book import take
from interlock.records.commands import Verb
from interlock.records.documents import Denial
from interlock.records.sealing import open_sealed, seal
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_key
from interlock.runtime.settings import ServiceSettings
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import ConfigurationError, PeerError
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import Micros, parse_duration
from interlock.wire.topics import POLICIES

Model = Annotated[str, typer.Argument(help="The model, as the registry names it.")]
Route = Annotated[str, typer.Argument(help="The route, agent/slot/scope; an agent alone means its main/*.")]
Subject = Annotated[
    str, typer.Argument(metavar="ROUTE|AGENT", help="One route, agent/slot/scope, or all of an agent's.")
]
Because = Annotated[str, typer.Option("--reason", help="Why, in one sentence: it stands in every notice.")]
Lasting = Annotated[str, typer.Option("--for", help="How long, such as 30m or 8h.")]
Keys = Annotated[
    list[Path], typer.Option("--key", help="The private key of who orders it; given again for a second person.")
]
Ticket = Annotated[str, typer.Option(help="Where the approval is recorded.")]
Out = Annotated[
    Path | None, typer.Option(help="Write the signed order here instead of publishing it: somebody else signs, too.")
]
Add = Annotated[
    Path | None, typer.Option(help="Sign the order that somebody else wrote with --out along, and publish it.")
]


def approve(
    route: Route,
    proposal: Annotated[str, typer.Argument(help="What waits, as `interlock status` shows it.")],
    key: Keys,
    ticket: Ticket = "",
    reason: Because = "",
    out: Out = None,
    add: Add = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Let a route enter the model that is proposed for it. A material change is for the agent's owner to approve."""
    target = _one_route(route)
    draft = Draft(Verb.APPROVE, target.agent, target.key, about=proposal, ticket=ticket, reason=reason)
    order(draft, key, workspace, as_json=as_json, papers=Papers(out, add))


def reject(
    route: Route,
    proposal: Annotated[str, typer.Argument(help="What waits, or a canary in progress, which is then rolled back.")],
    key: Keys,
    reason: Because = "",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Refuse the model that is proposed for a route, or roll its canary back."""
    target = _one_route(route)
    draft = Draft(Verb.REJECT, target.agent, target.key, about=proposal, reason=reason)
    order(draft, key, workspace, as_json=as_json)


def freeze(
    subject: Subject,
    key: Keys,
    lasting: Lasting = "30m",
    reason: Because = "",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Allow no move for a time, but into the safe state. `resume` ends it earlier."""
    agent, route = _subject(subject)
    order(Draft(Verb.FREEZE, agent, route, reason=reason, lasting=_duration(lasting)), key, workspace, as_json=as_json)


def suspend(
    subject: Subject,
    key: Keys,
    reason: Because = "no reason was given",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Put routes into their safe state at once, until a person resumes them. One person is enough."""
    agent, route = _subject(subject)
    order(Draft(Verb.SUSPEND, agent, route, reason=reason), key, workspace, as_json=as_json)


def resume(
    subject: Subject,
    key: Keys,
    reason: Because = "",
    out: Out = None,
    add: Add = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """End a suspension, a shutdown or a freeze, and forget what was rejected. Agents that move money or treat people need two."""
    agent, route = _subject(subject)
    order(Draft(Verb.RESUME, agent, route, reason=reason), key, workspace, as_json=as_json, papers=Papers(out, add))


def disable(
    model: Model,
    reason: Because,
    key: Keys,
    agent: Annotated[str, typer.Option(help='One agent, or "*" for all that use the model.')] = ANY,
    lasting: Lasting = "1h",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Take a model out of use for a time: its routes go to the next approved rung, or to their safe state."""
    draft = Draft(Verb.DISABLE, agent, model=model, reason=reason, lasting=_duration(lasting))
    order(draft, key, workspace, as_json=as_json)


def deny(
    model: Model,
    reason: Because,
    key: Annotated[Path, typer.Option(help="The private key of the safety role.")],
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Deny a model to every agent, for good: nothing takes it back. For the safety role."""
    signer = load_key(key)

    async def work(bus: Bus, settings: ServiceSettings) -> Denial:
        book = (await read_standing(bus, settings)).book
        try:
            denial = Denial(f"denial-{uuid.uuid4().hex[:12]}", model, reason, SystemClock().now().wall)
        except ValueError as error:
            raise ConfigurationError(f"This cannot be ordered: {error}.", "Check the name and the reason.") from None
        sealed = seal(denial, signer)
        opened = open_sealed(sealed, book.trust, Denial)
        taken = opened if isinstance(opened, Refused) else take(book, sealed)
        if isinstance(taken, Refused):
            detail = f" ({taken.detail})" if taken.detail else ""
            raise PeerError(f"Refused: {taken.reason}{detail}.", taken.reason.mend)
        await (await bus.publisher()).publish(POLICIES.name, f"deny/{denial.id}", sealed, partition=0)
        return denial

    denial = asyncio.run(connected(workspace, work))
    say({"id": denial.id, "model": model}, f"{denial.id}: {model} is denied to every agent.", as_json=as_json)


def _one_route(text: str) -> RouteId:
    route = RouteId.parse(text)
    if route is None:
        raise ConfigurationError(
            f"{text!r} cannot name a route.", "Write it as agent/slot/scope; `interlock status` shows them."
        )
    return route


def _subject(text: str) -> tuple[str, str]:
    """The agent, and the route; empty: all of the agent's."""
    route = _one_route(text)
    return route.agent, route.key if "/" in text else ""


def _duration(text: str) -> Micros:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise ConfigurationError(f"--for: {error}.", "Write it as 30m, 8h or 2d.") from None
    if not duration:
        raise ConfigurationError("--for: it must last.", "Write it as 30m, 8h or 2d.")
    return duration
