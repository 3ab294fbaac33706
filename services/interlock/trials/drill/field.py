"""What an exercise may use: things that the outside world can do, and what can be seen from there.

Stimuli are a model server that behaves otherwise, a client's request, a signed document on a topic, a command that somebody types, a
service that is killed. What is waited for is what model servers, webhook receivers and clients saw, and what stands on the topics.
Nothing waits for a duration.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.records.change import AckKind, RoutingChange
from interlock.records.health import Level
from interlock.records.rules import WHOLE
from interlock.records.sealing import event_id_of_sealed, seal
from interlock.records.telling import Finding
from interlock.runtime.clock import SystemClock
from interlock.signing.statement import Statement
from interlock.testing.model_server import ModelServer
from interlock.testing.webhook_receiver import WebhookReceiver
from interlock.trials.demo.attacks import following
from interlock.trials.drill.cast import Cast
from interlock.trials.drill.founded import Places
from interlock.trials.stage import Stage
from interlock.trials.steady_client import Fate, Reply, SteadyClient
from interlock.trials.typed import typed
from interlock.trials.witness import NotSeen, Watch, Witness
from interlock.vocabulary.identifiers import ANY, RouteId, shard_of
from interlock.vocabulary.time import NEVER, SECOND, Micros, seconds
from interlock.wire.topics import ROUTES, SHARDS

PATIENCE_S = 90.0
"""How long anything is waited for: some ten times what it takes on a free machine, for it may be a busy one."""

REPLIES = 10
"""How many replies must bear a new state out: each tenth of them was asked for by another name."""

UNDER_WAY = seconds(2)
"""Requests that were sent before a router obeyed may still reach a model's server so long afterwards."""

GATEWAY = "gateway-1"
DECISION = "decision-1"
SAFE = "its safe state"


@dataclass(frozen=True, slots=True)
class Field:
    """Everything that an exercise plays with. All clients ask all the time.

    Attributes:
        stage: The deployment and its processes.
        witness: What was seen on the topics, kept up to date by `watch`.
        watch: Waits for what shall be seen.
        cast: Everybody in the run.
        servers: The model servers by name; `server` finds a model's.
        clients: Each agent's client.
        governance: The webhook of the governance function.
        last_channel: Where the deadline watch itself tells it.
        places: Where all these listen.
        deadline_s: Within which time governance must be told.
        command_line: The module of the command line that people type at.
        terminals: How many type at the same time: each command is a process that wants a core.
        tell: Is told what happens, a line at a time.
        everywhere: By gateway, each agent's client there; those of the first one are `clients`.
    """

    stage: Stage
    witness: Witness
    watch: Watch
    cast: Cast
    servers: Mapping[str, ModelServer]
    clients: Mapping[str, SteadyClient]
    governance: WebhookReceiver
    last_channel: WebhookReceiver
    places: Places
    deadline_s: float
    command_line: str
    terminals: asyncio.Semaphore
    tell: Callable[[str], None]
    everywhere: Mapping[str, Mapping[str, SteadyClient]]

    # What the outside world does.

    def behave(self, model: str, **behaviour: Any) -> Micros:
        """Make a model's server behave so from now on: `mode="error"` and the like (`model_server.Behaviour`). From when on."""
        told = ", ".join(f"{value}" if name == "mode" else f"{name} {value}" for name, value in behaviour.items())
        self.tell(f"{model} is told: {told}")
        now = self.now
        self.server(model).behave(**behaviour)
        return now

    async def publish(self, topic: str, key: str, document: Statement, *owners: str, partition: int = 0) -> int:
        """Put a record on a topic, signed with these owners' keys; its offset."""
        sealed = seal(document, *(self.stage.workspace.load_key(owner) for owner in owners))
        return await (await self.stage.bus.publisher()).publish(topic, key, sealed, partition=partition)

    async def forge(self, agent: str, target: str) -> Finding | None:
        """Order a model for an agent with decision's real key, stolen, as the order that follows on the one in force.

        Returns:
            What the gateway reports of its refusal; None: it obeyed.
        """
        sealed = seal(following(self.changes(agent)[-1], target), self.stage.workspace.load_key(DECISION))
        shard = shard_of(agent, SHARDS)
        offset = await (await self.stage.bus.publisher()).publish(ROUTES.name, ROUTES.key, sealed, partition=shard)
        place = (GATEWAY, ROUTES.name, shard, offset)

        def refusal() -> Finding | None:
            found = self.witness.findings
            return next((f for f in found if (f.service, f.topic, f.partition, f.offset) == place), None)

        what = f"the gateway answers the forged change of {agent} to {target}"
        identity = event_id_of_sealed(sealed)
        await self.until(what, lambda: refusal() is not None or self._obeyed(identity))
        finding = refusal()
        self.tell(f"a stolen key orders {target} for {agent}: {finding.reason if finding else 'OBEYED'}")
        return finding

    async def type(self, *words: str) -> Mapping[str, Any]:
        """Type a command; what it answers to programs."""
        async with self.terminals:
            return await typed(self.stage.workspace, *words, module=self.command_line)

    async def kill(self, service: str) -> None:
        """End a service at once, as a power cut would."""
        self.tell(f"{service} is killed")
        await self.stage.processes.kill(service)

    async def restart(self, service: str) -> None:
        """Start a service again that was killed, and wait until it is ready."""
        self.tell(f"{service} is started again")
        await self.stage.processes.restart(service)
        await self.stage.processes.ready(service)

    # What is waited for.

    async def until(self, what: str, condition: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
        """Wait until a condition holds.

        Raises:
            NotSeen: It did not for as long as is waited.
        """
        await self.watch.until(what, condition, within_s=within_s)

    async def until_moved(
        self, agent: str, target: str | None, *, after: int, weight: int = WHOLE, within_s: float = PATIENCE_S
    ) -> RoutingChange:
        """Wait for the next move of an agent, later than so many changes, and see that it goes where it must; None: its safe state.

        Raises:
            NotSeen: There was none, or it went elsewhere.
        """

        def move() -> RoutingChange | None:
            moves = (change for change in self.changes(agent)[after:] if _moves(change))
            return next(moves, None)

        await self.until(f"{agent} is moved to {target or SAFE}", lambda: move() is not None, within_s=within_s)
        change = move()
        assert change is not None, "just seen"
        self.tell(f"{moved(change)} ({change.cause.trigger}: {change.cause.detail})")
        if (change.target, change.weight) != (target, weight):
            raise NotSeen(
                f"{agent} should have moved to {target or SAFE}; the audit log says {moved(change)}.",
                "Look into the reasons that the change bears.",
            )
        return change

    async def until_obeyed(self, change: RoutingChange) -> None:
        """Wait until the gateway acknowledged a change."""
        identity = event_id_of_sealed(self.witness.sealed[change.id])
        await self.until(f"the gateway acknowledged {change.id}", lambda: self._obeyed(identity))

    async def until_placed(self, agent: str, model: str) -> RoutingChange:
        """Wait until an agent is served by a model, whatever it went through before: how every exercise begins."""

        def there() -> bool:
            changes = self.changes(agent)
            placed = bool(changes) and changes[-1].target == model and changes[-1].weight == WHOLE
            return placed and self._obeyed(event_id_of_sealed(self.witness.sealed[changes[-1].id]))

        await self.until(f"{agent} is served by {model}", there)
        return self.changes(agent)[-1]

    async def until_healthy(self, *models: str) -> None:
        """Wait until the last verdict on each objective of these models says that they are well."""
        await self.until(f"{', '.join(models)} are known to be well", lambda: all(map(self.healthy, models)))

    async def until_replies(self, agent: str, fate: Fate, model: str | None = None, count: int = REPLIES) -> None:
        """Wait for so many further replies of a kind."""
        client = self.clients[agent]
        seen = len(client.replies)
        await self.until(
            f"{count} replies to {agent} are {fate}{f' and by {model}' if model else ''}",
            lambda: client.count(fate, model=model, after=seen) >= count,
        )

    # What is seen.

    @property
    def now(self) -> Micros:
        """The time, as everybody on this machine has it."""
        return SystemClock().now().wall

    def changes(self, agent: str) -> Sequence[RoutingChange]:
        """Every change of an agent's route in the audit log, in order."""
        route = self.route(agent)
        return [change for change in self.witness.changes if change.route == route]

    def replies(self, agent: str) -> Sequence[Reply]:
        """Every reply that an agent's client got."""
        return self.clients[agent].replies

    def healthy(self, model: str) -> bool:
        """Whether the last verdict on each objective of a model says that it is well."""
        levels = [each.level for key, each in self.witness.last_verdict.items() if key.startswith(f"{model}/{ANY}/")]
        return bool(levels) and all(level is Level.HEALTHY for level in levels)

    def server(self, model: str) -> ModelServer:
        """The server of a model."""
        return self.servers[next(actor.at for actor in self.cast.models if actor.model == model)]

    def asked(self, model: str, agent: str, since: Micros = NEVER, until: Micros | None = None) -> int:
        """How many requests of an agent a model's own server counted in a time; None: to this day."""
        times = (seen.at * SECOND for seen in self.server(model).seen if seen.user == agent)
        return sum(1 for at in times if since <= at and (until is None or at < until))

    def route(self, agent: str) -> RouteId:
        """An agent's route."""
        return self.cast.agent(agent).id

    def obeyed_at(self, change: RoutingChange) -> Micros:
        """When the gateway acknowledged a change that was seen to be obeyed."""
        identity = event_id_of_sealed(self.witness.sealed[change.id])
        return next(ack.at for ack in self.witness.acks if ack.event_id == identity and ack.kind is AckKind.ACK)

    def _obeyed(self, identity: bytes) -> bool:
        return any(ack.event_id == identity and ack.kind is AckKind.ACK for ack in self.witness.acks)


def _moves(change: RoutingChange) -> bool:
    """Whether a change moves its route; the others only say the same under a new policy."""
    return change.source != change.target or (change.safe_state is not None and change.target is not None)


def moved(change: RoutingChange) -> str:
    """A change in one line."""
    part = f" for {change.weight} %" if change.weight < WHOLE else ""
    target = change.target or SAFE
    if change.target is not None and change.safe_state is not None:
        target = f"{SAFE}, in which {change.target} answers without tools"
    return f"{change.agent}: {change.source or SAFE} → {target}{part}"
