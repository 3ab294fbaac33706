"""The ground that a drill is played on: a broker, a deployment founded for it with everybody in it, all processes, all clients.

Model servers and the governance function's webhooks are in this process and really listen; what they saw is at hand without asking
them. Services are processes of their own, with the settings of any deployment; only the times are short. A double may take a
service's place, named by the module that runs instead of it: that is how the drill's own tests show that it fails without a guard.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from interlock.brokers.free_ports import free_ports
from interlock.brokers.real import KafkaCluster
from interlock.notifier.webhook import public_text
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import OWNERS, service_of
from interlock.runtime.founding import SERVICES
from interlock.signing.keys import KeyKind
from interlock.signing.roles import Role
from interlock.testing.model_server import ModelServer
from interlock.testing.webhook_receiver import WebhookReceiver
from interlock.trials.broker import Broker, broker_at
from interlock.trials.drill.cast import ALWAYS, TEMPTER, Cast
from interlock.trials.drill.exercise import Exercise
from interlock.trials.drill.field import Field
from interlock.trials.drill.founded import Places, plan, variable
from interlock.trials.stage import NOTIFIER_KEY, Stage
from interlock.trials.steady_client import SteadyClient
from interlock.trials.typed import COMMAND_LINE
from interlock.trials.witness import Watch, Witness
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import duration_text, seconds

TERMINALS = 2
"""How many commands are typed at the same time."""

DEADLINE_S = 300.0
"""Within which time governance must be told of a change: what the standard asks for."""

CORE = ("health-monitor", "probe", "decision", "gateway")
"""The services without which nothing can be shown."""

WATCH, WATCH_KEY = "watch", "watch-1"
TYPED = "command-line"
"""Stands for the command line among the doubles."""

TUNING: Mapping[str, Mapping[str, Any]] = {
    "health-monitor": {"window": "8s", "silence": "4s"},
    "probe": {"interval": "800ms", "timeout": "4s"},
    "gateway": {"lease": "10s"},
}
"""What differs from the services' own defaults: a run of minutes needs a quicker look. No guard is among it."""


@dataclass(frozen=True, slots=True)
class Drill:
    """What is to be drilled, and where.

    Attributes:
        folder: A folder for all files of the run, logs included; it holds no deployment yet.
        bootstrap: A broker that is there already; None: one of the drill's own.
        embedded: Whether its own is the embedded broker and not a real one.
        only: Numbers of the tests; empty: all.
        deadline_s: Within which time governance must be told.
        doubles: By service, or `TYPED`, the module that runs instead of it.
    """

    folder: Path
    bootstrap: str | None = None
    embedded: bool = False
    only: Sequence[str] = ()
    deadline_s: float = DEADLINE_S
    doubles: Mapping[str, str] = field(default_factory=dict)

    @property
    def broker(self) -> str:
        """What the deployment runs on, for people."""
        if self.bootstrap is not None:
            return f"the Kafka broker at {self.bootstrap}"
        return "the embedded broker" if self.embedded else "a Kafka broker of its own"


@asynccontextmanager
async def broker_of(drill: Drill) -> AsyncIterator[Broker]:
    """The broker that a drill runs on; its own lasts as long as this context.

    Raises:
        ConfigurationError: No broker can be started here, or a topic there has another number of partitions than ours.
        InfrastructureError: It cannot be reached.
    """
    if drill.bootstrap is not None or drill.embedded:
        async with broker_at(drill.bootstrap) as broker:
            yield broker
        return
    try:
        kafka = await asyncio.to_thread(KafkaCluster.start, drill.folder / "kafka")
    except ConfigurationError as error:
        mend = "Install it, name a broker that runs with --bootstrap, or take the embedded one with --embedded."
        raise ConfigurationError(f"No Kafka broker can be started here. {error.message}", mend) from error
    try:
        async with broker_at(kafka.bootstrap) as broker:
            yield broker
    finally:
        await asyncio.to_thread(kafka.stop)


@dataclass(frozen=True, slots=True)
class Ground:
    """What is laid out for a run.

    Attributes:
        folder: Where the deployment is founded; it holds none yet.
        cast: Everybody, the tempter and its own agent included.
        services: The services, and further instances of them: `decision`, `decision-2`; with a gateway.
        tuning: By service or instance, what differs from its first settings.
        doubles: By service, or `TYPED`, the module that runs instead of it.
        deadline_s: Within which time governance must be told.
        lasting: Whether the run outlasts what it starts: processes that end by themselves are started again, brokers that are away
            are waited for. Else either ends the run.
        keys: The kind of everybody's keys, but of those that sign webhooks.
    """

    folder: Path
    cast: Cast
    services: Sequence[str]
    tuning: Mapping[str, Mapping[str, Any]]
    doubles: Mapping[str, str] = field(default_factory=dict)
    deadline_s: float = DEADLINE_S
    lasting: bool = False
    keys: KeyKind = KeyKind.ED25519

    @property
    def further(self) -> Mapping[str, tuple[Role, ...]]:
        """The further instances, and the roles that their keys hold."""
        first = {service: SERVICES[owner] for service, owner in OWNERS.items()}
        return {name: first[service_of(name)] for name in self.services if name not in OWNERS}

    @property
    def gateways(self) -> Sequence[str]:
        """The gateways among the services, the first one first."""
        return sorted(name for name in self.services if service_of(name) == "gateway")


def open_field(
    drill: Drill, exercises: Sequence[Exercise], broker: Broker, tell: Callable[[str], None]
) -> AbstractAsyncContextManager[Field]:
    """Lay out what these exercises need."""
    ground = Ground(
        drill.folder,
        Cast.together([ALWAYS, *(exercise.cast for exercise in exercises)]),
        services=sorted({*CORE, *(service for exercise in exercises for service in exercise.services)}),
        tuning=TUNING,
        doubles=drill.doubles,
        deadline_s=drill.deadline_s,
    )
    return lay_out(ground, broker, tell)


@asynccontextmanager
async def lay_out(ground: Ground, broker: Broker, tell: Callable[[str], None]) -> AsyncIterator[Field]:
    """Found the deployment, start everything, and wait until it is ready; at the end stop it.

    Raises:
        ConfigurationError: The folder cannot be used.
        InfrastructureError: A process ended, or was not ready in time; its last words are in the error.
    """
    clock, cast = SystemClock(), ground.cast
    credentials = {actor.at: secrets.token_urlsafe(24) for actor in cast.models}
    governance_port, last_port, *gateway_ports = free_ports(2 + len(ground.gateways))
    served_at = {name: f"127.0.0.1:{port}" for name, port in zip(ground.gateways, gateway_ports, strict=True)}
    async with AsyncExitStack() as stack:
        servers = await _model_servers(stack, cast, credentials)
        hooks = (f"http://127.0.0.1:{port}/governance" for port in (governance_port, last_port))
        places = Places({name: server.endpoint for name, server in servers.items()}, *hooks)
        founding = plan(cast, places, clock.now().wall)
        founding = replace(founding, services={**founding.services, **ground.further}, keys=ground.keys)
        folder = ground.folder / "deployment"
        stage = await stack.enter_async_context(Stage.open(folder, broker, founding, supervised=ground.lasting))
        governance = await stack.enter_async_context(_receiver(stage, NOTIFIER_KEY, governance_port))
        last_channel = await stack.enter_async_context(_receiver(stage, WATCH_KEY, last_port))
        keys = {agent.name: stage.workspace.make_agent_key(agent.name) for agent in cast.agents}
        witness = Witness(stage.book)
        following = Watch(stage.bus, witness, stage.processes.check, patient=ground.lasting)
        watch = await stack.enter_async_context(following)
        stage.write_settings(keys, _tuned(ground, served_at), ground.further)
        await _start(stage, ground, {variable(at): key for at, key in credentials.items()})
        clients = {
            gateway: {
                agent.name: SteadyClient(
                    f"http://{address}/v1/chat/completions",
                    keys[agent.name],
                    user=agent.name,
                    every_s=agent.every_s,
                    tempted_by=TEMPTER,
                    clock=clock,
                    name=agent.name if gateway == ground.gateways[0] else f"{agent.name}.{gateway}",
                )
                for agent in cast.agents
            }
            for gateway, address in served_at.items()
        }
        for client in (each for its in clients.values() for each in its.values()):
            await stack.enter_async_context(client)
        yield Field(
            stage=stage,
            witness=witness,
            watch=watch,
            cast=cast,
            servers=servers,
            clients=clients[ground.gateways[0]],
            governance=governance,
            last_channel=last_channel,
            places=places,
            deadline_s=ground.deadline_s,
            command_line=ground.doubles.get(TYPED, COMMAND_LINE),
            terminals=asyncio.Semaphore(TERMINALS),
            tell=tell,
            everywhere=clients,
        )


def _tuned(ground: Ground, served_at: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """By service or instance, what differs from its first settings: what is asked for, where it serves, and the deadline."""
    own: dict[str, dict[str, Any]] = {name: {"serve": address} for name, address in served_at.items()}
    own[WATCH] = {"deadline": duration_text(seconds(ground.deadline_s))}
    names = {*ground.tuning, *ground.services, *own}
    return {name: {**ground.tuning.get(service_of(name), {}), **own.get(name, {})} for name in names}


async def _model_servers(stack: AsyncExitStack, cast: Cast, credentials: Mapping[str, str]) -> dict[str, ModelServer]:
    servers = {
        actor.at: ModelServer(
            actor.at, served_as=actor.at, credential=credentials[actor.at], latency_ms=actor.latency_ms
        )
        for actor in cast.models
        if not actor.server
    }
    for server in servers.values():
        await stack.enter_async_context(server)
    return servers


def _receiver(stage: Stage, owner: str, port: int) -> WebhookReceiver:
    """A webhook that believes nobody but the owner of this key."""
    return WebhookReceiver(public_text(stage.workspace.load_key(owner)), port=port)


async def _start(stage: Stage, ground: Ground, credentials: Mapping[str, str]) -> None:
    """Publish the policies, and start the services."""
    await stage.publish_policies()
    for service in ground.services:
        await stage.start(service, module=ground.doubles.get(service), environment=credentials)
    await stage.processes.ready(*ground.services)
