"""The gateway's HTTP server: who asks, what the resolver answers, and then one exchange with that model's server.

In order: the key, the request, the resolver, the credential, the call. The resolver is asked last, when everything else that takes
time is done, and what it says holds for this request only: a route that is stopped or shut down meanwhile finishes what is in hand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from interlock.reporting.accumulator import Call
from interlock.reporting.findings import Findings
from interlock.router.answers import Resolver, Serve, Stop
from interlock.router.gateway.agents import Agents
from interlock.router.gateway.exchange import Exchange
from interlock.router.gateway.faults import Fault, no_credential, too_large, unknown_key
from interlock.router.gateway.replies import error_body, marks, model_list
from interlock.router.gateway.requests import Request, read_request
from interlock.router.gateway.safe_states import Form, SafeStates
from interlock.router.gateway.settings import GatewaySettings
from interlock.router.gateway.tickets import Tickets
from interlock.router.gateway.upstream import Upstream, tracing_of
from interlock.runtime import lifecycle
from interlock.runtime.clock import Clock
from interlock.runtime.fields import Address, secret
from interlock.runtime.metrics import Metrics
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason

REQUEST_READ_S_MAX = 30.0
"""How long an agent may take to send a request."""

FINISH_S = 6.0
"""How long requests in hand may take after SIGTERM: inside `lifecycle.SHUTDOWN_S_MAX`, with time left to tell of them."""

_log = structlog.get_logger(__name__)


class GatewayServer:
    """Serves agents while it is entered, in the state its resolver is in.

    Args:
        settings: Where to listen, whose keys are known, how long to wait.
        resolver: Says what to do with each request.
        tickets: Keeps requests that wait for a person.
        note: Is told of every call of a model, once, when it has ended.
        findings: Where a provider's substitution is told.
        clock: Measures latency.
        metrics: Where requests are counted.
    """

    def __init__(  # noqa: PLR0913 - one place wires it, by name
        self,
        *,
        settings: GatewaySettings,
        resolver: Resolver,
        tickets: Tickets,
        note: Callable[[Call], None],
        findings: Findings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._resolver = resolver
        self._safe_states = SafeStates(tickets, resolver, clock)
        self._note = note
        self._findings = findings
        self._clock = clock
        self._agents = Agents(settings.agents)
        self._telling: set[asyncio.Task[None]] = set()
        self._requests = metrics.counter("gateway_requests", "1", "Requests by agent and outcome.")
        self._latency = metrics.histogram(
            "gateway_call_duration", "s", "Calls of models, from request to end of reply."
        )
        application = web.Application(client_max_size=settings.body_bytes_max, middlewares=[_in_openai_shape])
        application.router.add_post("/v1/chat/completions", self._chat)
        application.router.add_get("/v1/models", self._models, allow_head=False)
        self._runner = web.AppRunner(
            application, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=FINISH_S
        )

    @property
    def port(self) -> int:
        """The port that is really listened on; known once the server has started."""
        return int(self._runner.addresses[0][1])

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            ConfigurationError: Nobody can listen there.
        """
        self._upstream = Upstream(self._settings.timeouts, self._clock)
        listen = self._settings.serve
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, listen.host, listen.port).start()
        except OSError as error:
            await self._close()
            raise ConfigurationError(
                f"Agents cannot be served at {listen}: {error.strerror}.",
                "Stop what listens there, or set `serve` to another port (0: any free one).",
            ) from error
        _log.info("listening", address=str(Address(listen.host, self.port)), serves="agents")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and let go of every model server."""
        await self._close()

    async def run(self, stop: lifecycle.Stop) -> None:
        """Wait until asked to stop; then take no more requests and finish those in hand, for `FINISH_S` at most."""
        await stop.wait()
        await self._runner.cleanup()

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._upstream.close()
        await asyncio.gather(*self._telling)

    async def _models(self, request: web.Request) -> web.Response:
        route = self._route_of(request)
        if route is None:
            return self._refuse(None, unknown_key())
        answer = self._resolver.resolve(*route, None)
        return web.json_response(model_list(route, answer), headers=marks(answer))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        route = self._route_of(request)
        if route is None:
            return self._refuse(None, unknown_key())
        asked = await _read(request, self._settings.body_bytes_max)
        if isinstance(asked, Fault):
            return self._refuse(route, asked)
        answer = self._resolver.resolve(*route, asked.key)
        if isinstance(answer, Stop):
            return self._stopped(answer, await self._safe_states.form(asked, answer))
        return await self._call(request, asked, answer)

    async def _call(self, request: web.Request, asked: Request, serve: Serve) -> web.StreamResponse:
        credential = _credential(serve)
        exchange = Exchange(request, serve, credential or "", self._clock)
        try:
            if credential is None:
                return exchange.fail(no_credential(serve.model))
            tracing, body = tracing_of(request.headers), asked.body_for(serve.model, read_only=serve.read_only)
            async with self._upstream.post(serve.model, body, credential, tracing, streamed=asked.streamed) as reply:
                return await exchange.pass_on(reply, streamed=asked.streamed)
        finally:
            self._tell(serve, exchange)
            if exchange.repeatable is not None:
                self._safe_states.remember(asked, serve, exchange.repeatable)

    def _tell(self, serve: Serve, exchange: Exchange) -> None:
        """Report a call that has ended, however it did."""
        call = exchange.call()
        self._note(call)
        self._count(serve.route, call.outcome)
        self._latency.record(call.latency_s, {"model": call.model, "outcome": call.outcome.value})
        _log.info(
            "call",
            route=serve.route.key,
            model=call.model,
            outcome=call.outcome.value,
            seconds=round(call.latency_s, 3),
        )
        if exchange.judge.substitute:
            detail = (
                f"{serve.route.key}: {call.model} was asked, {exchange.judge.named or 'one without a name'} answered"
            )
            telling = asyncio.create_task(self._findings.report(Reason.OTHER_MODEL_ANSWERED, detail))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    def _refuse(self, route: RouteId | None, fault: Fault) -> web.Response:
        """Answer a request that may not be asked."""
        self._count(route, fault.code)
        _log.info("refused", route=route.key if route else None, code=fault.code)
        return _error(fault)

    def _stopped(self, stop: Stop, form: Form) -> web.Response:
        """Answer a request in its route's safe state."""
        self._count(stop.route, form.code)
        _log.info("safe_state", route=stop.route.key, state=str(stop.state), code=form.code)
        kind = "text/event-stream" if form.streamed else "application/json"
        headers = {**marks(stop), **form.headers}
        response = web.Response(status=form.status, body=form.body, content_type=kind, headers=headers)
        if form.closes:
            response.force_close()
        return response

    def _count(self, route: RouteId | None, outcome: str) -> None:
        self._requests.add(1, {"agent": route.agent if route else "", "outcome": str(outcome)})

    def _route_of(self, request: web.Request) -> RouteId | None:
        return self._agents.route_of(request.headers.get("Authorization"))


async def _read(request: web.Request, bytes_max: int) -> Request | Fault:
    """Read a request's body in bounded time and size; the server's own limit is `bytes_max` too."""
    try:
        async with asyncio.timeout(REQUEST_READ_S_MAX):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return too_large(bytes_max)
    except TimeoutError:
        return Fault(408, "request_timeout", f"The request did not arrive within {REQUEST_READ_S_MAX:g} s.")
    return read_request(body, request.headers.items())


def _credential(serve: Serve) -> str | None:
    """The gateway's key for the model's server; None, and a line for the operator, if it is not there."""
    try:
        return secret(serve.model.identity.secret_ref)
    except ConfigurationError as error:
        _log.error("no_credential", model=serve.model.name, error=error.message, mend=error.mend)
        return None


@web.middleware
async def _in_openai_shape(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Tell what aiohttp refuses, such as an unknown path or too large a body, as clients of this API read it."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        allow = {name: value for name, value in refusal.headers.items() if name == "Allow"}
        return _error(Fault(refusal.status, refusal.reason.lower().replace(" ", "_"), f"{refusal.reason}."), allow)


def _error(fault: Fault, headers: Mapping[str, str] | None = None) -> web.Response:
    challenge = {"WWW-Authenticate": "Bearer"} if fault.status == 401 else {}
    return web.Response(
        status=fault.status,
        body=error_body(fault),
        content_type="application/json",
        headers={**challenge, **(headers or {})},
    )
