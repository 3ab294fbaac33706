import json

import pytest

from interlock.router.gateway.faults import Fault
from interlock.router.gateway.requests import (
    REQUEST_KEY_CHARS_MAX,
    ROUTING_FIELDS,
    TOOL_FIELDS,
    Request,
    read_request,
)
from interlock.testing.builders import model

ASKED = {"model": "gpt-9", "messages": [{"role": "user", "content": "Hello"}]}


def read(fields: object, **headers: str) -> Request | Fault:
    return read_request(
        json.dumps(fields).encode(), [(name.replace("_", "-"), value) for name, value in headers.items()]
    )


def code_of(answer: Request | Fault) -> str:
    assert isinstance(answer, Fault)
    assert answer.status == 400
    return answer.code


def test_the_models_name_is_overridden_and_all_else_passes_through() -> None:
    asked = read({**ASKED, "temperature": 0.5, "tools": [{"type": "function"}], "user": "support", "seed": 7})

    assert isinstance(asked, Request)
    sent = json.loads(asked.body_for(model("atlas")))
    assert sent == {
        **ASKED,
        "model": "atlas-2026",
        "temperature": 0.5,
        "tools": [{"type": "function"}],
        "user": "support",
        "seed": 7,
    }


def test_a_request_without_a_model_gets_the_approved_one() -> None:
    asked = read({"messages": []})

    assert isinstance(asked, Request)
    assert json.loads(asked.body_for(model("atlas")))["model"] == "atlas-2026"


@pytest.mark.parametrize("field", sorted(ROUTING_FIELDS))
def test_a_field_that_asks_for_routing_is_refused_by_name(field: str) -> None:
    answer = read({**ASKED, field: ["gpt-9"]})

    assert code_of(answer) == "interlock_routing_field"
    assert isinstance(answer, Fault)
    assert answer.param == field


@pytest.mark.parametrize("field", ["Model", "MODEL", "Fallbacks", "fallback\u017f", "API_BASE"])
def test_spelling_does_not_hide_a_field_from_us_that_a_server_would_read(field: str) -> None:
    assert code_of(read({**ASKED, field: "gpt-9"})) == "interlock_routing_field"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("anthropic_beta", "server-side-fallback-2026-07-01"),
        ("Anthropic_Beta", "tools-2026, Server-Side-Fallback-2027"),
        ("x_portkey_config", "{}"),
        ("X_AI_EG_Model", "gpt-9"),
    ],
)
def test_a_header_that_asks_for_routing_is_refused(name: str, value: str) -> None:
    assert code_of(read(ASKED, **{name: value})) == "interlock_routing_field"


def test_other_betas_are_the_agents_business() -> None:
    assert isinstance(read(ASKED, anthropic_beta="tools-2026"), Request)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 100_000, b'{"n": ' + b"9" * 5_000 + b"}"]
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert code_of(read_request(body, [])) == "invalid_json"


@pytest.mark.parametrize("fields", [[], "text", None, {**ASKED, "stream": "yes"}, {**ASKED, "stream": 1}])
def test_json_of_another_shape_is_refused(fields: object) -> None:
    assert code_of(read(fields)) == "invalid_request"


@pytest.mark.parametrize(("stream", "streamed"), [(True, True), (False, False), (None, False)])
def test_streaming_is_what_the_agent_says(stream: bool | None, streamed: bool) -> None:
    asked = read({**ASKED, "stream": stream})

    assert isinstance(asked, Request)
    assert asked.streamed is streamed


@pytest.mark.parametrize("field", [*sorted(TOOL_FIELDS), "Tools", "tool\u017f", "FUNCTION_CALL"])
def test_read_only_leaves_out_every_field_by_which_a_model_could_act(field: str) -> None:
    asked = read({**ASKED, field: [{"type": "function"}], "seed": 7})

    assert isinstance(asked, Request)
    assert json.loads(asked.body_for(model("atlas")))[field]
    assert json.loads(asked.body_for(model("atlas"), read_only=True)) == {**ASKED, "model": "atlas-2026", "seed": 7}


def test_text_that_is_not_unicode_is_sent_as_it_came() -> None:
    asked = read_request(b'{"messages": ["\\ud800"]}', [])

    assert isinstance(asked, Request)
    assert b'["\\ud800"]' in asked.body_for(model("atlas"))
    assert asked.canonical() == b'{"messages":["\\ud800"]}'


def test_the_same_request_is_canonical_in_every_spelling() -> None:
    first = read_request(b'{"model": "gpt-9", "user": "u", "n": [1, 2]}', [])
    second = read_request(b'{ "n":[1,2],"user":"\\u0075" }', [])
    third = read_request(b'{"user": "u", "n": [2, 1]}', [])

    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert isinstance(third, Request)
    assert first.canonical() == second.canonical() != third.canonical()


@pytest.mark.parametrize(
    ("header", "user", "key"),
    [
        ("chat-7", "u-1", "chat-7"),
        ("", "u-1", "u-1"),
        (None, "u-1", "u-1"),
        (None, "Zoë 7", "Zoë 7"),
        ("chat-7", None, "chat-7"),
        (None, None, None),
        (None, "", None),
        (None, ["u-1"], None),
        (None, 7, None),
        (None, "\ud800", None),
        (None, "a\u0000b", None),
        (None, "x" * REQUEST_KEY_CHARS_MAX, "x" * REQUEST_KEY_CHARS_MAX),
        (None, "x" * (REQUEST_KEY_CHARS_MAX + 1), None),
        ("x" * (REQUEST_KEY_CHARS_MAX + 1), None, None),
    ],
)
def test_the_request_key_is_the_header_or_else_the_user_if_it_can_be_one(
    header: str | None, user: object, key: str | None
) -> None:
    headers = {} if header is None else {"X_Interlock_Request_Key": header}
    asked = read({**ASKED, "user": user}, **headers)

    assert isinstance(asked, Request)
    assert asked.key == key
