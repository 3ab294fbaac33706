"""Everything that a story needs, started and ready: services, model servers, webhook, clients, witness.

The services are processes of their own, with the settings of any deployment; only the times are short. A double may take a service's
place, named by the module that runs instead of it: that is how tests show that the story fails when a guard is missing.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.brokers.free_ports import free_ports
from interlock.runtime.clock import SystemClock
from interlock.trials.broker import Broker
from interlock.trials.demo.cast import ACTORS, AGENT, LADDERS, OTHER_AGENT, SUPPORT, TEMPTER
from interlock.trials.demo.founded import plan
from interlock.trials.demo.outside import ModelServers
from interlock.trials.stage import MODULES, RECEIVER, Stage
from interlock.trials.steady_client import SteadyClient
from interlock.trials.witness import Watch, Witness

REQUEST_EVERY_S = {AGENT: 0.1, SUPPORT: 0.04, OTHER_AGENT: 0.5}
"""Support asks more often: a quarter of its requests must soon be enough to be seen."""

TUNING: Mapping[str, Mapping[str, Any]] = {
    "health-monitor": {"window": "5s", "silence": "4s"},
    "probe": {"interval": "400ms", "timeout": "4s"},
}
"""What differs from the services' own defaults: a story of a minute needs a quicker look."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the story plays with.

    Attributes:
        stage: The services.
        models: The model servers.
        witness: What was seen on the topics, kept up to date by `watch`.
        watch: Waits for what shall be seen.
        clients: Each agent's steady client; it asks while it is entered.
    """

    stage: Stage
    models: ModelServers
    witness: Witness
    watch: Watch
    clients: Mapping[str, SteadyClient]


@asynccontextmanager
async def open_scene(folder: Path, broker: Broker, doubles: Mapping[str, str]) -> AsyncIterator[Scene]:
    """Found a deployment, start everything and wait until it is ready; at the end stop it.

    Args:
        folder: An empty folder for its files.
        broker: Where the bus is.
        doubles: By service, the module that runs instead of it.
    """
    clock = SystemClock()
    *model_ports, webhook_port, gateway_port = free_ports(len(ACTORS) + 2)
    ports = {actor.model: port for actor, port in zip(ACTORS, model_ports, strict=True)}
    credentials = {actor.variable: secrets.token_urlsafe(24) for actor in ACTORS}
    agent_keys = {agent: secrets.token_urlsafe(32) for agent in LADDERS}
    url = f"http://127.0.0.1:{gateway_port}/v1/chat/completions"

    clients = {
        agent: SteadyClient(url, key, user=agent, every_s=REQUEST_EVERY_S[agent], tempted_by=TEMPTER, clock=clock)
        for agent, key in agent_keys.items()
    }
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(Stage.open(folder, broker, plan(clock.now().wall, ports, webhook_port)))
        stage.write_settings(agent_keys, {**TUNING, "gateway": {"serve": f"127.0.0.1:{gateway_port}"}})
        witness = Witness(stage.book)
        watch = await stack.enter_async_context(Watch(stage.bus, witness, stage.processes.check))
        models = await stack.enter_async_context(ModelServers(stage, ports, credentials))
        await stage.start_receiver(webhook_port)
        await stage.publish_policies()
        for service in MODULES:
            await stage.start(service, module=doubles.get(service), environment=credentials)
        await stage.processes.ready(RECEIVER, *MODULES, *(actor.model for actor in ACTORS if not actor.late))
        yield Scene(stage, models, witness, watch, clients)
