"""A world that is deaf, full or asleep: a consumer that hangs, a router's full disk, a machine that sleeps."""

import resource
from collections.abc import Iterable, Sequence
from functools import partial

from interlock.records.change import AckKind, RoutingChange
from interlock.router.gateway.replies import NORMAL
from interlock.runtime.bus import Position
from interlock.runtime.first_settings import OWNERS
from interlock.testing.doubles.hanging_consumer import deafen
from interlock.trials.drill.cast import Agent
from interlock.trials.steady_client import Reply
from interlock.trials.survive.cast import AGENTS, COUNTER, PORTER
from interlock.trials.survive.fault import Fault, Seen
from interlock.trials.survive.world import World
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import COMMANDS

DECISIONS = ("decision", "decision-2")
GATEWAY = "gateway"

HEARD_WITHIN = seconds(4)
"""How long after an input hangs a heartbeat may still be sent: 2 s until it is noticed, and what is under way."""


async def hanging(world: World) -> Seen:
    """One partition of commands is heard no more by decision, so it may not say that it heard everything."""
    settings = [world.field.stage.workspace.settings(service) for service in DECISIONS]
    began = world.now
    world.tell("decision hears nothing more of one partition of the commands")
    try:
        for path in settings:
            deafen(path, Position(COMMANDS.name, 0))
        after = world.primary_fails(PORTER)
        for agent in sorted(AGENTS, key=world.silence_max):
            await world.until_stopped(agent, since=began)
            world.tell(f"{agent.name} has stopped")
    finally:
        for path in settings:
            deafen(path, None)
    healed_at = world.now
    heard = [beat for beats in world.field.witness.heartbeats.values() for beat in beats if beat.issued_at > began]
    late = [beat for beat in heard if beat.issued_at > began + HEARD_WITHIN and beat.issued_at < healed_at]
    faults = [
        f"Shard {beat.shard} beat {(beat.issued_at - began) / SECOND:.1f} s after an input hung." for beat in late
    ]
    await world.until_moved(PORTER, after=after)
    await world.whole()
    last = max((beat.issued_at for beat in heard if beat.issued_at < healed_at), default=began)
    outcome = f"the last heartbeat came {(last - began) / SECOND:.1f} s after the consumer hung; every agent stopped"
    return Seen(outcome, healed_at, tuple(faults[:3]))


async def full_disk(world: World) -> Seen:
    """One gateway can write nothing more, log lines included; an order that it cannot remember it must not obey."""
    agent, router, pid = COUNTER, OWNERS[GATEWAY], world.field.stage.processes.pid(GATEWAY)
    began = world.now
    world.tell(f"the disk of {GATEWAY} is full")
    _may_write(pid, 0)
    try:
        after = world.primary_fails(agent)
        await world.until(f"{agent.name} is moved", lambda: world.moved(agent, after=after) is not None)
        change = world.moved(agent, after=after)
        assert change is not None, "just seen"
        await world.until(
            f"{router} refuses what it cannot remember", lambda: _answers(world, router, change, AckKind.NACK)
        )
        await world.until(f"{router} tells so", lambda: world.found(router, Reason.NOT_PERSISTED, began))
        shown = await _shown(world, agent, router)
        stops = partial(world.stopped, agent, GATEWAY, began)
        await world.until(f"{GATEWAY} stops {agent.name}", lambda: bool(stops()))
        stopped_s = (stops()[0].at - began) / SECOND
        obeyed = world.served(agent, GATEWAY, began, change.target)
    finally:
        _may_write(pid, resource.RLIM_INFINITY)
    healed_at = world.now
    world.tell(f"the disk of {GATEWAY} has room again")
    await world.until(f"{router} obeys", lambda: _answers(world, router, change, AckKind.ACK))
    await world.until_served(agent, since=healed_at, model=change.target)
    await world.whole()
    faults = [] if shown == Reason.NOT_PERSISTED else [f"`interlock status` says {shown!r} of {router}."]
    if obeyed:
        faults.append(f"{GATEWAY} served {change.target} {len(obeyed)} times though it could not remember the order.")
    outcome = (
        f"NACK and finding {Reason.NOT_PERSISTED}, shown in status; {agent.name} stopped there {stopped_s:.1f} s after the failure "
        f"and was served under the same order once there was room"
    )
    return Seen(outcome, healed_at, tuple(faults))


async def asleep(services: Sequence[str], nodes: Iterable[int], world: World) -> Seen:
    """Processes stand still for longer than every lease and grace; the first request after that finds the safe state."""
    began = world.now
    for service in services:
        world.pause(service)
    for node in nodes:
        world.pause_node(node)
    longest = max(map(world.silence_max, AGENTS))
    ends = Micros(began + longest)
    await world.until("every lease and grace is over", lambda: world.now > ends)
    for node in nodes:
        world.resume_node(node)
    for service in sorted(services, key=lambda name: name not in world.gateways):
        world.resume(service)
    healed_at = world.now
    gateways = [gateway for gateway in world.gateways if gateway in services]
    faults = []
    for agent in AGENTS:
        for gateway in gateways:
            first = await _first_since(world, agent, gateway, began)
            if first.state == NORMAL:
                faults.append(f"{gateway} woke, and {first.model} answered the first request of {agent.name}.")
    await world.whole()
    slept = (healed_at - began) / SECOND
    outcome = f"slept for {slept:.0f} s; the first request of every agent was answered in its safe state"
    return Seen(outcome, healed_at, tuple(faults))


async def sleeping_machine(world: World) -> Seen:
    """Everything sleeps, the brokers too."""
    return await asleep(world.services, [node.number for node in world.kafka.nodes], world)


def _may_write(pid: int, size: int) -> None:
    """Let no file of a process grow beyond a size; each attempt fails as on a full disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _answers(world: World, router: str, change: RoutingChange, kind: AckKind) -> bool:
    acks = world.field.witness.acks
    return any((ack.router, ack.change_id, ack.kind) == (router, change.id, kind) for ack in acks)


async def _shown(world: World, agent: Agent, router: str) -> str:
    """What `interlock status` says of a router and an agent's route."""
    said = await world.field.type("status", world.field.route(agent.name).key)
    return str(said["routes"][0]["routers"].get(router))


async def _first_since(world: World, agent: Agent, gateway: str, began: Micros) -> Reply:
    """The first answer of a gateway to a request that was made since a moment."""

    def answers() -> list[Reply]:
        replies = (reply for reply in world.replies(agent, gateway, began) if reply.status)
        return sorted(replies, key=lambda reply: reply.at)

    await world.until(f"{gateway} answers {agent.name}", lambda: bool(answers()))
    return answers()[0]


FAULTS = (
    Fault(
        "hanging-consumer",
        "a consumer of decision hangs on one partition",
        "no heartbeat is sent, every agent stops when lease and grace are over, and is answered once everything is heard",
        hanging,
        within=True,
    ),
    Fault(
        "full-disk",
        "a gateway's disk is full",
        "it refuses what it cannot remember, tells so, keeps the old route or stops, and obeys once there is room",
        full_disk,
    ),
    Fault(
        "gateway-asleep",
        "a gateway is suspended for longer than lease and grace",
        "the first request after waking is answered in the safe state",
        partial(asleep, (GATEWAY,), ()),
    ),
    Fault(
        "machine-asleep",
        "the whole machine is suspended for longer than lease and grace",
        "the first request after waking is answered in the safe state, and everything begins anew",
        sleeping_machine,
    ),
)
"""The faults of a world that is deaf, full or asleep."""
