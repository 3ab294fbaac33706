"""A steady client: an agent that asks at an even pace, whatever the answers, and writes down how each request went.

Every tenth request asks for a model by name that is not approved for this agent, and every fifth is streamed. The `user` field of
each request names the agent, so that a model's own server can tell whose request it was. Requests belong to conversations, in turn,
and each names its own by the request key, which is what a canary keeps together. Each request has an id, which the gateway hands on, so
that a model's server can tell which request it saw.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any

import aiohttp

from interlock.router.gateway.faults import SAFE_STATE_CODE
from interlock.router.gateway.requests import REQUEST_KEY_HEADER
from interlock.router.gateway.safe_states import HUMAN_QUEUE_CODE
from interlock.runtime.clock import Clock
from interlock.runtime.lifecycle import Stop
from interlock.vocabulary.time import NEVER, Micros

ASK_FOR_EVERY = 10
STREAM_EVERY = 5
CONVERSATIONS = 47
"""Enough that a quarter of them is some of them, whatever the canary's id; a prime, so that each of them asks in every way."""

ID_HEADER = "x-request-id"
MODEL_HEADER = "x-interlock-model"
STATE_HEADER = "x-interlock-state"
CHANGE_HEADER = "x-interlock-change"
TICKET_HEADER = "x-interlock-ticket"
PATIENCE_S = 10.0
"""Longer than any answer of the story takes: a request without an answer by then has failed."""


class Fate(StrEnum):
    """What became of a request."""

    OK = "ok"
    FAILED = "failed"
    SAFE_STATE = "safe_state"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Reply:
    """How one request went.

    Attributes:
        at: When it was over.
        fate: What became of it.
        status: The HTTP status; 0 if there was none.
        model: The model that the gateway says has answered; empty if it says none.
        named: The name of a model that was asked for; empty but for every tenth request.
        asked_at: When the request was sent.
        key: The conversation that it belongs to.
        ticket: The ticket that was given for it; empty if none was.
        sent: Its body.
        id: Its id, which goes with it to the model's server.
        told: The headers that came back, names in lower case.
        said: The body that came back.
    """

    at: Micros
    fate: Fate
    status: int
    model: str
    named: str
    asked_at: Micros = NEVER
    key: str = ""
    ticket: str = ""
    sent: bytes = b""
    id: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    said: bytes = b""

    @property
    def state(self) -> str:
        """The state that its route was in, as the reply is marked."""
        return self.told.get(STATE_HEADER, "")

    @property
    def change_id(self) -> str:
        """The routing change that it was answered under, as the reply is marked."""
        return self.told.get(CHANGE_HEADER, "")


class SteadyClient:
    """Asks while it is entered.

    Args:
        url: The gateway's chat completions.
        key: The agent's own key.
        user: The agent.
        every_s: Seconds from one request to the next.
        tempted_by: The model that every tenth request asks for by name.
        clock: Tells when a reply came.
        name: What the ids of its requests begin with; by default the agent.
        on_reply: Called for each reply.

    Attributes:
        replies: Every reply so far.
    """

    def __init__(  # noqa: PLR0913 - named, each of its own kind
        self,
        url: str,
        key: str,
        *,
        user: str,
        every_s: float,
        tempted_by: str,
        clock: Clock,
        name: str = "",
        on_reply: Callable[[Reply], None] = lambda reply: None,
    ) -> None:
        self.replies: list[Reply] = []
        self._url = url
        self._key = key
        self._user = user
        self._name = name or user
        self._every_s = every_s
        self._tempted_by = tempted_by
        self._clock = clock
        self._on_reply = on_reply
        self._stop = Stop()
        self._numbers = count(1)
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    def count(self, *fates: Fate, model: str | None = None, after: int = 0, since: Micros = NEVER) -> int:
        """How many replies there are of these fates (all, if none is named), by a model, after the first so many, since a moment."""
        return sum(
            1
            for reply in self.replies[after:]
            if (not fates or reply.fate in fates) and model in {None, reply.model} and reply.at >= since
        )

    async def __aenter__(self) -> "SteadyClient":
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers)
        self._task = asyncio.create_task(self._ask_on(), name=f"client of {self._user}")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop asking; what was asked is waited for."""
        self._stop.request()
        if self._task is not None:
            await self._task
        if self._session is not None:
            await self._session.close()

    async def ask(self, **fields: Any) -> Reply:
        """Ask once, beside the steady requests and counted among them, with these fields of a request."""
        sent = json.dumps({"model": self._user, "user": self._user, **fields}).encode()
        return await self._ask(next(self._numbers), sent, "", streamed=False)

    async def _ask_on(self) -> None:
        async with asyncio.TaskGroup() as asking:
            for number in self._numbers:
                named = self._tempted_by if number % ASK_FOR_EVERY == 0 else ""
                streamed = number % STREAM_EVERY == 0
                sent = self._body(number, named or self._user, streamed)
                asking.create_task(self._ask(number, sent, named, streamed=streamed))
                if await self._stop.within(self._every_s):
                    return

    async def _ask(self, number: int, sent: bytes, named: str, *, streamed: bool) -> Reply:
        assert self._session is not None, "enter it first"
        key, name = f"conversation-{number % CONVERSATIONS}", f"{self._name}-{number}"
        asked_at = self._clock.now().wall
        headers = {REQUEST_KEY_HEADER: key, ID_HEADER: name}
        try:
            async with self._session.post(self._url, data=sent, headers=headers) as response:
                said = await response.read()
                fate = fate_of(response.status, said, streamed=streamed)
                status, told = response.status, {header.lower(): text for header, text in response.headers.items()}
        except (aiohttp.ClientError, TimeoutError, OSError):
            fate, status, told, said = Fate.FAILED, 0, {}, b""
        reply = Reply(
            at=self._clock.now().wall,
            fate=fate,
            status=status,
            model=told.get(MODEL_HEADER, ""),
            named=named,
            asked_at=asked_at,
            key=key,
            ticket=told.get(TICKET_HEADER, ""),
            sent=sent,
            id=name,
            told=told,
            said=said,
        )
        self.replies.append(reply)
        self._on_reply(reply)
        return reply

    def _body(self, number: int, model: str, streamed: bool) -> bytes:
        message = {"role": "user", "content": f"Request {number}."}
        return json.dumps({"model": model, "messages": [message], "user": self._user, "stream": streamed}).encode()


def fate_of(status: int, body: bytes, *, streamed: bool) -> Fate:
    """What became of a request, by what came back; a stream without its end has failed."""
    if status == 403 and _code(body) == SAFE_STATE_CODE:
        return Fate.SAFE_STATE
    if status == 202 and _code(body) == HUMAN_QUEUE_CODE:
        return Fate.TICKET
    if status != 200 or (streamed and not body.rstrip().endswith(b"data: [DONE]")):
        return Fate.FAILED
    return Fate.OK


def _code(body: bytes) -> Any:
    try:
        return json.loads(body)["error"]["code"]
    except (ValueError, TypeError, KeyError):
        return None
