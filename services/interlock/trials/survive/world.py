"""What a fault may touch, and what can be seen of it: the drill's field, its brokers, and every agent at every gateway.

What breaks is a broker (`kafka`), a process of a service (`field.stage.processes`: killed, paused, restarted), a model's server. What
is waited for is what clients, model servers and topics show. `whole` mends whatever of these is broken; a fault that breaks something
else mends it itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from itertools import pairwise
from random import Random  # noqa: TID251 - it is made from the seed that the run was given

from interlock.brokers.real import KafkaCluster
from interlock.records.change import RoutingChange
from interlock.router.gateway.replies import NORMAL
from interlock.trials.drill.cast import Agent
from interlock.trials.drill.field import PATIENCE_S, Field, moved
from interlock.trials.drill.founded import ROUTE
from interlock.trials.steady_client import Fate, Reply
from interlock.trials.survive.cast import AGENTS
from interlock.trials.witness import NotSeen
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, parse_duration
from interlock.wire.topics import SHARDS

REPLIES = 3
"""How many replies bear out that an agent is served, or stopped, at a gateway."""

_LOOK_S = 0.2


@dataclass(slots=True)
class World:
    """Everything that a fault plays with. All clients ask all the time, at every gateway.

    Attributes:
        field: The deployment, its outside, and what was seen.
        kafka: Its brokers.
        services: The services and further instances that run.
        lease_us: How long gateways believe silence, the permitted skew included.
        tell: Is told what happens, a line at a time.
        chance: What is left to chance, from the seed of the run.
        down: The services that were killed (True) or paused through this and are not back yet.
        paused_nodes: The brokers that were paused.
    """

    field: Field
    kafka: KafkaCluster
    services: Sequence[str]
    lease_us: Micros
    tell: Callable[[str], None]
    chance: Random
    down: dict[str, bool] = made(default_factory=dict)
    paused_nodes: set[int] = made(default_factory=set)

    @property
    def now(self) -> Micros:
        """The time, as everybody on this machine has it."""
        return self.field.now

    @property
    def gateways(self) -> Sequence[str]:
        """The gateways."""
        return tuple(self.field.everywhere)

    # What breaks, and is mended.

    async def kill(self, service: str) -> None:
        """End a process of a service at once, as a power cut would; it stays away until `restart`."""
        self.tell(f"{service} is killed")
        self.down[service] = True
        await self.field.stage.processes.kill(service)

    def pause(self, service: str) -> None:
        """Stop a service's clock (SIGSTOP): it holds its connections and says nothing."""
        self.tell(f"{service} is stopped in its tracks")
        self.down[service] = False
        self.field.stage.processes.pause(service)

    def resume(self, service: str) -> None:
        """Let a paused service go on."""
        self.tell(f"{service} goes on")
        del self.down[service]
        self.field.stage.processes.resume(service)

    async def restart(self, service: str) -> None:
        """Start a service again that was killed; nobody waits until it is ready."""
        self.tell(f"{service} is started again")
        del self.down[service]
        await self.field.stage.processes.restart(service)

    async def kill_nodes(self, *nodes: int) -> None:
        """End brokers at once."""
        self.tell(f"broker {', '.join(map(str, nodes))} killed")
        await asyncio.to_thread(self.kafka.kill, *nodes)

    async def restart_nodes(self, *nodes: int) -> None:
        """Start brokers again, all at once, and wait until they are part of the cluster."""
        self.tell(f"broker {', '.join(map(str, nodes))} started again")
        await asyncio.to_thread(self.kafka.restart, *nodes)

    def pause_node(self, node: int) -> None:
        """Stop a broker's clock (SIGSTOP)."""
        self.tell(f"broker {node} is stopped in its tracks")
        self.paused_nodes.add(node)
        self.kafka.pause(node)

    def resume_node(self, node: int) -> None:
        """Let a paused broker go on."""
        self.tell(f"broker {node} goes on")
        self.paused_nodes.discard(node)
        self.kafka.resume(node)

    def primary_fails(self, agent: Agent, mode: str = "refuse") -> int:
        """An agent's primary dies; how many changes the agent had."""
        before = len(self.field.changes(agent.name))
        self.field.behave(agent.ladder[0], mode=mode)
        return before

    async def whole(self) -> Micros:
        """Mend every broker, process and model server that is broken; when that was done."""
        for node in sorted(self.paused_nodes):
            self.resume_node(node)
        if dead := [node.number for node in self.kafka.nodes if node.number not in self.kafka.alive]:
            await self.restart_nodes(*dead)
        for service, killed in list(self.down.items()):
            await self.restart(service) if killed else self.resume(service)
        for agent in AGENTS:
            for model in agent.ladder:
                self.field.server(model).behave()
        return self.now

    # What is waited for.

    async def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds.

        Raises:
            NotSeen: It did not for `PATIENCE_S`.
        """
        await self.field.until(what, condition, within_s=PATIENCE_S)

    async def until_moved(self, agent: Agent, *, after: int) -> RoutingChange:
        """Wait until the log orders an agent's fallback, later than so many changes, and every gateway serves it.

        Raises:
            NotSeen: That did not happen.
        """
        fallback = agent.ladder[1]
        await self.until(f"{agent.name} is moved to {fallback}", lambda: self.moved(agent, after=after) is not None)
        change = self.moved(agent, after=after)
        assert change is not None, "just seen"
        self.tell(f"{moved(change)} ({change.cause.trigger}: {change.cause.detail})")
        await self.until_served(agent, model=fallback, since=change.issued_at)
        return change

    async def until_served(self, agent: Agent, *, since: Micros, model: str | None = None) -> None:
        """Wait until an agent is answered by a model, `REPLIES` times at every gateway that runs, to requests made since a moment.

        Raises:
            NotSeen: It is not.
        """
        running = [gateway for gateway in self.gateways if gateway not in self.down]

        def served() -> bool:
            return all(len(self.served(agent, gateway, since, model)) >= REPLIES for gateway in running)

        await self.until(f"{agent.name} is served by {model or 'a model'} at every gateway", served)

    async def until_stopped(self, agent: Agent, *, since: Micros) -> None:
        """Wait until an agent is answered in its safe state, `REPLIES` times at every gateway that runs, to requests made since a moment.

        Raises:
            NotSeen: It is not.
        """
        running = [gateway for gateway in self.gateways if gateway not in self.down]

        def stopped() -> bool:
            return all(len(self.stopped(agent, gateway, since)) >= REPLIES for gateway in running)

        await self.until(f"{agent.name} is in its safe state at every gateway", stopped)

    async def until_governed(self, since: Micros) -> Micros:
        """Wait until every shard has beaten and every agent was answered by a model since a moment; when that was so.

        Raises:
            NotSeen: It was not.
        """
        beaten = [await self._first_beat(shard, since) for shard in range(SHARDS)]
        for agent in AGENTS:
            await self.until_served(agent, since=max(since, beaten[shard_of(agent.name, SHARDS)]))
        first = [
            self.served(agent, gateway, max(since, beaten[shard_of(agent.name, SHARDS)]))[0].at
            for agent in AGENTS
            for gateway in self.gateways
        ]
        return max(*beaten, *first)

    async def until_well(self) -> None:
        """Wait until nothing is broken: brokers in sync, services ready, models well, every agent on its primary at every gateway.

        Raises:
            NotSeen: Something stays broken.
            InfrastructureError: A service was not ready in time.
        """
        await self._until_in_sync()
        await self.field.stage.processes.ready(*self.services)
        for agent in AGENTS:
            await self.field.until_placed(agent.name, agent.ladder[0])
            await self.field.until_healthy(*agent.ladder)
        since = self.now
        for agent in AGENTS:
            await self.until_served(agent, since=since, model=agent.ladder[0])
        await self.until_governed(since)

    async def _until_in_sync(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await asyncio.to_thread(self.kafka.in_sync):  # noqa: ASYNC110 - another process cannot set our event
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise NotSeen(
                f"Waited {PATIENCE_S:g} s in vain until every broker has every record.", "Look into the brokers' logs."
            ) from None

    async def _first_beat(self, shard: int, since: Micros) -> Micros:
        """When the first heartbeat of a shard was issued since a moment."""

        def beats() -> list[Micros]:
            heard = self.field.witness.heartbeats.get(shard, [])
            return [beat.issued_at for beat in heard[-100:] if beat.issued_at >= since]

        await self.until(f"shard {shard} beats", lambda: bool(beats()))
        return beats()[0]

    # What is seen.

    def moved(self, agent: Agent, *, after: int) -> RoutingChange | None:
        """The order that moves an agent to its fallback, later than so many changes of it; None: there is none yet."""
        changes = self.field.changes(agent.name)[after:]
        return next((change for change in changes if change.target == agent.ladder[1]), None)

    def found(self, service: str, reason: Reason, since: Micros) -> bool:
        """Whether a service, by its name in the trust root, told of a finding since a moment."""
        findings = self.field.witness.findings
        return any((each.service, each.reason) == (service, reason) and each.at >= since for each in findings)

    def replies(self, agent: Agent, gateway: str, since: Micros) -> list[Reply]:
        """The replies of a gateway to requests that an agent made since a moment."""
        return [reply for reply in self.field.everywhere[gateway][agent.name].replies if reply.asked_at >= since]

    def served(self, agent: Agent, gateway: str, since: Micros, model: str | None = None) -> list[Reply]:
        """Those of them that a model gave."""
        return [
            reply
            for reply in self.replies(agent, gateway, since)
            if reply.fate is Fate.OK and reply.state == NORMAL and model in {None, reply.model}
        ]

    def stopped(self, agent: Agent, gateway: str, since: Micros) -> list[Reply]:
        """Those of them that were given in the name of a safe state."""
        return [reply for reply in self.replies(agent, gateway, since) if reply.state not in {"", NORMAL}]

    def stops(self, since: Micros, until: Micros) -> str:
        """Which agents were answered in a safe state in a time, and for how long at most, from their first such reply to the last."""
        found: dict[str, float] = {}
        for agent in AGENTS:
            for gateway in self.gateways:
                times = [reply.at for reply in self.stopped(agent, gateway, since) if reply.asked_at < until]
                if times:
                    found[agent.name] = max(found.get(agent.name, 0.0), (times[-1] - times[0]) / SECOND)
        return ", ".join(f"{name} stopped for {lasted:.1f} s" for name, lasted in found.items()) or "no agent stopped"

    def silences(self, since: Micros, until: Micros) -> float:
        """The longest time between two heartbeats of one shard, seconds; one that reaches into that time counts whole."""
        longest = 0
        for beats in self.field.witness.heartbeats.values():
            times = [beat.issued_at for beat in beats if beat.issued_at < until]
            gaps = (after - before for before, after in pairwise([*times, until]) if after >= since)
            longest = max(longest, *gaps)
        return longest / SECOND

    def silence_max(self, agent: Agent) -> Micros:
        """How long after the last heartbeat an agent may be served: lease, permitted skew, and its grace."""
        return Micros(self.lease_us + grace_of(agent))


def grace_of(agent: Agent) -> Micros:
    """The grace of an agent's route."""
    return parse_duration(str(agent.route.get("grace", ROUTE["grace"])))
