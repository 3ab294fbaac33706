"""When a world has come to rest: all that was decided is where it must get to."""

from collections.abc import Callable
from functools import partial

from interlock.notifier.service import GROUP as NOTIFIER
from interlock.records.change import AckKind, Acknowledgement
from interlock.records.state import StateMark
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.runtime.bus import Position
from interlock.testing.killing.world import SERVICES, World
from interlock.watch.service import GROUP as WATCH
from interlock.wire.topics import ACKS, AUDIT, NOTICES, ROUTES, SHARDS, STATE


async def settled(world: World) -> None:
    """Wait until nothing is left to be done, at one moment: routes, state, acknowledgements, notices and offsets follow the log."""
    for what, condition in _CONDITIONS.items():
        await world.until(partial(condition, world), what)
    await world.until(lambda: all(condition(world) for condition in _CONDITIONS.values()), "all of it at one moment")


def routes_follow(world: World) -> bool:
    """Whether the routes topic, as compaction would leave it, is what the log says."""
    wanted = {logged.change.value.route.key: logged.sealed for logged in world.ledger.read().all()}
    return last_of(world, ROUTES.name) == wanted


def router_follows(world: World) -> bool:
    """Whether the router holds what the log says, and every shard has a live lease."""
    if world.subscriber is None:
        return False
    state, boot = world.subscriber.state, world.clock.now().boot
    wanted = {logged.change.value.route: logged.change.event_id for logged in world.ledger.read().all()}
    held = {route: held.change.event_id for route, held in state.held.items()}
    return held == wanted and all((lease := state.leases.get(n)) and boot < lease.end for n in range(SHARDS))


def router_said_so(world: World) -> bool:
    """Whether the router acknowledged the change that each route rests on."""
    acknowledged = {word.event_id for word in world.read(ACKS.name, Acknowledgement) if word.kind is AckKind.ACK}
    routes = {logged.change.value.route: logged.change.event_id for logged in world.ledger.read().all()}
    return acknowledged.issuperset(routes.values())


def state_is_marked(world: World) -> bool:
    """Whether the mark of every shard names the last step that counts."""
    marks = {mark.shard: (mark.term, mark.sequence) for mark in world.read(STATE.name, StateMark)}
    return marks == {shard: step for shard, step in world.ledger.read().steps.items() if step is not None}


def everybody_is_told(world: World) -> bool:
    """Whether of each change it is on record that its notice was accepted, or refused for as long as the watch waits."""
    words = world.read(NOTICES.name, Notice)
    accepted = {word.event_id for word in words if word.kind is NoticeKind.ACCEPTED}
    changes = {logged.change.event_id for logged in world.ledger.read().all()}
    refused = {
        logged.change.event_id
        for logged in world.ledger.all()
        if logged.change.value.route.agent in world.receiver.refuses
    }
    return changes - accepted <= refused


def breaches_are_told(world: World) -> bool:
    """Whether the last channel was told of every breach."""
    return {f"breach-{breach.event_id.hex()}" for breach in world.read(NOTICES.name, Breach)} <= set(
        world.receiver.heard
    )


def offsets_are_committed(world: World) -> bool:
    """Whether a restart of notifier and watch would begin at the last claim of every shard."""
    terms = world.ledger.read().terms
    return all(
        world.broker.committed(group, Position(AUDIT.name, shard)) == terms[shard]
        for group in (NOTIFIER, WATCH)
        for shard in range(SHARDS)
    )


def last_of(world: World, topic: str) -> dict[str, bytes]:
    """What compaction would leave of a topic."""
    last = {(record.key or b"").decode(): record.value for record in world.broker.records(topic)}
    return {key: value for key, value in last.items() if value is not None}


_CONDITIONS: dict[str, Callable[[World], bool]] = {
    "everybody is at work": lambda world: all(
        name in world.running and not world.running[name].task.done() for name in SERVICES
    ),
    "the routes topic follows the log": routes_follow,
    "the router follows the log": router_follows,
    "the router acknowledged what it follows": router_said_so,
    "the state topic is marked": state_is_marked,
    "every notice is accepted": everybody_is_told,
    "the last channel was told": breaches_are_told,
    "the offsets are committed": offsets_are_committed,
}
