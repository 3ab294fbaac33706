import json

import pytest

from interlock.router.gateway.faults import Fault
from interlock.router.gateway.requests import ROUTING_FIELDS, Request, read_request
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


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"n": ' + b"9" * 5_000 + b"}"])
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
