"""Brokers that break: the leader of each topic in turn, the groups' coordinator, one that only stands still, two of three, all.

In each, the primary of an agent dies at the same time, so that a change has to be decided, appended and obeyed while the cluster mends
itself. With one broker gone nobody need notice but by a pause: a partition finds a new leader once the old one has been silent for
`broker.session.timeout.ms` (6 s), which is less than the lease. With two gone nothing can be acknowledged (`min.insync.replicas` is 2):
no heartbeat, no change; each agent then stops when its lease and its grace are over.
"""

import asyncio
from functools import partial

from interlock.brokers.groups import coordinator
from interlock.decision.service import GROUP
from interlock.trials.drill.cast import Agent
from interlock.trials.survive.cast import AGENTS, COUNTER, PORTER, VAULT
from interlock.trials.survive.fault import Fault, Seen
from interlock.trials.survive.world import World
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT, SHARDS, TOPICS, TopicSpec

MOVES_ON = "another broker leads, an agent whose primary dies meanwhile is moved, and all are answered"
STOPS = "nothing is acknowledged, each agent stops when lease and grace are over, and all are answered once the brokers are back"


async def leader_of(spec: TopicSpec, agent: Agent, world: World) -> Seen:
    """Kill the leader of a partition of a topic, the agent's own where it is sharded; the agent's primary dies, too."""
    partition = shard_of(agent.name, SHARDS) % spec.partitions
    leader = await _leader(world, spec.name, partition)
    began = world.now
    await world.kill_nodes(leader)
    return await _one_is_gone(
        world, agent, leader, began, f"broker {leader}, which led {spec.name}/{partition}, was killed"
    )


async def groups(world: World) -> Seen:
    """Kill the broker that coordinates decision's consumer group."""
    node = await asyncio.to_thread(coordinator, world.kafka.bootstrap, GROUP)
    began = world.now
    await world.kill_nodes(node)
    return await _one_is_gone(
        world, VAULT, node, began, f"broker {node}, which coordinated decision's group, was killed"
    )


async def standing_still(world: World) -> Seen:
    """Stop the leader of the audit log in its tracks; it goes on when another leads, and must notice."""
    partition = shard_of(PORTER.name, SHARDS)
    leader = await _leader(world, AUDIT.name, partition)
    began = world.now
    world.pause_node(leader)
    return await _one_is_gone(
        world, PORTER, leader, began, f"broker {leader}, which led {AUDIT.name}/{partition}, stood still"
    )


async def gone(count: int, world: World) -> Seen:
    """Kill so many brokers at once, and a primary with them; wait until every agent has stopped."""
    nodes = world.chance.sample([node.number for node in world.kafka.nodes], count)
    began = world.now
    await world.kill_nodes(*nodes)
    world.primary_fails(COUNTER)
    before = len(world.field.changes(COUNTER.name))
    for agent in sorted(AGENTS, key=world.silence_max):
        await world.until_stopped(agent, since=began)
        world.tell(f"{agent.name} has stopped")
    stopped = ", ".join(f"{agent.name} {_first_stop(world, agent, began):.0f} s" for agent in AGENTS)
    await world.restart_nodes(*nodes)
    healed_at = world.now
    await world.until_moved(COUNTER, after=before)
    await world.whole()
    return Seen(f"in the safe state after the kill: {stopped}; then served again", healed_at)


async def _one_is_gone(world: World, agent: Agent, node: int, began: Micros, what: str) -> Seen:
    """With one broker away: the agent's primary dies, the agent is moved, the others are answered; then the broker comes back."""
    after = world.primary_fails(agent)
    change = await world.until_moved(agent, after=after)
    since = world.now
    for each in AGENTS:
        await world.until_served(each, since=since)
    ends = world.now
    moved_s = (change.issued_at - began) / SECOND
    healed_at = await world.whole()
    stops = world.stops(began, ends)
    outcome = (
        f"{what}; {agent.name} was moved {moved_s:.1f} s later; longest silence of a shard "
        f"{world.silences(began, ends):.1f} s; {stops}"
    )
    return Seen(outcome, healed_at)


async def _leader(world: World, topic: str, partition: int) -> int:
    leader = await asyncio.to_thread(world.kafka.leader, topic, partition)
    assert leader is not None, "all is well, so somebody leads"
    return leader


def _first_stop(world: World, agent: Agent, since: Micros) -> float:
    """How long after a moment the last gateway began to answer an agent in its safe state, seconds."""
    first = [world.stopped(agent, gateway, since)[0].at for gateway in world.gateways]
    return (max(first) - since) / SECOND


def _short(spec: TopicSpec) -> str:
    return spec.name.split(".")[1]


FAULTS = (
    *(
        Fault(
            f"leader-{_short(spec)}",
            f"the leader of {spec.name} is killed",
            MOVES_ON,
            partial(leader_of, spec, AGENTS[number % len(AGENTS)]),
            brokers=3,
        )
        for number, spec in enumerate(TOPICS)
    ),
    Fault("leader-groups", "the coordinator of decision's group is killed", MOVES_ON, groups, brokers=3),
    Fault("leader-stands-still", "the leader of the audit log stands still", MOVES_ON, standing_still, brokers=3),
    Fault("two-brokers", "two of three brokers are killed at once", STOPS, partial(gone, 2), brokers=3),
    Fault("three-brokers", "all three brokers are killed at once", STOPS, partial(gone, 3), brokers=3),
    Fault("one-broker", "the only broker is killed", STOPS, partial(gone, 1), brokers_max=1),
)
"""The faults of brokers; the last is for a deployment on one."""
