"""Calling a model's server: one POST, its bounds, and every way it can fail told as a value.

The agent's headers stay here, but for those that trace a request; the gateway's own credential goes with it. Redirects are not
followed: they would carry the credential to a server that nobody approved. Nothing is tried again, least of all elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from interlock.records.models import Model
from interlock.router.gateway.events import EventCutter, data_of
from interlock.router.gateway.faults import Failed, late, stalled, unreachable, unreadable
from interlock.router.gateway.settings import Timeouts
from interlock.runtime.clock import Clock
from interlock.vocabulary.time import SECOND, Micros, duration_text

REPLY_BYTES_MAX = 16 * 1_048_576
"""A whole reply is held in memory until its model is known."""

CONNECTIONS_PER_SERVER_MAX = 500
"""Calls of one server at a time; further ones wait, and their waiting is bounded by the total timeout."""

KEEPALIVE_S = 4.0
"""Shorter than the 5 s after which common servers close an idle connection: a call must not be sent into a closing one."""

USER_AGENT = "interlock-gateway"
"""How the gateway names itself to models' servers."""

TRACING_HEADERS = frozenset({"traceparent", "tracestate", "x-request-id", "idempotency-key"})
"""All that is forwarded of an agent's headers."""


class UpstreamReply:
    """A reply whose status and headers are there, and whose body may still be coming.

    Args:
        response: What aiohttp has of it.
        stall: How long the server may be silent between two events.
        patience: How long it may be silent now, before the answer has begun.
        clock: Measures patience.
    """

    def __init__(self, response: aiohttp.ClientResponse, stall: Micros, patience: Micros, clock: Clock) -> None:
        self.status = response.status
        self.headers = response.headers
        self._content = response.content
        self._stall = stall
        self._patience = patience
        self._clock = clock
        self._cutter = EventCutter()
        self._begun = False

    async def whole(self, bytes_max: int = REPLY_BYTES_MAX) -> bytes | Failed:
        """The whole body."""
        body = bytearray()
        try:
            while chunk := await self._content.readany():
                body += chunk
                if len(body) > bytes_max:
                    return unreadable(f"sent more than {bytes_max} bytes")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return _failed(error)
        return bytes(body)

    async def events(self) -> list[bytes] | Failed:
        """The next events, at least one; none at the end of the stream.

        Patience is measured in time spent waiting for the server: an agent that reads slowly is not the server's fault.
        """
        while True:
            before = self._clock.now().boot
            patience = asyncio.timeout(self._patience / SECOND)
            try:
                async with patience:
                    chunk = await self._content.readany()
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                if patience.expired() and self._begun:
                    return stalled(duration_text(self._stall))
                return _failed(error)
            self._patience = Micros(max(self._patience - (self._clock.now().boot - before), 0))
            try:
                events = self._cutter.feed(chunk)
            except ValueError:
                return unreadable("sent an event without an end")
            if any(data_of(event) for event in events):  # a comment or keep-alive is no progress
                self._begun, self._patience = True, self._stall
            if events or not chunk:
                return events


class Upstream:
    """Calls models' servers, over connections that are kept.

    Args:
        timeouts: How long each part of a call may take.
        clock: Measures patience.
    """

    def __init__(self, timeouts: Timeouts, clock: Clock) -> None:
        self._timeouts = timeouts
        self._clock = clock
        limits = aiohttp.ClientTimeout(total=timeouts.total / SECOND, sock_connect=timeouts.connect / SECOND)
        connector = aiohttp.TCPConnector(
            limit=0, limit_per_host=CONNECTIONS_PER_SERVER_MAX, keepalive_timeout=KEEPALIVE_S
        )
        self._session = aiohttp.ClientSession(connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    @asynccontextmanager
    async def post(
        self, model: Model, body: bytes, credential: str, tracing: Mapping[str, str], *, streamed: bool
    ) -> AsyncIterator[UpstreamReply | Failed]:
        """Send a chat completion request. A reply that was not read to its end is broken off on leaving.

        Args:
            model: Whose server is called.
            body: The request, with the model's name in it.
            credential: The gateway's own key for that server.
            tracing: The headers of the agent's request that are forwarded.
            streamed: Whether events are asked for: the time for the first of them runs from here.
        """
        headers = {
            **tracing,
            "Authorization": f"Bearer {credential}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
        }
        address = f"{model.endpoint.rstrip('/')}/chat/completions"
        patience = self._timeouts.first_token if streamed else self._timeouts.total
        before = self._clock.now().boot
        try:
            async with asyncio.timeout(patience / SECOND):
                response = await self._session.post(address, data=body, headers=headers, allow_redirects=False)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            yield _failed(error)
            return
        left = Micros(max(patience - (self._clock.now().boot - before), 0))
        try:
            yield UpstreamReply(response, self._timeouts.stall, left, self._clock)
        finally:
            response.close()


def tracing_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The agent's headers that are forwarded."""
    return {name: value for name in TRACING_HEADERS if (value := headers.get(name)) is not None}


def _failed(error: Exception) -> Failed:
    """What a broken connection or an ended patience means. A connection that cannot be made in time is no connection."""
    in_time = not isinstance(error, TimeoutError) or isinstance(error, aiohttp.ConnectionTimeoutError)
    return unreachable() if in_time else late()
