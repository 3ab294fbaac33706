"""The outside world's own word: what the model servers were told to do, and what they counted."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from interlock.trials.demo.cast import ACTORS, Actor
from interlock.trials.stage import Stage
from interlock.vocabulary.time import SECOND, Micros

_PATIENCE_S = 5.0


class ModelServers:
    """The model servers as processes; use it as an asynchronous context manager.

    Args:
        stage: Where they are started.
        ports: Where each listens.
        credentials: The key that each wants to be shown.
    """

    def __init__(self, stage: Stage, ports: Mapping[str, int], credentials: Mapping[str, str]) -> None:
        self._stage = stage
        self._ports = ports
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None
        self._running: list[str] = []

    async def __aenter__(self) -> Self:
        await self._start(actor for actor in ACTORS if not actor.late)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE_S), raise_for_status=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def start_late(self) -> None:
        """Start those that come late, and wait until they are ready.

        Raises:
            InfrastructureError: One ended, or was not ready in time.
        """
        await self._start(late := [actor for actor in ACTORS if actor.late])
        await self._stage.processes.ready(*(actor.model for actor in late))

    async def behave(self, model: str, **behaviour: Any) -> None:
        """Make a model's server behave so from now on: `mode="error"` and the like (`model_server.Behaviour`)."""
        assert self._session is not None, "enter it first"
        async with self._session.post(self._control(model), json=behaviour):
            return

    async def counts(self) -> dict[str, dict[str, int]]:
        """By model, how many requests its own server counted of each user (the `user` field of the request)."""
        assert self._session is not None, "enter it first"
        counted = {}
        for model in self._running:
            async with self._session.get(self._control(model)) as response:
                counted[model] = (await response.json())["counts"]["by_user"]
        return counted

    def asked(self, model: str, user: str, since: Micros, until: Micros | None) -> int:
        """How many requests of a user a model's server wrote down in a time; None: to this day."""
        times = [seen["at"] * SECOND for seen in self.log(model) if seen["user"] == user]
        return sum(1 for at in times if since <= at and (until is None or at < until))

    def log(self, model: str) -> list[dict[str, Any]]:
        """Every request that a model's server wrote down, see `model_server.Seen`."""
        if model not in self._running:
            return []
        whole = self._log(model).read_text("utf-8").rpartition("\n")[0]
        return [document for line in whole.splitlines() if "listening" not in (document := json.loads(line))]

    async def _start(self, actors: Iterable[Actor]) -> None:
        for actor in actors:
            options = {
                "--name": actor.model,
                "--served-as": actor.model,
                "--port": str(self._ports[actor.model]),
                "--log": str(self._log(actor.model)),
                "--credential": self._credentials[actor.variable],
                "--latency-ms": str(actor.latency_ms),
            }
            await self._stage.processes.start(
                actor.model,
                "interlock.testing.model_server",
                *(f"{name}={value}" for name, value in options.items()),  # one word: a credential may begin with a dash
                url=self._control(actor.model),
            )
            self._running.append(actor.model)

    def _control(self, model: str) -> str:
        return f"http://127.0.0.1:{self._ports[model]}/control"

    def _log(self, model: str) -> Path:
        return self._stage.workspace.directory / f"{model}.jsonl"
