"""The form of each safe state, without a socket."""

import json
from typing import Any

import pytest

from interlock.records.rules import SafeReply, SafeState
from interlock.router.answers import Serve, Stop
from interlock.router.gateway.requests import Request, read_request
from interlock.router.gateway.safe_states import Form, SafeStates
from interlock.router.gateway.tickets import Tickets
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.builders import NOW, Deployment, model
from interlock.testing.fixed_resolver import FixedResolver
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros, Reading

ROUTE = RouteId("support", "main", "*")
ASKED = {"messages": [{"role": "user", "content": "Hello"}], "user": "u-1"}
ATLAS = model("atlas")
BODY = b'{"model": "atlas-2026"}'
CACHE = SafeReply(cache_us=Micros(60 * SECOND))


class Desk:
    """Safe states with a clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.broker = MemoryBroker()
        self.resolver = FixedResolver()
        self.resolver.repeatable = {"atlas"}

    def now(self) -> Reading:
        passed = round(self.seconds * SECOND)
        return Reading(Micros(NOW + passed), Micros(SECOND + passed))

    async def open(self) -> "Desk":
        publisher = await MemoryBus(self.broker).publisher()
        tickets = Tickets(publisher, "gateway-1", Deployment().key("gateway-1"), self)
        self.states = SafeStates(tickets, self.resolver, self)
        return self

    async def form(self, state: SafeState, reply: SafeReply = CACHE, **more: object) -> Form:
        return await self.states.form(asked(**more), Stop(ROUTE, state, "unavailable", "change-8", reply))

    def remember(self, *, read_only: bool = False, **more: object) -> None:
        self.states.remember(asked(**more), Serve(ROUTE, ATLAS, "change-7", True, read_only), BODY)


@pytest.fixture
async def desk() -> Desk:
    return await Desk().open()


def asked(**more: object) -> Request:
    request = read_request(json.dumps({**ASKED, **more}).encode(), [])
    assert isinstance(request, Request)
    return request


def code_of(form: Form) -> str:
    return str(json.loads(form.body)["error"]["code"])


@pytest.mark.parametrize(
    ("state", "reply"),
    [
        (SafeState.SUSPEND, CACHE),
        (SafeState.READ_ONLY, SafeReply("atlas")),
        (SafeState.TEMPLATED_REPLY, SafeReply()),
        (SafeState.CACHED_RESPONSE, CACHE),
        (SafeState.CACHED_RESPONSE, SafeReply()),
    ],
)
async def test_a_state_that_lacks_what_it_needs_refuses(desk: Desk, state: SafeState, reply: SafeReply) -> None:
    form = await desk.form(state, reply)

    assert (form.status, form.code, code_of(form)) == (403, "interlock_safe_state", "interlock_safe_state")
    assert str(state) in json.loads(form.body)["error"]["message"]


async def test_a_shut_down_route_tells_clients_to_stay_away(desk: Desk) -> None:
    form = await desk.form(SafeState.SAFE_SHUTDOWN)

    assert (form.status, code_of(form), form.closes) == (503, "interlock_safe_shutdown", True)
    assert form.headers == {"x-should-retry": "false"}


async def test_the_signed_text_is_streamed_to_whom_it_is_asked_so(desk: Desk) -> None:
    whole = await desk.form(SafeState.TEMPLATED_REPLY, SafeReply(text="Soon."))
    streamed = await desk.form(SafeState.TEMPLATED_REPLY, SafeReply(text="Soon."), stream=True)

    assert (whole.status, whole.streamed) == (streamed.status, not streamed.streamed) == (200, False)
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == "Soon."
    assert b"[DONE]" in streamed.body


async def test_a_queued_request_gets_its_ticket(desk: Desk) -> None:
    form = await desk.form(SafeState.HUMAN_QUEUE)
    told = json.loads(form.body)

    assert (form.status, code_of(form)) == (202, "interlock_human_queue")
    assert told["ticket"]["id"] == form.headers["x-interlock-ticket"]
    assert told["ticket"]["status"] == "waiting_for_a_person"
    assert "choices" not in told


async def test_a_request_that_cannot_be_kept_gets_no_ticket(desk: Desk) -> None:
    desk.broker.reachable = False
    form = await desk.form(SafeState.HUMAN_QUEUE)

    assert (form.status, code_of(form)) == (503, "interlock_ticket_not_kept")
    assert "x-interlock-ticket" not in form.headers
    assert "ticket" not in json.loads(form.body)


async def test_an_earlier_answer_is_given_again_as_it_was_with_its_age_and_its_model(desk: Desk) -> None:
    desk.remember()
    desk.seconds = 59.9
    form = await desk.form(SafeState.CACHED_RESPONSE, model="gpt-9")

    assert (form.status, form.body, form.code) == (200, BODY, "interlock_cached_response")
    assert form.headers == {"Age": "59", "x-interlock-model": "atlas", "x-interlock-substituted": "true"}


async def test_an_answer_that_is_too_old_is_not_given_again(desk: Desk) -> None:
    desk.remember()
    desk.seconds = 60

    assert (await desk.form(SafeState.CACHED_RESPONSE)).status == 403


@pytest.mark.parametrize("more", [{"stream": True}, {"user": "u-2"}, {"temperature": 0}])
async def test_another_request_does_not_get_it(desk: Desk, more: dict[str, Any]) -> None:
    desk.remember()

    assert (await desk.form(SafeState.CACHED_RESPONSE, **more)).status == 403


async def test_an_answer_of_a_model_that_was_revoked_since_stays_in_the_cache(desk: Desk) -> None:
    desk.remember()
    desk.resolver.repeatable = set()
    assert (await desk.form(SafeState.CACHED_RESPONSE)).status == 403
    desk.resolver.repeatable = {"atlas"}
    assert (await desk.form(SafeState.CACHED_RESPONSE)).status == 200


async def test_an_answer_is_not_kept_where_policy_does_not_want_it(desk: Desk) -> None:
    desk.resolver.repeatable = set()
    desk.remember()
    desk.resolver.repeatable = {"atlas"}

    assert (await desk.form(SafeState.CACHED_RESPONSE)).status == 403


async def test_an_answer_that_was_given_read_only_is_not_kept(desk: Desk) -> None:
    desk.remember(read_only=True)

    assert (await desk.form(SafeState.CACHED_RESPONSE)).status == 403


@pytest.mark.parametrize("state", [state for state in SafeState if state is not SafeState.CACHED_RESPONSE])
async def test_no_other_safe_state_gives_an_earlier_answer(desk: Desk, state: SafeState) -> None:
    desk.remember()

    assert (await desk.form(state)).body != BODY
