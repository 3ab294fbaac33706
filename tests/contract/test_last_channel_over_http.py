"""One message of the watch over real HTTP, seen from the receiver's side; and the signs of life."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from interlock.records.documents import Webhook
from interlock.runtime.clock import SystemClock
from interlock.signing.keys import SigningKey
from interlock.testing.webhook_receiver import WebhookReceiver
from interlock.watch import last_channel
from interlock.watch.dead_mans_switch import DeadMansSwitch
from interlock.watch.last_channel import LastChannel, public_text

KEY = SigningKey.from_seed(b"\x07" * 32)
BODY = b'{"type":"interlock.breach"}'


@pytest.fixture
async def sender() -> AsyncIterator[LastChannel]:
    async with LastChannel(KEY) as entered:
        yield entered


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(public_text(KEY)) as entered:
        yield entered


async def attempt(sender: LastChannel, url: str, *, allow_private: bool = True) -> str:
    return await sender.send(Webhook(url, allow_private), "breach-0f", BODY, SystemClock().now().wall)


async def test_a_receiver_that_checks_signatures_accepts_the_exact_bytes(sender, receiver):
    assert await attempt(sender, receiver.url) == ""
    assert [(r.id, r.genuine, r.body) for r in receiver.requests] == [("breach-0f", True, {"type": "interlock.breach"})]


async def test_a_receiver_refuses_what_another_key_signed(receiver):
    async with LastChannel(SigningKey.generate()) as stranger:
        assert await attempt(stranger, receiver.url) == "it answered 401"


@pytest.mark.parametrize("answer", ["500", "304", "404"])
async def test_anything_but_2xx_is_a_failure(sender, receiver, answer):
    receiver.answers.append(answer)
    assert await attempt(sender, receiver.url) == f"it answered {answer}"


async def test_a_redirect_is_a_failure_and_is_not_followed(sender, receiver):
    receiver.answers.append("redirect")
    assert await attempt(sender, receiver.url) == "it answered 307"
    assert len(receiver.requests) == 1


async def test_a_receiver_that_hangs_costs_no_more_than_the_limit(sender, receiver, monkeypatch):
    monkeypatch.setattr(last_channel, "ATTEMPT_S_MAX", 0.2)
    receiver.answers.append("hang")
    assert await attempt(sender, receiver.url) == "it cannot be reached (TimeoutError)"


async def test_an_answer_larger_than_anybody_would_read_does_no_harm(sender, receiver):
    receiver.answers.append("large")
    assert await attempt(sender, receiver.url) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_without_leave_no_packet_goes_to_a_private_address_by_literal_or_by_name(sender, receiver, host):
    url = receiver.url.replace("http://127.0.0.1", f"https://{host}")
    assert "not public" in await attempt(sender, url, allow_private=False)
    assert receiver.requests == []


async def test_without_leave_nothing_is_said_in_the_clear(sender, receiver):
    assert "only https" in await attempt(sender, receiver.url, allow_private=False)
    assert receiver.requests == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://[::1/", "ftp://127.0.0.1/", "nonsense", ""])
async def test_an_address_that_cannot_be_used_is_a_failure_in_words_that_do_not_repeat_it(sender, url):
    told = await attempt(sender, url)
    assert told
    assert "127" not in told


async def test_a_sign_of_life_has_no_content(receiver):
    """The receiver knows nobody's signature on it, so it answers 401: what counts here is what it saw."""
    async with DeadMansSwitch(receiver.url) as switch:
        assert await switch.post() == "it answered 401"
    (seen,) = receiver.requests
    assert (seen.body, seen.id) == (None, "")


async def test_a_sign_of_life_is_not_sent_on():
    seen: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/{path:.*}", redirect)
    async with TestServer(app, host="127.0.0.1") as server, DeadMansSwitch(str(server.make_url("/ping"))) as switch:
        assert await switch.post() == "it answered 307"
    assert seen == ["/ping"]


async def test_a_switch_that_is_not_there_is_a_fault_in_words_that_do_not_repeat_its_address():
    async with DeadMansSwitch("http://127.0.0.1:1/topsecret") as switch:
        told = await switch.post()
    assert told.startswith("it cannot be reached")
    assert "topsecret" not in told
