"""One request on its way: the model's reply is judged before any of it reaches the agent.

A provider's error goes back to the agent as it is, with its status; no other model is tried, for that is decision's to say.
However the exchange ends, it knows its outcome: an agent that goes away has cancelled.
"""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from interlock.records.health import Outcome
from interlock.records.outcomes import ERROR_BODY_BYTES_MAX, classify, error_code
from interlock.reporting.accumulator import Call
from interlock.router.answers import Serve
from interlock.router.gateway.faults import Failed
from interlock.router.gateway.judge import Judge
from interlock.router.gateway.replies import error_body, error_event, marks
from interlock.router.gateway.upstream import UpstreamReply
from interlock.runtime.clock import Clock
from interlock.vocabulary.time import SECOND

AGENT_WRITE_S_MAX = 60.0
"""How long an agent may leave a part of its answer unread; one that is slower has gone away."""

_PASSED_HEADERS = ("x-request-id", "retry-after", "retry-after-ms", "openai-processing-ms")
_PASSED_PREFIX = "x-ratelimit-"


class Exchange:
    """Brings one reply to the agent, and remembers how it went.

    Args:
        request: The agent's request.
        serve: What the resolver said.
        credential: The gateway's key for the model's server: it must not get out with an error.
        clock: Measures latency.

    Attributes:
        judge: Looks at the answer.
        outcome: How the call ended; cancelled until anything else is known.
        repeatable: A whole answer that may be given again: one that is complete, no refusal, and calls no tool.
    """

    def __init__(self, request: web.Request, serve: Serve, credential: str, clock: Clock) -> None:
        self.judge = Judge(serve.model, credential, tools=not serve.read_only)
        self.outcome = Outcome.CANCELLED
        self.repeatable: bytes | None = None
        self._request = request
        self._serve = serve
        self._clock = clock
        self._sent_at = clock.now().boot
        self._first_token_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the exchange began."""
        return (self._clock.now().boot - self._sent_at) / SECOND

    def call(self) -> Call:
        """The call as telemetry tells of it, ended now."""
        route, model, named = self._serve.route, self._serve.model.name, self.judge.named or None
        return Call(route, model, self.outcome, self.elapsed_s, self._first_token_s, named)

    async def pass_on(self, reply: UpstreamReply | Failed, *, streamed: bool) -> web.StreamResponse:
        """Answer the agent with a reply, or with what became of it."""
        if isinstance(reply, Failed):
            return self.fail(reply)
        if not 200 <= reply.status < 300:
            return await self._pass_error(reply)
        return await (self._pass_stream(reply) if streamed else self._pass_whole(reply))

    def fail(self, failed: Failed) -> web.Response:
        """Answer the agent with what went wrong."""
        self.outcome = failed.outcome
        return self._response(failed.fault.status, error_body(failed.fault), {})

    async def _pass_error(self, reply: UpstreamReply) -> web.Response:
        body = await reply.whole(ERROR_BODY_BYTES_MAX)
        if isinstance(body, Failed):
            return self.fail(body)
        self.outcome = classify(reply.status, error_code(body))
        fault = self.judge.error(reply.status, body)
        return self._response(fault.status, error_body(fault), _passed(reply.headers))

    async def _pass_whole(self, reply: UpstreamReply) -> web.Response:
        body = await reply.whole()
        if isinstance(body, Failed):
            return self.fail(body)
        wrong = self.judge.whole(body)
        if wrong is not None:
            return self.fail(wrong)
        self.outcome = self.judge.outcome
        if self.outcome is Outcome.OK and not self.judge.acts:
            self.repeatable = body
        return self._response(200, body, _passed(reply.headers))

    async def _pass_stream(self, reply: UpstreamReply) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **_passed(reply.headers)}
        response = web.StreamResponse(headers={**headers, **marks(self._serve)})
        try:
            wrong = await self._pass_events(reply, response)
            if wrong is not None and not response.prepared:
                return self.fail(wrong)
            if wrong is not None:
                await self._write(response, error_event(wrong.fault))
        except (ConnectionError, TimeoutError):  # the agent is gone: what a server does wrong is told as a value
            if self._request.transport is not None:
                self._request.transport.abort()
            return response
        self.outcome = wrong.outcome if wrong else self.judge.outcome
        return response

    async def _pass_events(self, reply: UpstreamReply, response: web.StreamResponse) -> Failed | None:
        """Pass a stream on as far as it may be; what is wrong with it, or None."""
        while True:
            events = await reply.events()
            if isinstance(events, Failed):
                return self.judge.end(events)
            if not events:
                return self.judge.end()
            for event in events:
                passed = self.judge.take(event)
                if isinstance(passed, Failed):
                    return passed
                await self._write(response, passed)

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        if not data:
            return
        async with asyncio.timeout(AGENT_WRITE_S_MAX):
            if not response.prepared:
                self._first_token_s = self.elapsed_s
                await response.prepare(self._request)
            await response.write(data)

    def _response(self, status: int, body: bytes, passed: Mapping[str, str]) -> web.Response:
        return web.Response(
            status=status, body=body, content_type="application/json", headers={**passed, **marks(self._serve)}
        )


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    """All that is passed on of a provider's headers."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in _PASSED_HEADERS or name.lower().startswith(_PASSED_PREFIX)
    }
