"""The gateway over real HTTP, between a client and a model server, with a resolver that says what the test tells it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import aiohttp.web
import pytest

from interlock.records.health import Outcome
from interlock.router.gateway.settings import Timeouts
from interlock.runtime import lifecycle
from interlock.testing.builders import model
from interlock.testing.fixed_resolver import CHANGE_ID
from interlock.testing.gateway_bench import AGENT_KEY, CREDENTIAL, CREDENTIAL_VARIABLE, HELLO, Bench, bench_with


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setenv(CREDENTIAL_VARIABLE, CREDENTIAL)
    async with bench_with(Timeouts()) as made:
        yield made


def data_of(stream: str) -> list[str]:
    return [event.removeprefix("data: ") for event in stream.split("\n\n") if event]


async def test_a_whole_answer_comes_through_unchanged_and_marked(bench: Bench) -> None:
    async with bench.ask() as reply:
        told = await reply.json()

    assert reply.status == 200
    assert told["choices"][0]["message"]["content"].startswith("atlas: ")
    assert told["model"] == "atlas-2026"
    assert {name.lower(): value for name, value in reply.headers.items() if name.lower().startswith("x-interlock")} == {
        "x-interlock-agent": "support",
        "x-interlock-change": CHANGE_ID,
        "x-interlock-model": "atlas",
        "x-interlock-state": "normal",
        "x-interlock-substituted": "false",
    }


async def test_a_stream_comes_through_event_by_event_and_marked(bench: Bench) -> None:
    bench.resolver.serve(model("atlas", endpoint=bench.server.endpoint), substituted=True)
    async with bench.ask({"stream": True}) as reply:
        events = data_of(await reply.text())

    assert reply.headers["Content-Type"] == "text/event-stream"
    assert reply.headers["x-interlock-substituted"] == "true"
    assert events[-1] == "[DONE]"
    text = "".join(json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert text == "atlas: a short answer of a few words."


async def test_the_approved_model_is_called_whatever_the_agent_asks_for(bench: Bench) -> None:
    async with bench.ask({"model": "gpt-9"}) as reply:
        assert reply.status == 200

    assert [(seen.model, seen.user) for seen in bench.server.seen] == [("atlas-2026", "support")]
    assert [route.key for route in bench.resolver.asked] == ["support/main/*"]


async def test_only_tracing_headers_reach_the_model_server(bench: Bench) -> None:
    async with bench.ask(traceparent="00-1-2-01", x_org="acme", cookie="a=b", openai_organization="org-1") as reply:
        assert reply.status == 200

    sent = bench.server.seen[0].headers
    assert sent["traceparent"] == "00-1-2-01"
    assert sent["user-agent"] == "interlock-gateway"
    assert sent.keys() <= {
        "traceparent",
        "user-agent",
        "host",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
    }


@pytest.mark.parametrize("key", ["", "wrong", CREDENTIAL])
async def test_an_unknown_key_gets_401_and_no_model(bench: Bench, key: str) -> None:
    assert await bench.error(key=key) == (401, "invalid_api_key")
    assert bench.server.seen == []
    assert bench.calls == []


@pytest.mark.parametrize(
    ("more", "headers"), [({"fallbacks": ["gpt-9"]}, {}), ({}, {"anthropic_beta": "server-side-fallback-1"})]
)
async def test_asking_for_routing_is_refused_before_anything_is_called(
    bench: Bench, more: dict[str, Any], headers: dict[str, str]
) -> None:
    assert await bench.error(more, **headers) == (400, "interlock_routing_field")
    assert bench.server.seen == []


async def test_a_safe_state_answers_403_and_calls_nothing(bench: Bench) -> None:
    bench.resolver.stop("denied")
    async with bench.ask({"stream": True}) as reply:
        error = (await reply.json())["error"]

    assert (reply.status, error["code"]) == (403, "interlock_safe_state")
    assert reply.headers["x-interlock-state"] == "suspend"
    assert reply.headers["x-interlock-change"] == CHANGE_ID
    assert "x-interlock-model" not in reply.headers
    assert bench.server.seen == []
    assert bench.calls == []


async def test_an_agent_sees_its_own_model_and_no_other(bench: Bench) -> None:
    headers = {"Authorization": f"Bearer {AGENT_KEY}"}
    async with bench.client.get(bench.url("/v1/models"), headers=headers) as reply:
        assert [entry["id"] for entry in (await reply.json())["data"]] == ["support", "atlas"]
    bench.resolver.stop("denied")
    async with bench.client.get(bench.url("/v1/models"), headers=headers) as reply:
        assert (await reply.json())["data"] == []
        assert reply.headers["x-interlock-state"] == "suspend"
    async with bench.client.get(bench.url("/v1/models")) as reply:
        assert reply.status == 401


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_from_another_model_is_withheld_and_found(bench: Bench, stream: bool) -> None:
    bench.server.behave(mode="wrong_model")
    async with bench.ask({"stream": stream}) as reply:
        told = await reply.text()

    assert reply.status == 502
    assert json.loads(told)["error"]["code"] == "interlock_other_model"
    assert "short answer" not in told
    call = await bench.call_ended()
    assert (call.outcome, call.model, call.model_named) == (Outcome.MODEL_GONE, "atlas", "atlas-other")
    findings = await bench.findings()
    assert [(found.reason, found.service) for found in findings] == [("other_model_answered", "gateway-1")]
    assert "atlas-other" in findings[0].detail


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("mode", "status", "code", "outcome"),
    [
        ("error", 500, "server_error", Outcome.SERVER_ERROR),
        ("throttle", 429, "rate_limit_exceeded", Outcome.THROTTLED),
        ("refuse", 502, "upstream_unreachable", Outcome.CONNECTION),
    ],
)
async def test_a_providers_failure_goes_back_to_the_agent_and_into_telemetry(
    bench: Bench, stream: bool, mode: str, status: int, code: str, outcome: Outcome
) -> None:
    bench.server.behave(mode=mode, retry_after_s=7)
    async with bench.ask({"stream": stream}) as reply:
        told = (await reply.json())["error"]

    assert (reply.status, told["code"]) == (status, code)
    assert reply.headers["x-interlock-model"] == "atlas"
    assert reply.headers.get("Retry-After") == ("7" if mode == "throttle" else None)
    assert bench.outcomes == [outcome]
    assert len(bench.server.seen) == 1, "nothing is tried again"


async def test_a_server_that_is_not_there_is_a_connection_fault(bench: Bench) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bench.resolver.serve(model("atlas", endpoint=f"http://127.0.0.1:{free.getsockname()[1]}/v1"))
        assert await bench.error() == (502, "upstream_unreachable")

    assert bench.outcomes == [Outcome.CONNECTION]


async def test_an_answer_that_takes_too_long_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CREDENTIAL_VARIABLE, CREDENTIAL)
    async with bench_with(Timeouts(connect="2s", first_token="2s", stall="2s", total="2s")) as bench:
        bench.server.behave(mode="slow", latency_ms=60_000)

        assert await bench.error() == (504, "upstream_timeout")
        assert await bench.error({"stream": True}) == (504, "upstream_timeout")
        assert bench.outcomes == [Outcome.TIMEOUT, Outcome.TIMEOUT]
        await bench.server.wait_for(lambda server: server.broken_off == 2)


async def test_a_stream_that_stalls_is_ended_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CREDENTIAL_VARIABLE, CREDENTIAL)
    async with bench_with(Timeouts(stall="200ms")) as bench:
        bench.server.behave(mode="stall")
        async with bench.ask({"stream": True}) as reply:
            events = data_of(await reply.text())

        assert reply.status == 200
        assert json.loads(events[-1])["error"]["code"] == "upstream_stalled"
        assert bench.outcomes == [Outcome.STREAM_STALL]
        assert bench.calls[0].first_token_s is not None
        await bench.server.wait_for(lambda server: server.broken_off == 1)


async def test_a_stream_that_is_cut_is_ended_with_an_error(bench: Bench) -> None:
    bench.server.behave(mode="cut")
    async with bench.ask({"stream": True}) as reply:
        events = data_of(await reply.text())

    assert json.loads(events[-1])["error"]["code"] == "upstream_unreachable"
    assert bench.outcomes == [Outcome.CONNECTION]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_agent_that_goes_away_has_cancelled_and_the_model_server_is_let_go(bench: Bench, stream: bool) -> None:
    bench.server.behave(mode="stall")
    async with aiohttp.ClientSession() as leaving:
        headers = {"Authorization": f"Bearer {AGENT_KEY}"}
        asking = asyncio.create_task(leaving.post(bench.url(), json={**HELLO, "stream": stream}, headers=headers))
        await bench.server.wait_for(lambda server: len(server.seen) == 1)
        if stream:
            (await asking).close()
        else:
            asking.cancel()

    await bench.server.wait_for(lambda server: server.broken_off == 1)
    assert (await bench.call_ended()).outcome is Outcome.CANCELLED


async def test_a_refusal_of_the_provider_is_passed_on_and_counted_apart(bench: Bench) -> None:
    bench.server.behave(mode="filter")
    async with bench.ask() as reply:
        assert reply.status == 200
    async with bench.ask({"stream": True}) as reply:
        await reply.read()

    assert bench.outcomes == [Outcome.POLICY_REFUSAL, Outcome.POLICY_REFUSAL]


async def test_every_call_is_told_with_its_route_its_latency_and_the_name_it_came_under(bench: Bench) -> None:
    async with bench.ask():
        pass
    async with bench.ask({"stream": True}) as reply:
        await reply.read()

    whole, streamed = bench.calls
    assert whole.route.key == streamed.route.key == "support/main/*"
    assert (whole.model, whole.outcome, whole.model_named) == ("atlas", Outcome.OK, "atlas-2026")
    assert whole.first_token_s is None
    assert streamed.first_token_s is not None
    assert 0 < streamed.first_token_s <= streamed.latency_s


async def test_a_missing_credential_is_told_and_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CREDENTIAL_VARIABLE)

    assert await bench.error() == (502, "interlock_no_credential")
    assert bench.outcomes == [Outcome.CREDENTIAL]
    assert bench.server.seen == []


async def test_a_redirect_is_not_followed(bench: Bench) -> None:
    async def redirect(_: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(status=307, headers={"Location": f"{bench.server.endpoint}/chat/completions"})

    async with AsyncExitStack() as stack:
        runner = aiohttp.web.AppRunner(aiohttp.web.Application())
        runner.app.router.add_post("/v1/chat/completions", redirect)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        bench.resolver.serve(model("atlas", endpoint=f"http://127.0.0.1:{runner.addresses[0][1]}/v1"))
        assert await bench.error() == (502, "upstream_error")

    assert bench.server.seen == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/completions", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
    ],
)
async def test_what_the_gateway_does_not_serve_is_refused_in_openais_shape(
    bench: Bench, method: str, path: str, status: int, code: str
) -> None:
    async with bench.client.request(method, bench.url(path)) as reply:
        assert (reply.status, (await reply.json())["error"]["code"]) == (status, code)


async def test_a_request_that_is_too_large_is_refused(bench: Bench) -> None:
    assert await bench.error({"padding": "x" * 70_000}) == (413, "request_too_large")
    assert bench.server.seen == []


async def test_no_secret_and_no_content_is_ever_logged_or_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench.ask() as reply:
        await reply.read()
    await bench.error(key="a-key-of-nobody")
    await bench.error({"models": ["gpt-9"]})
    monkeypatch.setenv(CREDENTIAL_VARIABLE, "wrong-credential")
    async with bench.ask() as reply:
        told = await reply.text()

    assert reply.status == 401
    assert "wrong-credential" not in told
    assert bench.outcomes[-1] is Outcome.CREDENTIAL
    logged = bench.log.getvalue()
    assert "support/main/*" in logged
    for secret in (AGENT_KEY, CREDENTIAL, "a-key-of-nobody", "wrong-credential", "secret question"):
        assert secret not in logged


async def test_requests_are_counted_by_agent_and_outcome(bench: Bench) -> None:
    async with bench.ask():
        pass
    await bench.error({"route": "fallback"})
    metrics = bench.metrics.render().decode()

    assert 'interlock_gateway_requests_total{agent="support",outcome="ok"} 1.0' in metrics
    assert 'interlock_gateway_requests_total{agent="support",outcome="interlock_routing_field"} 1.0' in metrics
    assert 'interlock_gateway_call_duration_seconds_count{model="atlas",outcome="ok"} 1' in metrics


async def test_when_told_to_stop_it_finishes_what_is_in_hand_and_takes_no_more(bench: Bench) -> None:
    bench.server.behave(mode="slow", latency_ms=300)
    stop = lifecycle.Stop()
    running = asyncio.create_task(bench.gateway.run(stop))

    async def whole() -> int:
        async with bench.ask() as reply:
            await reply.read()
            return reply.status

    asking = asyncio.create_task(whole())
    await bench.server.wait_for(lambda server: len(server.seen) == 1)
    url = bench.url()
    stop.request()
    await running

    assert await asking == 200
    assert bench.outcomes == [Outcome.OK]
    with pytest.raises(aiohttp.ClientConnectionError):
        await bench.client.post(url, json=HELLO)
