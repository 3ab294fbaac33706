"""The ground that a drill is played on: a broker, a deployment founded for it with everybody in it, all processes, all clients.

Model servers and the governance function's webhooks are in this process and really listen; what they saw is at hand without asking
them. Services are processes of their own, with the settings of any deployment; only the times are short. A double may take a
service's place, named by the module that runs instead of it: that is how the drill's own tests show that it fails without a guard.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.brokers.real import KafkaCluster
from interlock.notifier.webhook import public_text
from interlock.runtime.clock import SystemClock
from interlock.testing.model_server import ModelServer
from interlock.testing.webhook_receiver import WebhookReceiver
from interlock.trials.broker import Broker, broker_at
from interlock.trials.drill.cast import ALWAYS, TEMPTER, Cast
from interlock.trials.drill.exercise import Exercise
from interlock.trials.drill.field import Field
from interlock.trials.drill.founded import Places, plan, variable
from interlock.trials.processes import free_ports
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


@asynccontextmanager
async def open_field(
    drill: Drill, exercises: Sequence[Exercise], broker: Broker, tell: Callable[[str], None]
) -> AsyncIterator[Field]:
    """Found the deployment, start everything, and wait until it is ready; at the end stop it.

    Raises:
        ConfigurationError: The folder cannot be used.
        InfrastructureError: A process ended, or was not ready in time; its last words are in the error.
    """
    clock, cast = SystemClock(), Cast.together([ALWAYS, *(exercise.cast for exercise in exercises)])
    credentials = {actor.at: secrets.token_urlsafe(24) for actor in cast.models}
    governance_port, last_port, gateway_port = free_ports(3)
    async with AsyncExitStack() as stack:
        servers = await _model_servers(stack, cast, credentials)
        hooks = (f"http://127.0.0.1:{port}/governance" for port in (governance_port, last_port))
        places = Places({name: server.endpoint for name, server in servers.items()}, *hooks)
        founding = plan(cast, places, clock.now().wall)
        stage = await stack.enter_async_context(Stage.open(drill.folder / "deployment", broker, founding))
        governance = await stack.enter_async_context(_receiver(stage, NOTIFIER_KEY, governance_port))
        last_channel = await stack.enter_async_context(_receiver(stage, WATCH_KEY, last_port))
        keys = {agent.name: stage.workspace.make_agent_key(agent.name) for agent in cast.agents}
        witness = Witness(stage.book)
        watch = await stack.enter_async_context(Watch(stage.bus, witness, stage.processes.check))
        own = {
            "gateway": {"serve": f"127.0.0.1:{gateway_port}"},
            WATCH: {"deadline": duration_text(seconds(drill.deadline_s))},
        }
        stage.write_settings(keys, {name: {**TUNING.get(name, {}), **own.get(name, {})} for name in {*TUNING, *own}})
        await _start(stage, exercises, drill.doubles, {variable(at): key for at, key in credentials.items()})
        url = f"http://127.0.0.1:{gateway_port}/v1/chat/completions"
        clients = {
            each.name: SteadyClient(
                url, keys[each.name], user=each.name, every_s=each.every_s, tempted_by=TEMPTER, clock=clock
            )
            for each in cast.agents
        }
        for client in clients.values():
            await stack.enter_async_context(client)
        yield Field(
            stage=stage,
            witness=witness,
            watch=watch,
            cast=cast,
            servers=servers,
            clients=clients,
            governance=governance,
            last_channel=last_channel,
            places=places,
            deadline_s=drill.deadline_s,
            command_line=drill.doubles.get(TYPED, COMMAND_LINE),
            terminals=asyncio.Semaphore(TERMINALS),
            tell=tell,
        )


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


async def _start(
    stage: Stage, exercises: Sequence[Exercise], doubles: Mapping[str, str], credentials: Mapping[str, str]
) -> None:
    """Publish the policies, and start the services that the exercises need."""
    await stage.publish_policies()
    services = sorted({*CORE, *(service for exercise in exercises for service in exercise.services)})
    for service in services:
        await stage.start(service, module=doubles.get(service), environment=credentials)
    await stage.processes.ready(*services)
