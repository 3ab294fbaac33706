"""One attempt over real HTTP, seen from the receiver's side."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interlock.notifier.webhook import Delivery, WebhookSender, public_text
from interlock.records.documents import Webhook
from interlock.runtime.clock import SystemClock
from interlock.signing.keys import SigningKey
from interlock.testing.webhook_receiver import WebhookReceiver
from interlock.vocabulary.time import seconds

KEY = SigningKey.from_seed(b"\x07" * 32)
BODY = b'{"type":"interlock.routing_change"}'


@pytest.fixture
async def sender() -> AsyncIterator[WebhookSender]:
    async with WebhookSender(KEY) as entered:
        yield entered


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(public_text(KEY)) as entered:
        yield entered


async def attempt(sender: WebhookSender, url: str, *, allow_private: bool = True, timeout_s: float = 10.0) -> Delivery:
    now = SystemClock().now().wall
    return await sender.send(Webhook(url, allow_private), "0f" * 32, BODY, now=now, timeout_s=timeout_s)


async def test_a_receiver_that_checks_signatures_accepts_the_exact_bytes(sender, receiver):
    assert await attempt(sender, receiver.url) == Delivery(204)
    assert [(r.id, r.genuine, r.body) for r in receiver.requests] == [
        ("0f" * 32, True, {"type": "interlock.routing_change"})
    ]


async def test_a_receiver_refuses_what_another_key_signed(receiver):
    async with WebhookSender(SigningKey.generate()) as stranger:
        assert (await attempt(stranger, receiver.url)).status == 401


async def test_an_answer_of_500_is_a_failure(sender, receiver):
    receiver.answers.append("500")
    assert await attempt(sender, receiver.url) == Delivery(500, "it answered 500")


async def test_a_redirect_is_a_failure_and_is_not_followed(sender, receiver):
    receiver.answers.append("redirect")
    delivery = await attempt(sender, receiver.url)
    assert (delivery.status, delivery.accepted) == (307, False)
    assert len(receiver.requests) == 1


async def test_the_wait_that_a_receiver_asks_for_is_told(sender, receiver):
    receiver.answers.append("wait:7")
    assert await attempt(sender, receiver.url) == Delivery(429, "it answered 429", seconds(7))


async def test_a_receiver_that_hangs_costs_no_more_than_the_limit(sender, receiver):
    receiver.answers.append("hang")
    assert await attempt(sender, receiver.url, timeout_s=0.2) == Delivery(0, "no answer within 0.2 s")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_without_leave_no_packet_goes_to_a_private_address_by_literal_or_by_name(sender, receiver, host):
    url = receiver.url.replace("http://127.0.0.1", f"https://{host}")
    delivery = await attempt(sender, url, allow_private=False)
    assert delivery == Delivery(0, "its address is not public; set allow_private in the policy if that is meant")
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "0177.0.0.1"])
async def test_an_address_written_to_deceive_reaches_nobody(sender, receiver, host):
    url = receiver.url.replace("http://127.0.0.1", f"https://{host}")
    delivery = await attempt(sender, url, allow_private=False)
    assert delivery.status == 0
    assert receiver.requests == []


async def test_an_answer_larger_than_anybody_would_read_does_no_harm(sender):
    async with WebhookReceiver(public_text(KEY), answers=["large"]) as receiver:
        assert await attempt(sender, receiver.url) == Delivery(200)


async def test_nobody_listening_is_a_failure_in_words(sender, receiver):
    async with WebhookReceiver(public_text(KEY)) as gone:
        url = gone.url
    delivery = await attempt(sender, url)
    assert delivery == Delivery(0, "cannot connect: ConnectionRefusedError")


async def test_the_receiver_as_a_process_writes_a_line_for_each_request_and_ends_when_asked(sender, tmp_path):
    log = tmp_path / "notices.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "interlock.testing.webhook_receiver"),
        *("--log", str(log), "--key", public_text(KEY), "--answers", "500"),
    )
    try:
        async with asyncio.timeout(30):
            (first,) = await lines(log, 1)
            assert (await attempt(sender, first["listening"])).status == 500
            assert (await attempt(sender, first["listening"])).accepted
            _, refused, accepted = await lines(log, 3)
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert [(line["genuine"], line["status"]) for line in (refused, accepted)] == [(True, 500), (True, 204)]


async def lines(log: Path, count: int) -> list[dict[str, Any]]:
    """Wait until that many lines are written."""
    while True:
        written = written_in(log)
        if len(written) >= count:
            return written
        await asyncio.sleep(0.05)


def written_in(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
