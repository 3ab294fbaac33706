"""What a request is answered with when its route stops: each safe state has a form of its own.

    suspend           403, a refusal that client libraries do not repeat
    human_queue       202 with a ticket, once the request is kept for a person (`tickets`); 503 if it cannot be kept
    templated_reply   200, the text that governance signed (`templated`)
    cached_response   200, an earlier answer to the same request if it is young enough (`cache`); otherwise as suspend
    safe_shutdown     503, and the connection is closed; what is in hand goes on

`read_only` is not among them: there a model does answer, see `exchange`. A state that lacks what it needs ends as `suspend` does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.records.rules import SafeState
from interlock.records.telling import Ticket
from interlock.router.answers import Resolver, Serve, Stop
from interlock.router.gateway.cache import Kept, ReplyCache
from interlock.router.gateway.faults import Fault, safe_shutdown, safe_state
from interlock.router.gateway.replies import by, error_body, fault_object
from interlock.router.gateway.requests import Request
from interlock.router.gateway.templated import completion, stream
from interlock.router.gateway.tickets import Tickets
from interlock.runtime.clock import Clock
from interlock.vocabulary.time import SECOND, to_text

HUMAN_QUEUE_CODE = "interlock_human_queue"
TEMPLATED_CODE = "interlock_templated_reply"
CACHED_CODE = "interlock_cached_response"

_NO_RETRY = {"x-should-retry": "false"}
"""OpenAI's client libraries obey it, and would otherwise repeat a request that got 503."""


@dataclass(frozen=True, slots=True)
class Form:
    """An answer that no model gave, the marks of the route apart.

    Attributes:
        code: What it is, for programs and for counting.
        status: The HTTP status.
        body: What it says.
        headers: What it bears beside the marks.
        streamed: Whether the body is a stream of events; otherwise it is JSON.
        closes: Whether the connection is closed after it.
    """

    code: str
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False
    closes: bool = False


def refusal(fault: Fault) -> Form:
    """A refusal in OpenAI's shape."""
    return Form(fault.code, fault.status, error_body(fault))


class SafeStates:
    """Gives each safe state its form.

    Args:
        tickets: Keeps requests for people.
        resolver: Says whose earlier answers may be given again.
        clock: Tells when a text was given, and how old an answer is.
    """

    def __init__(self, tickets: Tickets, resolver: Resolver, clock: Clock) -> None:
        self._tickets = tickets
        self._resolver = resolver
        self._clock = clock
        self._cache = ReplyCache()

    def remember(self, asked: Request, serve: Serve, body: bytes) -> None:
        """Keep an answer that a model gave by order, if the route's policy wants such answers kept."""
        if not serve.read_only and self._resolver.may_repeat(serve.route, serve.model):
            kept = Kept(body, serve.model, serve.substituted, self._clock.now().boot)
            self._cache.put(serve.route, asked.canonical(), kept)

    async def form(self, asked: Request, stop: Stop) -> Form:
        """What a request is answered with."""
        match stop.state:
            case SafeState.HUMAN_QUEUE:
                return await self._queued(asked, stop)
            case SafeState.TEMPLATED_REPLY if stop.reply.text:
                return self._templated(asked, stop)
            case SafeState.CACHED_RESPONSE:
                return self._cached(asked, stop) or refusal(safe_state(stop))
            case SafeState.SAFE_SHUTDOWN:
                fault = safe_shutdown(stop)
                return Form(fault.code, fault.status, error_body(fault), _NO_RETRY, closes=True)
            case _:
                return refusal(safe_state(stop))

    async def _queued(self, asked: Request, stop: Stop) -> Form:
        kept = await self._tickets.keep(stop, asked.body)
        if isinstance(kept, Fault):
            return refusal(kept)
        message = f"No model answers for {stop.route.key} now. The request is kept for a person as {kept.id}."
        told = {"error": fault_object(Fault(202, HUMAN_QUEUE_CODE, message)), "ticket": _shown(kept)}
        return Form(HUMAN_QUEUE_CODE, 202, json.dumps(told).encode(), {"x-interlock-ticket": kept.id})

    def _templated(self, asked: Request, stop: Stop) -> Form:
        now = self._clock.now().wall
        write = stream if asked.streamed else completion
        body = write(stop.reply.text, f"interlock-{now}", now)
        return Form(TEMPLATED_CODE, 200, body, streamed=asked.streamed)

    def _cached(self, asked: Request, stop: Stop) -> Form | None:
        """The answer that was given to the same request, if its model may still speak for the route and it is young enough."""
        canonical = asked.canonical()
        kept = self._cache.get(stop.route, canonical)
        if kept is None:
            return None
        age = self._clock.now().boot - kept.at
        if age >= stop.reply.cache_us:
            self._cache.drop(stop.route, canonical)
            return None
        if not self._resolver.may_repeat(stop.route, kept.model):
            return None  # kept on: a lease that has ended may come back
        told = {"Age": str(age // SECOND), **by(kept.model.name, substituted=kept.substituted)}
        return Form(CACHED_CODE, 200, kept.body, told)


def _shown(ticket: Ticket) -> dict[str, str]:
    """A ticket as its holder sees it."""
    return {
        "object": "interlock.ticket",
        "id": ticket.id,
        "status": "waiting_for_a_person",
        "agent": ticket.agent,
        "slot": ticket.slot,
        "scope": ticket.scope,
        "change": ticket.change_id,
        "created_at": to_text(ticket.at),
    }
