"""`interlock disable` and `interlock deny`: what people order in an incident. Both only narrow what is approved."""

import asyncio
import uuid
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from interlock.cli.answer import InWorkspace, Json, say
from interlock.cli.connection import connected, read_standing
from interlock.policy.book import Book, take
from interlock.records.commands import Command, Verb
from interlock.records.documents import Denial
from interlock.records.sealing import open_sealed, seal
from interlock.runtime.bus import Bus
from interlock.runtime.clock import SystemClock
from interlock.runtime.opening import load_key
from interlock.runtime.settings import ServiceSettings
from interlock.signing.keys import SigningKey
from interlock.signing.statement import Statement
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import ConfigurationError, PeerError
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, parse_duration, to_text
from interlock.wire.topics import COMMANDS, POLICIES

R = TypeVar("R", bound=Statement)
Model = Annotated[str, typer.Argument(help="The model, as the registry names it.")]
Because = Annotated[str, typer.Option("--reason", help="Why, in one sentence: it stands in every notice.")]
HERE = Path()


def disable(
    model: Model,
    reason: Because,
    key: Annotated[Path, typer.Option(help="The private key of an operator, or of the agent's owner.")],
    agent: Annotated[str, typer.Option(help='One agent, or "*" for all that use the model.')] = ANY,
    lasting: Annotated[str, typer.Option("--for", help="How long, such as 30m or 8h.")] = "1h",
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Take a model out of use for a time: its routes go to the next approved rung, or to their safe state."""
    now = SystemClock().now().wall
    signer, duration = load_key(key), _duration(lasting)

    async def work(bus: Bus, settings: ServiceSettings) -> Command:
        book = (await read_standing(bus, settings)).book
        order = _made(
            Command,
            id=_id("disable"),
            deployment=settings.deployment,
            verb=Verb.DISABLE,
            agent=agent,
            model=model,
            reason=reason,
            issued_at=now,
            expires_at=Micros(now + duration),
        )
        if not any(agent in {ANY, route.agent} for route in book.users_of(model)):
            raise _refusal(Refused(Reason.MODEL_NOT_USED, f"{model} for {agent}"))
        sealed = _verified(order, signer, book)
        await (await bus.publisher()).publish(COMMANDS.name, agent, sealed)
        return order

    order = asyncio.run(connected(workspace, work))
    document = {"id": order.id, "model": model, "agent": agent, "expires_at": to_text(order.expires_at)}
    say(document, f"{order.id}: {model} is disabled until {to_text(order.expires_at)}.", as_json=as_json)


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
        denial = _made(Denial, id=_id("denial"), model=model, reason=reason, issued_at=SystemClock().now().wall)
        sealed = _verified(denial, signer, book)
        taken = take(book, sealed)
        if isinstance(taken, Refused):
            raise _refusal(taken)
        await (await bus.publisher()).publish(POLICIES.name, f"deny/{denial.id}", sealed, partition=0)
        return denial

    denial = asyncio.run(connected(workspace, work))
    say({"id": denial.id, "model": model}, f"{denial.id}: {model} is denied to every agent.", as_json=as_json)


def _duration(text: str) -> Micros:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigurationError(f"--for: {error}.", "Write it as 30m, 8h or 2d.") from None


def _id(verb: str) -> str:
    return f"{verb}-{uuid.uuid4().hex[:12]}"


def _made(kind: type[R], **fields: Any) -> R:
    """Make the record; its own bounds are what a person may get wrong here."""
    try:
        return kind(**fields)
    except ValueError as error:
        raise ConfigurationError(f"This cannot be ordered: {error}.", "Check the names and the reason.") from None


def _verified(record: Statement, signer: SigningKey, book: Book) -> bytes:
    """Seal a record, and refuse here what every reader would refuse."""
    sealed = seal(record, signer)
    opened = open_sealed(sealed, book.trust, type(record))
    if isinstance(opened, Refused):
        raise _refusal(opened)
    return sealed


def _refusal(refused: Refused) -> PeerError:
    detail = f" ({refused.detail})" if refused.detail else ""
    return PeerError(f"Refused: {refused.reason}{detail}.", refused.reason.mend)
