"""What meets the gateway from both sides: requests of agents, replies and streams of model servers; and what receivers of notices say."""

import json
from hashlib import sha256
from typing import Any

from fuzz.shapes import vary_json
from fuzz.target import Target, broken
from interlock.health_monitor.probe.core import Answer, judge
from interlock.notifier.webhook import channel_of, is_public, retry_after, url_fault
from interlock.records.documents import Webhook
from interlock.records.outcomes import classify, error_code
from interlock.router.gateway.agents import Agents
from interlock.router.gateway.events import EventCutter
from interlock.router.gateway.faults import Failed, Fault
from interlock.router.gateway.judge import Judge
from interlock.router.gateway.replies import error_body, error_event
from interlock.router.gateway.requests import ROUTING_FIELDS, Request, read_request
from interlock.router.gateway.settings import AgentKey
from interlock.testing.builders import NOW, model

_ATLAS = model("atlas")
_SECRET = "sk-the-gateway's-own"
_AGENTS = Agents([AgentKey(agent="support", key_sha256=sha256(b"the-key").hexdigest())])
_DEEPER = 120
"""Frames between the one who reads a request and the one who sends it on: far more than there are."""


def _deeper(frames: int, work: Any) -> Any:
    return work() if frames == 0 else _deeper(frames - 1, work)


def _headed(data: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """An input as header lines, an empty line, and a body."""
    head, _, body = data.partition(b"\n\n")
    lines = [line.decode("utf-8", "surrogateescape").partition(": ") for line in head.split(b"\n")]
    return [(name, value) for name, _, value in lines], body


def _read_request(data: bytes) -> None:
    """An agent chooses no model, whatever it sends, and what was read can be sent on."""
    headers, body = _headed(data)
    for name, value in headers:
        if name == "authorization" and _AGENTS.route_of(value) is not None and "the-key" not in value:
            raise broken("a key that nobody has opens a route")
    read = read_request(body, headers)
    if isinstance(read, Fault):
        json.loads(error_body(read))
        return
    if not isinstance(read, Request):
        raise broken(f"read_request answered {read!r}")
    for read_only in (False, True):
        sent = json.loads(_deeper(_DEEPER, lambda: read.body_for(_ATLAS, read_only=read_only)))  # noqa: B023
        folded = [name.casefold() for name in sent]
        if sent["model"] != _ATLAS.served_as or folded.count("model") != 1 or not ROUTING_FIELDS.isdisjoint(folded):
            raise broken("an agent chose a model")
    if read_request(_deeper(_DEEPER, read.canonical), ()).__class__ is not Request:
        raise broken("the canonical form is no request")


def _stream(data: bytes) -> None:
    """Bytes are passed on as they came, and only those of the approved model."""
    size, stream = 1 + (data[0] if data else 0), data[1:]
    passed = b""
    judged, cutter = Judge(_ATLAS, _SECRET, tools=size % 2 == 0), EventCutter()
    for at in range(0, len(stream), size):
        for event in cutter.feed(stream[at : at + size]):
            answer = judged.take(event)
            if isinstance(answer, Failed):
                error_event(answer.fault)
                return
            passed += answer
    judged.end()
    if not stream.startswith(passed):
        raise broken("other bytes are passed on than came")
    if passed and (not judged.named or not _ATLAS.answers_to(judged.named)):
        raise broken("bytes of another model are passed on")


def _reply(data: bytes) -> None:
    """Whatever a model server answers, it is judged, and the gateway and the probe agree on who answered."""
    judged = Judge(_ATLAS, _SECRET)
    failed = judged.whole(data)
    probed = judge(_ATLAS, 200, data)
    if failed is not None:
        error_body(failed.fault)
    elif not _ATLAS.answers_to(judged.named):
        raise broken("a reply of another model is passed on")
    if not isinstance(probed, Answer):
        raise broken(f"the probe answered {probed!r}")
    for status in (400, 429, 500, 200):
        fault = judged.error(status, data)
        if _SECRET in error_body(fault).decode():
            raise broken("the gateway's own key is told")
        classify(status, error_code(data))


_CHUNK = b'data: {"model": "atlas-2026", "choices": [{"delta": {"content": "a"}, "finish_reason": null}]}\n\n'
_CALL = b'data: {"model": "atlas-2026", "choices": [{"delta": {"tool_calls": [{"id": "1"}]}}]}\r\n\r\n'
_WHOLE = {
    "model": "atlas-2026",
    "choices": [{"message": {"content": [{"type": "text", "text": "a"}]}, "finish_reason": "stop"}],
}
_ERROR = {"error": {"message": f"no such key {_SECRET}", "type": "quota_exceeded", "code": None, "param": "x"}}
_ASKED = {"model": "gpt", "messages": [{"role": "user", "content": "hi"}], "stream": True, "user": "u", "tools": []}


def _vary_body(data: bytes, dice: Any) -> bytes:
    head, empty, body = data.partition(b"\n\n")
    return head + (empty or b"\n\n") + vary_json(body, dice)


def _retry_after(data: bytes) -> None:
    for text in (data.decode("latin-1"), data.decode("utf-8", "surrogateescape")):
        found = retry_after({"retry-after": text}, NOW)
        if found is not None and found < 0:
            raise broken("one is asked to wait for less than nothing")


def _webhook_address(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    is_public(text)
    for allow_private in (False, True):
        webhook = Webhook(text, allow_private)
        url_fault(webhook)
        if not channel_of(webhook).startswith("webhook:"):
            raise broken("a channel has another name")


_FIELDS = (b'"model"', b'"choices"', b'"tool_calls"', b'"error"', b'"finish_reason"', b'"delta"', b'"message"', b"null")

TARGETS = (
    Target(
        "request",
        _read_request,
        lambda: [
            b"authorization: Bearer the-key\nx-interlock-request-key: k\n\n" + json.dumps(_ASKED).encode(),
            b"anthropic-beta: x\n\n" + json.dumps({"messages": [], "tools": [{"type": "function"}]}).encode(),
        ],
        _vary_body,
        tokens=(b'"model"', b'"Model"', b'"fallbacks"', b'"stream"', b'"user"', b"true", b"1e999", b"NaN", b"[" * 90),
    ),
    Target(
        "stream",
        _stream,
        lambda: [
            b"\x03" + _CHUNK + b"data: [DONE]\n\n",
            b"\xff: ping\n\n" + _CHUNK + _CHUNK,
            b"\x10" + _CHUNK + _CALL,
            b"\x40data: " + json.dumps(_ERROR).encode() + b"\n\n",
        ],
        tokens=(*_FIELDS, b"data: ", b"\n\n", b"\r\n\r\n", b"[DONE]", b"\xef\xbb\xbf", b'"atlas-2026"'),
    ),
    Target(
        "reply",
        _reply,
        lambda: [json.dumps(_WHOLE).encode(), json.dumps(_ERROR).encode(), b"[" * 64],
        vary_json,
        tokens=(*_FIELDS, b'"atlas-2026"', b"[" * 90, b"]" * 90),
    ),
    Target(
        "retry-after",
        _retry_after,
        lambda: [
            b"120",
            b"Fri, 31 Dec 2027 23:59:59 GMT",
            b"Friday, 31-Dec-27 23:59:59 -0000",
            b"Fri Dec 31 23:59:59 2027",
        ],
        tokens=(b"GMT", b" +9999", b"Dec", b":", b", "),
        guide=("email._parseaddr", "email.utils"),
        bytes_max=256,
    ),
    Target(
        "webhook-address",
        _webhook_address,
        lambda: [
            b"https://hooks.example.com/a?b=c",
            b"http://127.0.0.1:80/",
            b"https://[::ffff:10.0.0.1]:1/",
            b"10.0.0.1",
        ],
        tokens=(b"https://", b"xn--", b"[::1]", b"@", b"%25", b"64:ff9b::", b":65536"),
        guide=("yarl", "ipaddress"),
        bytes_max=256,
    ),
)
