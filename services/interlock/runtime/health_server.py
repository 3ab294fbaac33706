"""What a service tells about itself over HTTP, on loopback: `/healthz`, `/readyz`, `/metrics`.

`/healthz` answers 200 as long as the event loop turns: restart the process if it does not. `/readyz` answers 200 when
every named condition holds, otherwise 503 and which do not and why: wait, or look there. A service declares all its
conditions when it is made, so that it cannot be ready before it has looked.
"""

from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from interlock.runtime.fields import Address
from interlock.runtime.metrics import CONTENT_TYPE, Metrics
from interlock.vocabulary.errors import ConfigurationError

_log = structlog.get_logger(__name__)


class Readiness:
    """Named conditions, each met or not, with the reason why not.

    Args:
        conditions: Their names; none is met at first.
    """

    def __init__(self, *conditions: str) -> None:
        self._unmet = dict.fromkeys(conditions, "not looked at yet")
        self._known = set(conditions)

    def set(self, condition: str, met: bool, why: str = "") -> None:
        """State whether a condition is met, and if not, why; a condition that is new is added."""
        before = self._unmet.get(condition)
        self._known.add(condition)
        self._unmet.pop(condition, None)
        if not met:
            self._unmet[condition] = why
        if before != self._unmet.get(condition):
            _log.info("readiness", condition=condition, met=met, why=why)

    @property
    def ready(self) -> bool:
        """Whether every condition is met."""
        return not self._unmet

    def as_json(self) -> dict[str, object]:
        """`{"ready": bool, "conditions": {name: {"met": bool, "why": text}}}`, names sorted."""
        conditions = {
            name: {"met": name not in self._unmet, "why": self._unmet.get(name, "")} for name in sorted(self._known)
        }
        return {"ready": self.ready, "conditions": conditions}


class HealthServer:
    """The HTTP server; use it as an asynchronous context manager around the service's loops.

    Args:
        listen: Where to listen, on loopback; port 0 takes a free one, which is logged as `listening`.
        readiness: What `/readyz` tells.
        metrics: What `/metrics` tells.
    """

    def __init__(self, listen: Address, readiness: Readiness, metrics: Metrics) -> None:
        self._listen = listen
        self._readiness = readiness
        self._metrics = metrics
        self._runner = web.AppRunner(self._application(), access_log=None, handle_signals=False)

    @property
    def port(self) -> int:
        """The port that is really listened on; known once the server has started."""
        return int(self._runner.addresses[0][1])

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            ConfigurationError: Nobody can listen there.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._listen.host, self._listen.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigurationError(
                f"Health and metrics cannot be served at {self._listen}: {error.strerror}.",
                "Stop what listens there, or set `listen` to another port (0: any free one).",
            ) from error
        _log.info("listening", address=str(Address(self._listen.host, self.port)), serves="health")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._render)
        return application

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        return web.json_response(self._readiness.as_json(), status=200 if self._readiness.ready else 503)

    async def _render(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})
