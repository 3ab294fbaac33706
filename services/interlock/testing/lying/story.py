"""One story for every lie: the agent is on its primary, some services begin to be lied to, the primary is denied, and later the truth is told again.

What came of it is told by what people outside saw, and by the topics as they really are.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.health import Level
from interlock.records.log import ShardLog
from interlock.records.sealing import event_id_of, open_sealed
from interlock.records.telling import Breach, Finding
from interlock.runtime.bus import Position, Record
from interlock.signing.statement import Statement
from interlock.signing.verifier import Verified
from interlock.testing.lying.lies import Lie
from interlock.testing.lying.world import DEADLINE_S, LEASE_S, SHARD, LyingWorld
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import AUDIT, FINDINGS, NOTICES, ROUTES, SHARDS, TopicSpec

T = TypeVar("T", bound=Statement)

LIE_S = 90
"""How long the lies last: longer than a lease and its grace, a deadline and its watch's period, and the outside's patience."""

SHORT_LIE_S = 40
"""The same without the outside's patience: where nobody is lied to who gives signs of life, or who tells."""

PATIENCE_S = 60
"""How long the outside waits for a sign of life."""

_PERIOD = seconds(5)
"""How much later than the deadline a breach may be on record: the promise."""


class Route(StrEnum):
    """Where the route stands while lies are told."""

    RIGHT = "right"
    SAFE = "safe"
    WRONG = "wrong"


class News(StrEnum):
    """What became of the changes that were made meanwhile."""

    TOLD = "told"
    BREACH = "breach"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a story.

    Attributes:
        route: Where the route stood at the end of the lies.
        news: Whether every change was told, or put on record as a breach.
        sign: Whether signs of life went on outside.
        denied_s: How long after its denial the denied model was last served.
        converged_s: How long after the lies had ended the right model was served.
        faults: What must never be, in words.
        reasons: Findings that were told, by reason.
    """

    route: Route
    news: News
    sign: bool
    denied_s: float
    converged_s: float
    faults: tuple[str, ...]
    reasons: Counter[str]

    @property
    def end(self) -> str:
        """In words: the route, the news, the signs of life."""
        return f"{self.route}, {self.news}, {'signs' if self.sign else 'no signs'}"

    @property
    def noticed(self) -> bool:
        """Whether people are told of each change, or of a breach, or miss the sign of life."""
        return self.news is not News.SILENCE or not self.sign


Lies = Callable[[Micros], Sequence[Lie]]
"""Lies that begin at a moment."""


def tell_story(
    folder: Path, victims: Collection[str], lies: Lies, *, killed: Collection[str] = (), lie_s: float = LIE_S
) -> Outcome:
    """Tell lies to some services while a model is denied, and then the truth.

    Args:
        folder: The router's disk.
        victims: The services that are lied to.
        lies: What they are told.
        killed: The services that are started again while lies are told: they must learn everything from them.
        lie_s: How long lies are told.
    """

    async def scenario(clock: VirtualClock) -> Outcome:
        world = LyingWorld(clock, folder)
        await world.open()
        try:
            return await _tell(world, victims, lies, killed, lie_s)
        finally:
            await world.close()

    return run_virtually(scenario)


async def _tell(
    world: LyingWorld, victims: Collection[str], lies: Lies, killed: Collection[str], lie_s: float
) -> Outcome:
    await world.settled("atlas")
    await asyncio.sleep(2)
    began = world.now
    world.lie(victims, lies(began))
    await asyncio.sleep(1)
    for service in killed:
        await world.kill(service)
    denied = world.now
    world.deny("atlas")
    await asyncio.sleep(lie_s)
    over, answer = world.now, world.answer()
    route = {"birch": Route.RIGHT, None: Route.SAFE}.get(answer, Route.WRONG)
    world.truth()
    converged = await world.settled("birch", within_s=2 * LEASE_S)
    await asyncio.sleep(LEASE_S)
    await _life_goes_on(world)
    return Outcome(
        route=route,
        news=_news(world, began, over),
        sign=_signs(world, began, over),
        denied_s=_last_served(world, "atlas", denied),
        converged_s=converged,
        faults=tuple(_faults(world)),
        reasons=Counter(found.reason for found in opened(world, FINDINGS, Finding)),
    )


async def _life_goes_on(world: LyingWorld) -> None:
    """The fallback fails and comes back: the route follows."""
    world.levels["birch"] = Level.UNAVAILABLE
    await world.settled(None)
    world.levels["birch"] = Level.HEALTHY
    await world.settled("birch")
    await asyncio.sleep(5)


def opened(world: LyingWorld, topic: TopicSpec, kind: type[T]) -> list[T]:
    """Every genuine record of a topic, as it really is."""
    where = (Position(topic.name, n) for n in range(topic.partitions))
    found = (open_sealed(record.value, world.deployment.root, kind) for each in where for record in _all(world, each))
    return [each.value for each in found if isinstance(each, Verified)]


def _all(world: LyingWorld, where: Position) -> list[Record]:
    return world.broker.fetch(where, 0, 1_000_000)


def _orders(world: LyingWorld) -> dict[bytes, RoutingChange]:
    """Every change that counts in the agent's log, by its identity."""
    log, found = ShardLog(SHARD), dict[bytes, RoutingChange]()
    for record in _all(world, Position(AUDIT.name, SHARD)):
        step = open_sealed(record.value, world.deployment.root, AuditRecord)
        if isinstance(step, Verified) and log.take(record.offset, step.value):
            changes = (open_sealed(each, world.deployment.root, RoutingChange) for each in step.value.changes)
            found |= {each.event_id: each.value for each in changes if isinstance(each, Verified)}
    return found


def _news(world: LyingWorld, began: Micros, over: Micros) -> News:
    """The worst that became of a change whose deadline came while lies were told."""
    breaches = {each.event_id: each.at for each in opened(world, NOTICES, Breach)}
    worst = News.TOLD
    for event_id, change in _orders(world).items():
        due = change.issued_at + seconds(DEADLINE_S)
        if not began <= change.issued_at or due + _PERIOD > over or min(_told(world, event_id), default=over) <= due:
            continue
        if breaches.get(event_id, over) > due + _PERIOD:
            return News.SILENCE
        worst = News.BREACH
    return worst


def _told(world: LyingWorld, event_id: bytes) -> list[Micros]:
    return world.receiver.told.get(event_id.hex(), [])


def _signs(world: LyingWorld, began: Micros, over: Micros) -> bool:
    times = [began, *(at for at in world.signs if began < at < over), over]
    return max(later - before for before, later in pairwise(times)) <= seconds(PATIENCE_S)


def _last_served(world: LyingWorld, model: str, since: Micros) -> float:
    last = max((seen.at for seen in world.served if seen.model == model), default=since)
    return max(0, last - since) / SECOND


def _faults(world: LyingWorld) -> Iterator[str]:
    """What must never be, whoever is lied to and how."""
    yield from (f"crashed: {error!r}" for error in world.crashed)
    if any(seen.model == "zebra" for seen in world.served):
        yield "an unapproved model was served"
    logged, published = _orders(world), opened(world, ROUTES, RoutingChange)
    known = {event_id_of(change) for change in published}
    if not known <= logged.keys():
        yield "a change was published that does not count in the log"
    for order, several in _by_order(published).items():
        if len(several) > 1:
            yield f"{len(several)} changes are {order}"
    told = {event_id.hex() for event_id in logged}
    if not world.receiver.told.keys() <= told:
        yield "something was told under a key that is no change's"
    if not told <= world.receiver.told.keys():
        yield "a change was never told, though the truth is told again"
    yield from (f"the log does not replay: {each.what}" for each in _replayed(world).differences)


def _by_order(changes: Sequence[RoutingChange]) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = {}
    for change in changes:
        found.setdefault(f"{change.route.key}@{change.order}", set()).add(event_id_of(change))
    return found


def _replayed(world: LyingWorld) -> Journal:
    journal = Journal(State.start(SHARD, SHARDS, world.deployment.book()), ShardLog(SHARD), check=True)
    for record in _all(world, Position(AUDIT.name, SHARD)):
        journal.take(record.offset, record.value)
    return journal
