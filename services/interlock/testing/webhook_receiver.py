"""A webhook receiver that really listens: for tests, the demo, and whoever wants to see what a notice looks like.

It verifies signatures as Standard Webhooks asks, with code of its own, records every request, and can be told how to answer:
`ok`, a status (`500`), `redirect`, `hang`, `large` (200 with `LARGE_BYTES`), `wait:<seconds>` (429 with `Retry-After`). Answers are used up in order; after the
last one everything is accepted. A request whose signature does not hold is answered 401, whatever it was told.

    async with WebhookReceiver("whpk_…", answers=["500", "ok"]) as receiver:
        ...  # receiver.url is where notices go
        received = await receiver.wait_for(lambda requests: any(r.accepted for r in requests))

As a process it writes one JSON line for each request, and `{"listening": URL}` first:

    python -m interlock.testing.webhook_receiver --port 0 --log notices.jsonl --key whpk_…
"""

import argparse
import asyncio
import base64
import json
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from interlock.runtime.clock import SystemClock
from interlock.runtime.lifecycle import Stop, run

PATH = "/hook"
LARGE_BYTES = 64 * 1024 * 1024
_TOLERANCE_S = 300
"""How old or new a timestamp may be: what Standard Webhooks suggests."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request.

    Attributes:
        at: When it came: seconds since the epoch.
        id: Its `webhook-id`.
        genuine: Whether its signature and its time hold.
        status: How it was answered; 0: not at all.
        body: Its JSON; None if it is none.
    """

    at: float
    id: str
    genuine: bool
    status: int
    body: Any

    @property
    def accepted(self) -> bool:
        """Whether it was answered 2xx."""
        return 200 <= self.status < 300


def signature_holds(public_key: str, headers: Any, body: bytes, now_s: float) -> bool:
    """Whether one of the signatures in the headers is by that key (`whpk_…`) over these bytes, and recent."""
    message_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(now_s - int(moment)) > _TOLERANCE_S:
        return False
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{message_id}.{moment}.".encode() + body
    for signature in headers.get("webhook-signature", "").split():
        version, _, encoded = signature.partition(",")
        try:
            if version == "v1a":
                key.verify(base64.b64decode(encoded), signed)
                return True
        except (InvalidSignature, ValueError):
            continue
    return False


class WebhookReceiver:
    """Listens on loopback while it is entered.

    Args:
        public_key: The notifier's key, `whpk_…`.
        answers: What to answer first; then everything is accepted.
        port: Where to listen; 0: any free port.
        on_request: Called for each request, answered or not.
    """

    def __init__(
        self,
        public_key: str,
        *,
        answers: Sequence[str] = (),
        port: int = 0,
        on_request: Callable[[Received], None] = lambda received: None,
    ) -> None:
        self.requests: list[Received] = []
        self.answers = deque(answers)
        self._public_key = public_key
        self._port = port
        self._on_request = on_request
        self._clock = SystemClock()
        self._came = asyncio.Condition()
        self._closing = asyncio.Event()

    @property
    def url(self) -> str:
        """Where notices go."""
        return f"http://127.0.0.1:{self._port}{PATH}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def wait_for(self, condition: Callable[[list[Received]], bool], *, within_s: float = 30.0) -> list[Received]:
        """Wait until the condition holds of all requests so far, and give them.

        Raises:
            TimeoutError: It did not hold within that time.
        """
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(lambda: condition(self.requests))
        return list(self.requests)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        now_s = self._clock.now().wall / 1e6
        genuine = signature_holds(self._public_key, request.headers, body, now_s)
        answer = (self.answers.popleft() if self.answers else "ok") if genuine else "401"
        response = _response(answer)
        received = Received(
            now_s, request.headers.get("webhook-id", ""), genuine, response.status if response else 0, _json(body)
        )
        self.requests.append(received)
        self._on_request(received)
        async with self._came:
            self._came.notify_all()
        if response is None:
            await self._closing.wait()
            return web.Response(status=503)
        return response


def _response(answer: str) -> web.Response | None:
    """The answer in HTTP; None: there is none."""
    if answer == "hang":
        return None
    if answer == "redirect":
        return web.Response(status=307, headers={"Location": "/elsewhere"})
    if answer == "large":
        return web.Response(body=bytes(LARGE_BYTES))
    if answer.startswith("wait:"):
        return web.Response(status=429, headers={"Retry-After": answer.removeprefix("wait:")})
    return web.Response(status=204 if answer == "ok" else int(answer))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


async def _serve(arguments: argparse.Namespace, log: IO[str], stop: Stop) -> None:
    def write(line: dict[str, Any]) -> None:
        log.write(json.dumps(line) + "\n")
        log.flush()

    receiver = WebhookReceiver(
        arguments.key,
        answers=arguments.answers.split(",") if arguments.answers else (),
        port=arguments.port,
        on_request=lambda received: write(asdict(received)),
    )
    async with receiver:
        write({"listening": receiver.url})
        await stop.wait()


def main() -> int:
    """Receive until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m interlock.testing.webhook_receiver", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0: any free port")
    parser.add_argument("--log", required=True, help="the file that gets one JSON line for each request")
    parser.add_argument("--key", required=True, help="the notifier's public key, whpk_…")
    parser.add_argument("--answers", default="", help="what to answer first: ok, 500, redirect, hang, wait:30, …")
    arguments = parser.parse_args()
    with Path(arguments.log).open("a", encoding="utf-8") as log:
        return run(lambda stop: _serve(arguments, log, stop))


if __name__ == "__main__":
    sys.exit(main())
