"""What must be true after a story, whoever was killed in it; and what must be the same as if nobody had been.

The same, by content: of each route its changes in their order, each with its source, its target, its cause and the policy it rests on. Not
the same, and rightly so: terms and versions (every claim begins a term), times, and how often an attempt, an acknowledgement or a heartbeat
was repeated. What is repeated must be known as a repetition: by the event's identity, the order's number, the message's key.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest

from interlock.decision.desk import desks
from interlock.decision.replay import replay
from interlock.decision.restart import Source, start_again
from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.commands import WATCH_ID, Command
from interlock.records.documents import Denial
from interlock.records.log import NO_TERM
from interlock.records.sealing import seal
from interlock.records.telling import Breach, Finding, Ticket
from interlock.router.marks_file import MarksFile
from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBus
from interlock.testing.in_memory import shell
from interlock.testing.killing.ledger import Logged
from interlock.testing.killing.services import MARKS
from interlock.testing.killing.settled import routes_follow
from interlock.testing.killing.world import World
from interlock.vocabulary.identifiers import Order, RouteId
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import AUDIT, COMMANDS, FINDINGS, NOTICES, POLICIES, ROUTES, TICKETS

_ORDER = re.compile(r"@\d+\.\d+\.\d+")

IN_FORCE_S_MAX = 40.0
"""How long an order may be obeyed after another was journalled: lease, grace, the latest record and the longest pause."""

DENIED_S_MAX = 1.0
"""How long a router may serve a model after its denial stands on the topic: it reads five times a second."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a story came to, by content: equal for two runs if nothing was lost, repeated or changed by a kill.

    Attributes:
        changes: By route: what was ordered, and why.
        breaches: The changes that nobody was told of in time, by route and place.
        suspensions: The watch's orders, by the same.
        served: What each route ended on.
    """

    changes: dict[str, tuple[tuple[object, ...], ...]]
    breaches: frozenset[tuple[str, int]]
    suspensions: frozenset[tuple[str, int]]
    served: dict[str, str | None]


def account_of(world: World) -> Account:
    """What a story came to."""
    changes: dict[RouteId, list[Logged]] = {}
    for logged in world.ledger.read().all():
        changes.setdefault(logged.change.value.route, []).append(logged)
    place = {
        each.change.event_id: (route.key, number)
        for route, of_route in changes.items()
        for number, each in enumerate(of_route)
    }
    ordered = {
        said.id.removeprefix(WATCH_ID) for said in world.read(COMMANDS.name, Command) if said.id.startswith(WATCH_ID)
    }
    return Account(
        {route.key: tuple(_content(each.change.value) for each in of_route) for route, of_route in changes.items()},
        frozenset(place[breach.event_id] for breach in world.read(NOTICES.name, Breach)),
        frozenset(place[bytes.fromhex(event_id)] for event_id in ordered),
        {route.key: world.served(route) for route in changes},
    )


def differences(account: Account, other: Account) -> list[str]:
    """What is otherwise in one account than in another, in words."""
    found: list[str] = []
    for route in sorted(account.changes.keys() | other.changes.keys()):
        ours, theirs = account.changes.get(route, ()), other.changes.get(route, ())
        pairs = enumerate(zip_longest(ours, theirs), start=1)
        found += [f"{route}, change {n}: {_unlike(one, two)}" for n, (one, two) in pairs if one != two][:1]
    if (account.breaches, account.suspensions) != (other.breaches, other.suspensions):
        found.append(
            f"breaches {account.breaches}, suspensions {account.suspensions}, not {other.breaches}, {other.suspensions}"
        )
    if account.served != other.served:
        found.append(f"at the end {account.served} is served, not {other.served}")
    return found


def _unlike(one: tuple[object, ...] | None, two: tuple[object, ...] | None) -> str:
    if one is None or two is None:
        return f"{one}, not {two}"
    return "; ".join(f"{ours}, not {theirs}" for ours, theirs in zip(one, two, strict=True) if ours != theirs)


def _content(said: RoutingChange) -> tuple[object, ...]:
    cause = said.cause
    return (
        said.source,
        said.target,
        said.safe_state,
        said.weight,
        str(cause.trigger),
        cause.model,
        _ORDER.sub("@", cause.detail),  # the number of another change is as little the same as its own
        said.policy_version,
        said.root_version,
        said.verification,
        said.delta,
    )


async def wrong(world: World, *, void: int = 0, doubted: bool = False) -> list[str]:
    """Everything that is wrong with a world that has come to rest.

    Args:
        world: The world.
        doubted: Whether a start may find that the state topic disagrees with the log: somebody wrote there who should not.
        void: How many records of the log may count for nothing: what a dead owner's connection delivered late.
    """
    found = [*_log(world), *_routes(world), *_notices(world), *_served(world), *_tickets(world), *_marks(world)]
    doubts = sum(n for (_, reason), n in findings_of(world).items() if reason == Reason.STATE_DISAGREES)
    if doubts > world.unmarked_when_killed and not doubted:
        found.append(f"the state topic was not believed {doubts} times")
    found += await _replayed(world, void)
    return found + await _started_again(world)


def _log(world: World) -> list[str]:
    """Each change stands in the log exactly once, and every route's orders count up."""
    found: list[str] = []
    logged = world.ledger.read().all()
    twice = [
        event_id.hex() for event_id, count in Counter(each.change.event_id for each in logged).items() if count > 1
    ]
    found += [f"a change stands in the log twice: {event_id}" for event_id in twice]
    last: dict[RouteId, Order] = {}
    for each in logged:
        said = each.change.value
        if said.route in last and said.order <= last[said.route]:
            found.append(f"{said.id} is ordered after {last[said.route]}")
        last[said.route] = said.order
    return found


def _routes(world: World) -> list[str]:
    """What stands on the routes topic stood in the log before, and the last of each route is the log's."""
    found = [] if routes_follow(world) else ["the routes topic is not what the log says"]
    step_of = {each.sealed: each.where for each in world.ledger.all()}
    place = {where: number for number, where in enumerate(world.broker.order)}
    for record in world.broker.records(ROUTES.name):
        step = step_of.get(record.value or b"")
        here = Position(record.topic, record.partition), record.offset
        if step is None:
            found.append(f"a record of the routes topic is in no step that counts: {here}")
        elif place[here] < place[step]:
            found.append(f"a change was on the routes topic before it was in the log: {here}")
    return found


def _notices(world: World) -> list[str]:
    """Every change was accepted by its receiver under its own key, with the same bytes; repeated only by a kill."""
    receiver, changes = world.receiver, {each.change.event_id.hex() for each in world.ledger.all()}
    found = [f"nobody was told of {key}" for key in changes - receiver.accepted.keys()]
    found += [f"told of what is no change: {key}" for key in receiver.accepted.keys() - changes]
    found += [f"one key, several messages: {key}" for key, bodies in receiver.bodies.items() if len(bodies) > 1]
    repeated = sum(receiver.accepted.values()) - len(receiver.accepted)
    if repeated > world.in_hand_when_killed:
        found.append(f"{repeated} notices were accepted again, {world.in_hand_when_killed} were in hand at a kill")
    breaches = {f"breach-{breach.event_id.hex()}" for breach in world.read(NOTICES.name, Breach)}
    if set(receiver.heard) != breaches:
        found.append("the last channel was told of something else than the breaches")
    return found


def _served(world: World) -> list[str]:
    """At no moment did the router serve what no change in force allowed."""
    found: list[str] = []
    by_id = {each.change.value.id: each for each in world.ledger.all()}
    place = {where: number for number, where in enumerate(world.broker.order)}
    last: dict[RouteId, Order] = {}
    denied = {said.model: said.issued_at // 1_000 for said in world.read(POLICIES.name, Denial)}
    for look in world.looks:
        at = f"at {look.at_s:.1f} s {look.route.key} was served by {look.model}"
        logged = by_id.get(look.change_id)
        if logged is None or logged.change.value.target != look.model or place[logged.where] >= look.logged:
            found.append(f"{at}, which no change in the log says")
            continue
        said = logged.change.value
        if look.route in last and said.order < last[look.route]:
            found.append(f"{at} under {said.id}, after {last[look.route]}")
        last[look.route] = said.order
        after = [each.at_ms for each in world.ledger.of(look.route) if each.change.value.order > said.order]
        if after and look.at_ms - min(after) > IN_FORCE_S_MAX * 1_000:
            found.append(f"{at} under {said.id}, long after the next change")
        if look.at_ms - denied.get(look.model, look.at_ms) > DENIED_S_MAX * 1_000:
            found.append(f"{at}, which was denied")
    return found[:5]


def _tickets(world: World) -> list[str]:
    kept = {ticket.id for ticket in world.read(TICKETS.name, Ticket)}
    return [f"a client holds a ticket that nobody has: {id_}" for id_ in world.tickets if id_ and id_ not in kept]


def _marks(world: World) -> list[str]:
    """What the router would remember if it started again is what it holds."""
    if world.subscriber is None:
        return ["the router is not there"]
    file = MarksFile(world.disk / MARKS)
    kept = file.load()
    file.close()
    found: list[str] = []
    for route, held in world.subscriber.state.held.items():
        mark = kept.order(route)
        if mark is None or mark[1] != held.change.event_id.hex():
            found.append(f"the mark of {route.key} is another than what is held")
    return found


async def _replayed(world: World, void: int) -> list[str]:
    found: list[str] = []
    for shard, replayed in enumerate(await replay(MemoryBus(world.broker), world.deployment.book())):
        found += [f"replay of shard {shard}: {each.what} at {each.offset}" for each in replayed.differences]
        if replayed.void > void:
            found.append(f"{replayed.void} records of shard {shard}'s log count for nothing, {void} may")
    return found


async def _started_again(world: World) -> list[str]:
    """A decision process that starts now starts from the state topic, and has nothing to put right. It leaves its claims behind."""
    found: list[str] = []
    bus, owner = MemoryBus(world.broker), "decision-1"
    async with shell(bus, owner, world.deployment, world.clock) as it:
        desk_for = desks(it)
        for shard, replayed in enumerate(await replay(bus, it.book, check=False)):
            desk = desk_for(shard, lambda: True)
            claim = AuditRecord(shard, AuditKind.CLAIM, owner, NO_TERM, 0, desk.now(), (), (), (), b"")
            offset = world.broker.append(Position(AUDIT.name, shard), b"claim", seal(claim, desk.key))
            restart = await start_again(desk, offset)
            empty = replayed.journal.last is None
            if restart.source is not Source.STATE and not empty:
                found.append(f"the state topic of shard {shard} does not do for a start")
            if restart.journal.state.digest.root != replayed.journal.state.digest.root:
                found.append(f"the state topic of shard {shard} makes another state than the log")
            if restart.unpublished or (len(restart.unwritten) and not empty):
                found.append(f"shard {shard} has something to put right")
    return found


def findings_of(world: World) -> Counter[tuple[str, str]]:
    """What was found, by service and reason."""
    return Counter((said.service, said.reason) for said in world.read(FINDINGS.name, Finding))
