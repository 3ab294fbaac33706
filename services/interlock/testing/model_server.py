"""A model server that really listens: it speaks the OpenAI API over HTTP, and can be made to fail in the ways that providers do.

It checks the credential, answers chat completions streamed and whole, and remembers every request by the `user` field of its body
and by its `User-Agent`: evidence at the outer edge of who called which model. `POST /control` changes how it behaves,
`GET /control` tells that and the counts.

    async with ModelServer("atlas", served_as="atlas-2026", credential="…") as server:
        ...  # server.endpoint is the model's endpoint
        server.behave(mode="throttle", share=0.5)

As a process it writes one JSON line for each request, and `{"listening": URL}` first:

    python -m interlock.testing.model_server --name atlas --served-as atlas-2026 --port 0 --log atlas.jsonl --credential …

What it cannot do: die. Kill the process for that; `refuse` looks the same to a caller, and `/control` goes on to answer.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interlock.runtime.clock import SystemClock
from interlock.runtime.lifecycle import Stop, run
from interlock.testing import openai_shapes
from interlock.vocabulary.time import SECOND

_PATH = "/v1/chat/completions"


class Behaviour(BaseModel):
    """How the server answers.

    Attributes:
        mode: `ok`; `slow`: the same, with `latency_ms`; `error`: 500; `throttle`: 429 with `Retry-After`; `refuse`: the connection is closed without an answer;
            `wrong_model`: the answer bears another model's name; `stall`: silence after the first event, or instead of an answer;
            `cut`: the connection is closed after the first event; `filter`: finished by a content filter; `policy`: 400, refused by a
            content policy; `tools`: the answer calls a tool, offered or not.
        share: Of the requests, how many are treated so, 0 to 1, evenly spread; the others are answered.
        latency_ms: How long an answer takes that is treated so; the others take as long as at the start.
        retry_after_s: What `throttle` tells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal[
        "ok", "slow", "error", "throttle", "refuse", "wrong_model", "stall", "cut", "filter", "policy", "tools"
    ] = "ok"
    share: float = Field(default=1.0, ge=0.0, le=1.0)
    latency_ms: int = Field(default=0, ge=0)
    retry_after_s: int = Field(default=1, ge=0)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request for a completion.

    Attributes:
        at: When it came: seconds since the epoch.
        user: The `user` field of its body; empty if it has none.
        user_agent: Who called.
        model: The model that it asked for.
        streamed: Whether it asked for events.
        fields: The names of all fields of its body, sorted.
        status: How it was answered; 0: not at all.
        headers: All that came along, but for the credential; names in lower case.
    """

    at: float
    user: str
    user_agent: str
    model: str
    streamed: bool
    fields: tuple[str, ...]
    status: int
    headers: dict[str, str]


class ModelServer:
    """Listens on loopback while it is entered.

    Args:
        name: The model's name in the registry; it signs its answers with it.
        served_as: The name that its answers bear, and that requests must ask for.
        credential: The key that requests must show.
        port: Where to listen; 0: any free port.
        latency_ms: How long every answer takes, unless told otherwise.
        on_request: Called for each request for a completion.

    Attributes:
        seen: Every request for a completion so far.
        broken_off: How many callers went away before their answer was complete.
    """

    def __init__(  # noqa: PLR0913 - what a person may say on its command line
        self,
        name: str,
        *,
        served_as: str,
        credential: str,
        port: int = 0,
        latency_ms: int = 0,
        on_request: Callable[[Seen], None] = lambda seen: None,
    ) -> None:
        self.seen: list[Seen] = []
        self.broken_off = 0
        self._name = name
        self._served_as = served_as
        self._credential = credential
        self._port = port
        self._first = Behaviour(latency_ms=latency_ms)
        self._behaviour = self._first
        self._since_told = 0
        self._on_request = on_request
        self._clock = SystemClock()
        self._changed = asyncio.Condition()

    @property
    def endpoint(self) -> str:
        """The base address of the API, as it stands in a registry."""
        return f"http://127.0.0.1:{self._port}/v1"

    def behave(self, **behaviour: Any) -> None:
        """Behave so from now on (see `Behaviour`); what is not named is as it was at the start.

        Raises:
            ValueError: There is no such behaviour.
        """
        self._behaviour = Behaviour(**{**self._first.model_dump(), **behaviour})
        self._since_told = 0

    def counts(self) -> dict[str, Any]:
        """How many requests came, in all, by `user`, by `User-Agent` and by status (0: not answered)."""
        return {
            "total": len(self.seen),
            "by_user": dict(Counter(seen.user for seen in self.seen)),
            "by_user_agent": dict(Counter(seen.user_agent for seen in self.seen)),
            "by_status": dict(Counter(str(seen.status) for seen in self.seen)),
        }

    async def wait_for(self, condition: Callable[["ModelServer"], bool], *, within_s: float = 10.0) -> None:
        """Wait until the condition holds.

        Raises:
            TimeoutError: It did not hold within that time.
        """
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post(_PATH, self._complete)
        application.router.add_get("/control", self._tell_control)
        application.router.add_post("/control", self._take_control)
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _tell_control(self, _request: web.Request) -> web.Response:
        return web.json_response({**self._behaviour.model_dump(), "counts": self.counts()})

    async def _take_control(self, request: web.Request) -> web.Response:
        try:
            self.behave(**await request.json())
        except (ValidationError, ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._tell_control(request)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        behaviour = self._next()
        status = self._status(request, asked, behaviour.mode)
        await self._remember(request, asked, status)
        try:
            await asyncio.sleep(behaviour.latency_ms / 1_000)
            return await self._answer(request, asked, behaviour, status)
        except (asyncio.CancelledError, ConnectionError):
            self.broken_off += 1
            await asyncio.shield(self._notify())
            raise

    def _next(self) -> Behaviour:
        """How the next request is treated: of n since the last command, the share of n rounded down as told, the rest well."""
        self._since_told += 1
        share = self._behaviour.share
        as_told = int(self._since_told * share) > int((self._since_told - 1) * share)
        return self._behaviour if as_told else self._first

    def _status(self, request: web.Request, asked: dict[str, Any], mode: str) -> int:
        if request.headers.get("Authorization") != f"Bearer {self._credential}":
            return 401
        if asked.get("model") != self._served_as:
            return 404
        return {"error": 500, "throttle": 429, "policy": 400, "refuse": 0}.get(mode, 200)

    async def _remember(self, request: web.Request, asked: dict[str, Any], status: int) -> None:
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "authorization"}
        seen = Seen(
            at=self._clock.now().wall / SECOND,
            user=str(asked.get("user", "")),
            user_agent=headers.get("user-agent", ""),
            model=str(asked.get("model", "")),
            streamed=asked.get("stream") is True,
            fields=tuple(sorted(asked)),
            status=status,
            headers=headers,
        )
        self.seen.append(seen)
        self._on_request(seen)
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _answer(
        self, request: web.Request, asked: dict[str, Any], behaviour: Behaviour, status: int
    ) -> web.StreamResponse:
        if status == 0:
            return _hang_up(request, web.Response())
        if status != 200:
            shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
            headers = {"Retry-After": str(behaviour.retry_after_s)} if status == 429 else {}
            return web.json_response(openai_shapes.error(status, shown), status=status, headers=headers)
        if asked.get("stream") is True:
            return await self._stream(request, behaviour.mode)
        if behaviour.mode == "stall":
            await asyncio.Event().wait()
        if behaviour.mode == "cut":
            return _hang_up(request, web.Response())
        frame, finish = self._frame(behaviour.mode), _finish(behaviour.mode)
        return web.json_response(openai_shapes.completion(frame, self._name, finish))

    async def _stream(self, request: web.Request, mode: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        first, *others = openai_shapes.chunks(self._frame(mode), self._name, _finish(mode))
        await response.write(_event(first))
        if mode == "stall":
            await asyncio.Event().wait()
        if mode == "cut":
            return _hang_up(request, response)
        for piece in others:
            await response.write(_event(piece))
        await response.write(b"data: [DONE]\n\n")
        return response

    def _frame(self, mode: str) -> dict[str, Any]:
        named = f"{self._name}-other" if mode == "wrong_model" else self._served_as
        return {"id": f"chatcmpl-{len(self.seen)}", "created": self._clock.now().wall // SECOND, "model": named}


def _finish(mode: str) -> str:
    return {"filter": "content_filter", "tools": "tool_calls"}.get(mode, "stop")


def _event(piece: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(piece).encode() + b"\n\n"


def _hang_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection as a dying process does; the response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return response


async def _serve(arguments: argparse.Namespace, log: IO[str], stop: Stop) -> None:
    def write(line: dict[str, Any]) -> None:
        log.write(json.dumps(line) + "\n")
        log.flush()

    server = ModelServer(
        arguments.name,
        served_as=arguments.served_as,
        credential=arguments.credential,
        port=arguments.port,
        latency_ms=arguments.latency_ms,
        on_request=lambda seen: write(asdict(seen)),
    )
    async with server:
        write({"listening": server.endpoint})
        await stop.wait()


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m interlock.testing.model_server")
    parser.add_argument("--name", required=True, help="the model's name in the registry")
    parser.add_argument("--served-as", required=True, help="the name that its answers bear")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0: any free port")
    parser.add_argument("--log", required=True, help="the file that gets one JSON line for each request")
    parser.add_argument("--credential", required=True, help="the key that requests must show")
    parser.add_argument("--latency-ms", type=int, default=0, help="how long every answer takes")
    arguments = parser.parse_args()
    with Path(arguments.log).open("a", encoding="utf-8") as log:
        return run(lambda stop: _serve(arguments, log, stop))


if __name__ == "__main__":
    sys.exit(main())
