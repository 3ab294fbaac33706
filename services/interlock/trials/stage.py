"""A whole line on a bus: the founded deployment, the outside world that it deals with, and its services as processes.

The order is that of a real installation: found the deployment, start what is outside (model servers, the governance function's
webhook), start the services with the settings that the founding wrote, and only then publish the policies.

    async with Stage.open(folder, broker, plan) as stage:
        await stage.start_receiver(port)
        await stage.start("health-monitor", "decision", "notifier")
        await stage.publish_policies()

Not handled here: what happens on the stage (`demo`, `replay`), and what is seen of it (`witness`).
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from interlock.brokers.free_ports import free_ports
from interlock.notifier.webhook import public_text
from interlock.policy.book import Book
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import OPERATOR, first_settings, service_of
from interlock.runtime.founding import Plan, found
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.opening import load_trust
from interlock.runtime.workspace import SEALED, Workspace
from interlock.trials.broker import Broker
from interlock.trials.processes import Processes
from interlock.wire.topics import POLICIES

MODULES: Mapping[str, str] = {
    "health-monitor": "interlock.health_monitor",
    "probe": "interlock.health_monitor.probe",
    "decision": "interlock.decision",
    "notifier": "interlock.notifier",
    "watch": "interlock.watch",
    "gateway": "interlock.router.gateway",
}
"""What `python -m` runs for each service."""

RECEIVER = "webhook-receiver"
NOTIFIER_KEY = "notifier-1"


class Stage:
    """A founded deployment and its processes. Made by `open`.

    Attributes:
        workspace: Everybody's files; a trial plays every part, so it may use every key.
        broker: Where the bus is.
        bus: The trial's own way to it.
        processes: What was started.
        book: The installed trust root.
    """

    def __init__(self, workspace: Workspace, broker: Broker, deployment: str, processes: Processes) -> None:
        self.workspace = workspace
        self.broker = broker
        self.deployment = deployment
        self.processes = processes
        self.bus = KafkaBus(broker.bootstrap, client="interlock-trial", fetch_max_wait_ms=broker.fetch_wait_ms)
        self.book = Book.start(*load_trust(workspace.root, deployment))

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, broker: Broker, plan: Plan, *, supervised: bool = False) -> AsyncIterator[Self]:
        """Found a deployment in a folder; at the end stop whatever was started.

        Args:
            folder: An empty folder, or one that is not there yet.
            broker: Where the bus is; it must outlast the stage.
            plan: What to found.
            supervised: Whether a process that ends by itself is started again; else it ends the trial.

        Raises:
            ConfigurationError: The plan has problems, or the folder cannot be used.
        """
        workspace = found(folder, plan, SystemClock().now().wall)
        async with Processes(folder / "logs", supervised) as processes:
            stage = cls(workspace, broker, plan.deployment, processes)
            try:
                yield stage
            finally:
                await stage.bus.close()

    def write_settings(
        self, agent_keys: Mapping[str, str], tuning: Mapping[str, Mapping[str, Any]], further: Iterable[str] = ()
    ) -> None:
        """Write every service's settings, and the operator's, so that people's commands can be typed.

        Args:
            agent_keys: By agent, its API key at the gateway.
            tuning: By service or instance, what differs from the first settings.
            further: Further instances of services, such as `decision-2`; each has a key of its own name.
        """
        first = first_settings(self.deployment, self.broker.bootstrap, agent_keys, further)
        for service in (*MODULES, *further, OPERATOR):
            values = {**first[service], "fetch_wait_ms": self.broker.fetch_wait_ms, **tuning.get(service, {})}
            self.workspace.write_settings(service, values)

    async def start(
        self,
        service: str,
        *,
        module: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a service of `MODULES`, or a further instance of one, with its settings, without waiting for it.

        Args:
            service: Its name, such as `decision` or `decision-2`.
            module: What to run instead of it: a double.
            environment: The credentials that it needs.
        """
        (port,) = free_ports(1)
        await self.processes.start(
            service,
            module or MODULES[service_of(service)],
            str(self.workspace.settings(service)),
            url=f"http://127.0.0.1:{port}/readyz",
            environment={**(environment or {}), "INTERLOCK_LISTEN": f"127.0.0.1:{port}"},
        )

    async def start_receiver(self, port: int) -> None:
        """Start the governance function's webhook: it checks signatures and writes down what comes (`notices`)."""
        key = public_text(self.workspace.load_key(NOTIFIER_KEY))
        arguments = ("--port", str(port), "--log", str(self._notices), "--key", key)
        await self.processes.start(
            RECEIVER, "interlock.testing.webhook_receiver", *arguments, url=f"http://127.0.0.1:{port}/"
        )

    def notices(self) -> list[dict[str, Any]]:
        """What the webhook has received: one document for each request, see `webhook_receiver.Received`."""
        if not self._notices.is_file():
            return []
        whole = self._notices.read_text("utf-8").rpartition("\n")[0]
        documents = [json.loads(line) for line in whole.splitlines()]
        return [document for document in documents if "listening" not in document]

    async def publish_policies(self) -> None:
        """Publish the signed policies, as the governance pipeline does.

        Raises:
            InfrastructureError: The broker did not take one.
        """
        publisher = await self.bus.publisher()
        for path in sorted(self.workspace.policies.glob(f"*{SEALED}")):
            await publisher.publish(POLICIES.name, f"policy/{path.stem}", path.read_bytes(), partition=0)

    @property
    def _notices(self) -> Path:
        return self.workspace.directory / "notices.jsonl"
