"""Giving an order: signed, judged here by the rule that will judge it, published, and its answer waited for.

1. Whoever cannot have signed it is refused here, by the verifier that every reader of the topic uses.
2. What the decision service would refuse, as far as the log tells, is refused here in the same words, and is not published.
3. The answer is what the decision service journalled, read from the log. Silence is no answer: the order stands on the topic,
   and counts if it is read before it expires.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.cli.connection import read_standing
from interlock.cli.decided import Shard, read_shards
from interlock.decision.core.commands import Order, carry_out
from interlock.policy.book import Book
from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.commands import Command
from interlock.records.sealing import open_sealed
from interlock.records.state import AnswerEntry
from interlock.runtime.bus import Bus
from interlock.runtime.settings import ServiceSettings
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import ANY, shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire.topics import AUDIT, COMMANDS

ANSWER_WITHIN_S = 10.0
"""How long an answer is waited for: a decision service that was killed is followed by another within this."""


@dataclass(frozen=True, slots=True)
class Given:
    """An order, and what became of it.

    Attributes:
        command: What was ordered.
        published: Whether it was; not, if it was refused here.
        accepted: The decision service's word; None if it did not answer in time.
        reason: Why it was refused; None if it was not.
        detail: More on that.
        changes: What the step that carried it out ordered for its routes.
    """

    command: Command
    published: bool
    accepted: bool | None
    reason: Reason | None = None
    detail: str = ""
    changes: tuple[RoutingChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """An order that would be carried out, as far as the log tells, and the shards that will answer."""

    shards: tuple[Shard, ...]


async def give(bus: Bus, sealed: bytes, command: Command, ready: Ready) -> Given:
    """Publish a signed order that was weighed, and wait for its answer.

    Raises:
        InfrastructureError: The bus cannot be reached; whether the order was published is then unknown.
    """
    await (await bus.publisher()).publish(COMMANDS.name, command.agent, sealed)
    return await _answered(ready.shards, command)


async def weigh(bus: Bus, settings: ServiceSettings, sealed: bytes, command: Command, now: Micros) -> Ready | Refused:
    """Judge a signed order by what stands on the policies topic and in the log.

    Raises:
        InfrastructureError: The bus cannot be reached.
    """
    book = (await read_standing(bus, settings)).book
    opened = open_sealed(sealed, book.trust, Command)
    if isinstance(opened, Refused):
        return opened
    concerned = shards_of(command, book, await bus.partitions(AUDIT.name))
    if not concerned:
        return Refused(Reason.MODEL_NOT_USED, command.describe())
    shards = await read_shards(bus, settings, concerned)
    states = (replace(shard.state, book=book).at(now) for shard in shards)
    refused = (foresee(Order(state, opened, sealed)) for state in states)
    return next((each for each in refused if each is not None), None) or Ready(tuple(shards))


def shards_of(command: Command, book: Book, shards: int) -> frozenset[int]:
    """The shards whose answer counts: the agent's; for every agent, those with a route that uses the model."""
    if command.agent != ANY:
        return frozenset({shard_of(command.agent, shards)})
    return frozenset(shard_of(route.agent, shards) for route in book.users_of(command.model))


def foresee(order: Order) -> Refused | None:
    """Why the decision service would refuse an order in this state; None if it would carry it out."""
    made = carry_out(order)
    if isinstance(made, Refused):
        return made
    return _refusal(order.state.apply(made[-1]).answers[order.said.id])


async def _answered(shards: Sequence[Shard], command: Command) -> Given:
    """Follow the log until every shard has answered, for as long as is waited."""
    read: list[AuditRecord] = []
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while not all(command.id in shard.state.answers for shard in shards):
                for records in await asyncio.gather(*(shard.follow() for shard in shards)):
                    read += records
    except TimeoutError:
        silent = ", ".join(str(shard.state.shard) for shard in shards if command.id not in shard.state.answers)
        return Given(command, published=True, accepted=None, detail=f"no answer from shard {silent}")
    refusals = (_refusal(shard.state.answers[command.id]) for shard in shards)
    refused = next((each for each in refusals if each is not None), None)
    if refused is not None:
        return Given(command, published=True, accepted=False, reason=refused.reason, detail=refused.detail)
    steps = [record for record in read if any(entry.key == f"answer/{command.id}" for entry in record.entries)]
    trust = shards[0].state.book.trust
    opened = [open_sealed(change, trust, RoutingChange) for step in steps for change in step.changes]
    changes = [each.value for each in opened if isinstance(each, Verified)]
    concerned = tuple(change for change in changes if command.agent in {change.agent, ANY})
    return Given(command, published=True, accepted=True, changes=concerned)


def _refusal(answer: AnswerEntry) -> Refused | None:
    return None if answer.accepted else Refused(Reason(answer.reason), answer.detail)
