"""Each safe state over real HTTP: what the agent is told, and what the model's server saw of it, which is the evidence."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from interlock.records.health import Outcome
from interlock.records.rules import SafeReply, SafeState
from interlock.router.gateway.settings import Timeouts
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.builders import model
from interlock.testing.fixed_resolver import CHANGE_ID
from interlock.testing.gateway_bench import CREDENTIAL, CREDENTIAL_VARIABLE, HELLO, Bench, bench_with
from interlock.vocabulary.limits import TICKET_BYTES_MAX
from interlock.vocabulary.time import SECOND, Micros

TOOLS = {
    "tools": [{"type": "function", "function": {"name": "pay", "parameters": {}}}],
    "tool_choice": "required",
    "parallel_tool_calls": True,
    "Functions": [{"name": "pay"}],
    "function_call": "auto",
}
REPLY = SafeReply(text="We will write to you.", cache_us=Micros(60 * SECOND))
RETRIED = {408, 409, 429, 500, 502, 503, 504}
"""What OpenAI's client libraries repeat, unless a header forbids it."""


@pytest.fixture
async def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch, broker: MemoryBroker) -> AsyncIterator[Bench]:
    monkeypatch.setenv(CREDENTIAL_VARIABLE, CREDENTIAL)
    async with bench_with(Timeouts(), MemoryBus(broker)) as made:
        yield made


def read_only(bench: Bench) -> None:
    bench.resolver.serve(model("atlas", endpoint=bench.server.endpoint), read_only=True)


def stop(bench: Bench, state: SafeState) -> None:
    bench.resolver.stop("unavailable", state=state, reply=REPLY)


def marks_of(reply: aiohttp.ClientResponse) -> dict[str, str]:
    said = {name.lower(): value for name, value in reply.headers.items()}
    return {name.removeprefix("x-interlock-"): said[name] for name in said if name.startswith("x-interlock-")}


def events_of(stream: str) -> list[Any]:
    data = [event.removeprefix("data: ") for event in stream.split("\n\n") if event]
    return [json.loads(event) for event in data if event != "[DONE]"]


async def status(bench: Bench, more: dict[str, Any] | None = None) -> int:
    async with bench.ask(more) as reply:
        await reply.read()
        return reply.status


# A request key, and the marks of a canary.


async def test_the_header_or_the_user_is_the_request_key(bench: Bench) -> None:
    assert await status(bench) == 200
    async with bench.ask(x_interlock_request_key="chat-7"):
        pass
    assert await status(bench, {"user": None}) == 200

    assert bench.resolver.keys == ["support", "chat-7", None]
    assert all("x-interlock-request-key" not in seen.headers for seen in bench.server.seen)


async def test_during_a_canary_every_reply_says_so(bench: Bench) -> None:
    bench.resolver.serve(model("atlas", endpoint=bench.server.endpoint), canary="canary-3")
    for stream in (False, True):
        async with bench.ask({"stream": stream}) as reply:
            assert marks_of(reply)["canary"] == "canary-3"


# A refusal stays with the model that refused.


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("mode", "status", "said"), [("policy", 400, "content_policy_violation"), ("filter", 200, "content_filter")]
)
async def test_a_content_policy_refusal_goes_back_to_the_caller_and_no_model_is_asked_again(
    bench: Bench, mode: str, status: int, said: str, stream: bool
) -> None:
    bench.server.behave(mode=mode)
    async with bench.ask({"stream": stream}) as reply:
        told = await reply.text()

    assert (reply.status, said in told) == (status, True)
    assert marks_of(reply)["model"] == "atlas"
    assert bench.outcomes == [Outcome.POLICY_REFUSAL]
    assert (len(bench.server.seen), len(bench.resolver.asked)) == (1, 1), "one model is asked for, and called, once"


# read_only.


@pytest.mark.parametrize("stream", [False, True])
async def test_read_only_calls_the_model_without_any_tool(bench: Bench, stream: bool) -> None:
    assert await status(bench, {**TOOLS, "stream": stream}) == 200
    read_only(bench)
    async with bench.ask({**TOOLS, "stream": stream, "seed": 7}) as reply:
        await reply.read()

    assert reply.status == 200
    assert marks_of(reply) == {
        "agent": "support",
        "change": CHANGE_ID,
        "model": "atlas",
        "state": "read_only",
        "substituted": "false",
    }
    served, stripped = bench.server.seen
    assert set(served.fields) == {*HELLO, *TOOLS, "stream"}
    assert set(stripped.fields) == {*HELLO, "stream", "seed"}


async def test_read_only_withholds_an_answer_that_calls_a_tool_all_the_same(bench: Bench) -> None:
    bench.server.behave(mode="tools")
    async with bench.ask(TOOLS) as reply:
        assert "call_1" in await reply.text(), "while the route is served calls are the agent's business"
    read_only(bench)
    async with bench.ask(TOOLS) as reply:
        told = await reply.text()

    assert (reply.status, json.loads(told)["error"]["code"]) == (502, "interlock_tool_call")
    assert "call_1" not in told
    assert marks_of(reply)["state"] == "read_only"
    assert bench.outcomes == [Outcome.OK, Outcome.SCHEMA_FAILURE]


async def test_read_only_ends_a_stream_that_calls_a_tool(bench: Bench) -> None:
    bench.server.behave(mode="tools")
    read_only(bench)
    async with bench.ask({"stream": True}) as reply:
        told = await reply.text()

    assert reply.status == 200
    assert "call_1" not in told
    assert "tool_calls" not in told
    assert events_of(told)[-1]["error"]["code"] == "interlock_tool_call"
    assert "[DONE]" not in told


# human_queue.


async def test_a_queued_request_is_on_the_topic_before_the_agent_has_its_ticket(bench: Bench) -> None:
    stop(bench, SafeState.HUMAN_QUEUE)
    async with bench.ask({"stream": True}) as reply:
        told = await reply.json()

    (ticket,) = await bench.tickets()
    assert (reply.status, told["error"]["code"]) == (202, "interlock_human_queue")
    assert told["ticket"]["id"] == reply.headers["x-interlock-ticket"] == ticket.id
    assert json.loads(ticket.request) == {**HELLO, "stream": True}
    assert (ticket.agent, ticket.change_id, ticket.router) == ("support", CHANGE_ID, "gateway-1")
    assert marks_of(reply)["state"] == "human_queue"
    assert bench.server.seen == []


async def test_without_the_brokers_word_there_is_no_ticket(bench: Bench, broker: MemoryBroker) -> None:
    stop(bench, SafeState.HUMAN_QUEUE)
    broker.reachable = False
    assert await bench.error() == (503, "interlock_ticket_not_kept")
    broker.reachable = True
    assert await bench.tickets() == []
    assert bench.server.seen == []


async def test_a_request_that_is_too_large_for_a_person_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CREDENTIAL_VARIABLE, CREDENTIAL)
    async with bench_with(Timeouts(), body_bytes_max=2 * TICKET_BYTES_MAX) as bench:
        stop(bench, SafeState.HUMAN_QUEUE)
        async with bench.ask({"padding": "x" * TICKET_BYTES_MAX}) as reply:
            error = (await reply.json())["error"]

        assert (reply.status, error["code"]) == (413, "request_too_large")
        assert "human_queue" in error["message"]
        assert await bench.tickets() == []


async def test_a_ticket_is_kept_on_kafka(monkeypatch: pytest.MonkeyPatch, real_kafka: str) -> None:
    monkeypatch.setenv(CREDENTIAL_VARIABLE, CREDENTIAL)
    bus = KafkaBus(real_kafka)
    try:
        async with bench_with(Timeouts(), bus) as bench:
            stop(bench, SafeState.HUMAN_QUEUE)
            async with bench.ask() as reply:
                told = await reply.json()
            found = {ticket.id: ticket for ticket in await bench.tickets()}

        assert reply.status == 202
        assert json.loads(found[told["ticket"]["id"]].request) == HELLO
        assert bench.server.seen == []
    finally:
        await bus.close()


# templated_reply.


@pytest.mark.parametrize("stream", [False, True])
async def test_the_signed_text_is_an_answer_that_no_model_gave(bench: Bench, stream: bool) -> None:
    stop(bench, SafeState.TEMPLATED_REPLY)
    async with bench.ask({"stream": stream}) as reply:
        told = await reply.text()

    assert reply.status == 200
    assert marks_of(reply) == {"agent": "support", "change": CHANGE_ID, "state": "templated_reply"}
    said = events_of(told) if stream else [json.loads(told)]
    assert {piece["model"] for piece in said} == {"interlock/templated_reply"}
    choices = [piece["choices"][0] for piece in said]
    text = "".join((choice.get("delta") or choice.get("message") or {}).get("content", "") for choice in choices)
    assert (text, choices[-1]["finish_reason"]) == (REPLY.text, "stop")
    assert reply.headers["Content-Type"].startswith("text/event-stream" if stream else "application/json")
    assert told.endswith("data: [DONE]\n\n") is stream
    assert bench.server.seen == []


# cached_response.


async def test_an_earlier_answer_is_given_again_and_the_model_is_not_called(bench: Bench) -> None:
    bench.resolver.repeatable = {"atlas"}
    async with bench.ask() as reply:
        earlier = await reply.read()
    stop(bench, SafeState.CACHED_RESPONSE)
    async with bench.ask({"model": "atlas-other"}) as reply:
        again = await reply.read()

    assert (reply.status, again) == (200, earlier)
    assert marks_of(reply)["state"] == "cached_response"
    assert marks_of(reply)["model"] == "atlas"
    assert int(reply.headers["Age"]) >= 0
    assert len(bench.server.seen) == 1
    assert await bench.error({"messages": []}) == (403, "interlock_safe_state")
    assert await bench.error({"stream": True}) == (403, "interlock_safe_state")


async def test_a_revoked_models_answer_does_not_come_out_of_the_cache(bench: Bench) -> None:
    bench.resolver.repeatable = {"atlas"}
    assert await status(bench) == 200
    stop(bench, SafeState.CACHED_RESPONSE)
    bench.resolver.repeatable = {"birch"}

    assert await bench.error() == (403, "interlock_safe_state")


async def test_while_a_route_is_served_its_model_is_called_every_time(bench: Bench) -> None:
    bench.resolver.repeatable = {"atlas"}
    assert [await status(bench), await status(bench)] == [200, 200]

    assert len(bench.server.seen) == 2


@pytest.mark.parametrize(
    ("mode", "more"), [("filter", {}), ("tools", {}), ("error", {}), ("wrong_model", {}), ("ok", {"stream": True})]
)
async def test_only_a_complete_answer_that_calls_no_tool_is_kept(bench: Bench, mode: str, more: dict[str, Any]) -> None:
    bench.resolver.repeatable = {"atlas"}
    bench.server.behave(mode=mode)
    await status(bench, more)
    stop(bench, SafeState.CACHED_RESPONSE)

    assert await bench.error(more) == (403, "interlock_safe_state")


# safe_shutdown and suspend.


async def test_a_shutdown_finishes_what_is_in_hand_and_sends_everybody_else_away(bench: Bench) -> None:
    bench.server.behave(mode="slow", latency_ms=300)
    in_hand = [asyncio.create_task(status(bench, {"stream": stream})) for stream in (False, True)]
    await bench.server.wait_for(lambda server: len(server.seen) == 2)
    stop(bench, SafeState.SAFE_SHUTDOWN)
    async with bench.ask() as reply:
        error = (await reply.json())["error"]

    assert (reply.status, error["code"]) == (503, "interlock_safe_shutdown")
    assert reply.headers["Connection"] == "close"
    assert reply.headers["x-should-retry"] == "false"
    assert "Retry-After" not in reply.headers
    assert await asyncio.gather(*in_hand) == [200, 200]
    assert bench.outcomes == [Outcome.OK, Outcome.OK]
    assert len(bench.server.seen) == 2


@pytest.mark.parametrize("state", list(SafeState))
async def test_no_client_library_is_invited_to_try_again_and_no_model_is_called(bench: Bench, state: SafeState) -> None:
    stop(bench, state)
    async with bench.ask() as reply:
        await reply.read()

    assert reply.status not in RETRIED or reply.headers["x-should-retry"] == "false"
    assert marks_of(reply)["state"] == state.value
    assert bench.server.seen == []
    assert bench.calls == [], "telemetry tells of models' calls only"
