import json
from typing import Any

import pytest

from interlock.records.health import Outcome
from interlock.router.gateway.faults import Failed, unreachable
from interlock.router.gateway.judge import HELD_BYTES_MAX, Judge
from interlock.testing.builders import model

CREDENTIAL = "sk-of-the-gateway"
DONE = b"data: [DONE]\n\n"


def judge() -> Judge:
    return Judge(model("atlas"), CREDENTIAL)


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def answer(**fields: Any) -> bytes:
    return json.dumps({"choices": [{"finish_reason": "stop"}], **fields}).encode()


def code_of(failed: Failed | bytes | None) -> str:
    assert isinstance(failed, Failed)
    return failed.fault.code


@pytest.mark.parametrize("name", ["atlas-2026", "atlas-2026-01-15"])
def test_an_answer_under_a_name_of_the_approved_model_passes(name: str) -> None:
    looked = judge()

    assert looked.whole(answer(model=name)) is None
    assert (looked.named, looked.substitute, looked.outcome) == (name, False, Outcome.OK)


@pytest.mark.parametrize("name", ["gpt-9", "atlas", "ATLAS-2026", "atlas-2026 "])
def test_an_answer_under_any_other_name_is_withheld(name: str) -> None:
    looked = judge()
    wrong = looked.whole(answer(model=name))

    assert code_of(wrong) == "interlock_other_model"
    assert (looked.named, looked.substitute) == (name, True)


@pytest.mark.parametrize("fields", [{}, {"model": ""}, {"model": None}, {"model": ["atlas-2026"]}])
def test_an_answer_that_names_no_model_is_withheld(fields: dict[str, Any]) -> None:
    looked = judge()

    assert code_of(looked.whole(answer(**fields))) == "interlock_other_model"
    assert looked.substitute


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"[" * 100_000])
def test_an_answer_that_is_no_json_object_is_unreadable(body: bytes) -> None:
    assert code_of(judge().whole(body)) == "upstream_unreadable"


def test_an_error_with_status_200_is_an_error() -> None:
    wrong = judge().whole(json.dumps({"error": {"message": "Overloaded", "code": "overloaded"}}).encode())

    assert isinstance(wrong, Failed)
    assert (wrong.outcome, wrong.fault.status, wrong.fault.code) == (Outcome.SERVER_ERROR, 502, "overloaded")


@pytest.mark.parametrize("finish", ["content_filter", "refusal"])
def test_a_refusal_is_a_class_of_its_own(finish: str) -> None:
    looked = judge()

    assert looked.whole(answer(model="atlas-2026", choices=[{"finish_reason": finish}])) is None
    assert looked.outcome is Outcome.POLICY_REFUSAL


def test_a_stream_is_held_until_it_names_the_approved_model() -> None:
    looked = judge()
    ping, first, second = b": ping\n\n", event(model="", choices=[]), event(model="atlas-2026")

    assert looked.take(ping) == b""
    assert looked.take(first) == b""
    assert looked.take(second) == ping + first + second
    assert looked.take(DONE) == DONE
    assert looked.end() is None


def test_nothing_of_a_stream_from_another_model_passes() -> None:
    looked = judge()

    assert looked.take(b": ping\n\n") == b""
    assert code_of(looked.take(event(model="gpt-9"))) == "interlock_other_model"


def test_a_model_that_is_swapped_in_mid_stream_is_noticed() -> None:
    looked = judge()
    looked.take(event(model="atlas-2026"))

    assert code_of(looked.take(event(model="gpt-9"))) == "interlock_other_model"


def test_a_stream_that_never_names_its_model_is_withheld() -> None:
    looked = judge()

    assert looked.take(event(choices=[{"finish_reason": "stop"}])) == b""
    assert looked.take(DONE) == b""
    assert code_of(looked.end()) == "interlock_other_model"


def test_what_is_held_of_a_nameless_stream_is_bounded() -> None:
    looked = judge()
    long = b": " + b"x" * HELD_BYTES_MAX + b"\n\n"

    assert code_of(looked.take(long)) == "interlock_other_model"


def test_a_stream_that_ends_too_early_is_broken() -> None:
    looked = judge()
    looked.take(event(model="atlas-2026", choices=[{"finish_reason": None}]))

    assert code_of(looked.end()) == "upstream_unreachable"


def test_a_connection_that_breaks_after_the_end_does_no_harm() -> None:
    looked = judge()
    looked.take(event(model="atlas-2026"))
    looked.take(DONE)

    assert looked.end(unreachable()) is None


def test_a_connection_that_breaks_before_the_end_says_how() -> None:
    assert code_of(judge().end(unreachable())) == "upstream_unreachable"


def test_an_error_in_a_stream_is_told_in_our_words_without_the_credential() -> None:
    looked = judge()
    looked.take(event(model="atlas-2026"))
    wrong = looked.take(event(error={"message": f"bad key {CREDENTIAL}", "code": "oops"}))

    assert isinstance(wrong, Failed)
    assert CREDENTIAL not in wrong.fault.message


def test_a_providers_error_keeps_its_status_and_words_but_not_our_credential() -> None:
    told = {"message": f"Incorrect API key provided: {CREDENTIAL}.", "code": f"no-{CREDENTIAL}", "param": CREDENTIAL}
    fault = judge().error(401, json.dumps({"error": told}).encode())

    assert fault.status == 401
    assert fault.message == "Incorrect API key provided: [hidden]."
    assert CREDENTIAL not in repr(fault)


@pytest.mark.parametrize(("status", "told"), [(503, 503), (302, 502), (100, 502)])
def test_a_providers_error_without_words_gets_ours(status: int, told: int) -> None:
    fault = judge().error(status, b"<html>")

    assert (fault.status, fault.code) == (told, "upstream_error")
    assert str(status) in fault.message


CALL = [{"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}]
CALLS: list[dict[str, Any]] = [
    {"message": {"tool_calls": CALL}, "finish_reason": "stop"},
    {"message": {"Tool_Calls": CALL}},
    {"message": {"function_call": {"name": "pay", "arguments": "{}"}}},
    {"message": {"content": [{"type": "text"}, {"type": "tool_use", "name": "pay"}]}},
    {"message": {"content": "text"}, "finish_reason": "tool_calls"},
    {"delta": {"tool_calls": CALL}, "finish_reason": None},
    {"delta": {"function_call": {"name": "pay"}}},
    {"delta": {}, "finish_reason": "function_call"},
]
NO_CALLS: list[Any] = [
    {"message": {"content": "text", "tool_calls": [], "function_call": None}, "finish_reason": "stop"},
    {"message": {"content": [{"type": "text", "text": "tool_use"}, {"type": ["tool_use"]}, "tool_use"]}},
    {"delta": {"content": "tool_calls", "tool_calls": None}},
    {"message": "tool_calls"},
    "tool_calls",
    {},
]


def read_only() -> Judge:
    return Judge(model("atlas"), CREDENTIAL, tools=False)


@pytest.mark.parametrize("choice", CALLS)
def test_an_answer_that_calls_a_tool_is_withheld_where_none_was_offered(choice: dict[str, Any]) -> None:
    wrong = read_only().whole(answer(model="atlas-2026", choices=[{}, choice]))

    assert code_of(wrong) == "interlock_tool_call"
    assert isinstance(wrong, Failed)
    assert (wrong.outcome, wrong.fault.status) == (Outcome.SCHEMA_FAILURE, 502)


@pytest.mark.parametrize("choice", CALLS)
def test_a_stream_that_calls_a_tool_is_withheld_from_there_on(choice: dict[str, Any]) -> None:
    looked = read_only()

    assert looked.take(event(model="atlas-2026", choices=[{"delta": {"content": "Now"}}]))
    assert code_of(looked.take(event(choices=[choice]))) == "interlock_tool_call"


@pytest.mark.parametrize("choice", CALLS)
def test_elsewhere_calls_of_tools_are_the_agents_business(choice: dict[str, Any]) -> None:
    looked = judge()

    assert looked.whole(answer(model="atlas-2026", choices=[choice])) is None
    assert (looked.acts, looked.outcome) == (True, Outcome.OK)


@pytest.mark.parametrize("choice", NO_CALLS)
def test_what_only_looks_like_a_call_is_none(choice: Any) -> None:
    looked = read_only()

    assert looked.whole(answer(model="atlas-2026", choices=[choice])) is None
    assert not looked.acts


def test_a_call_of_a_tool_by_another_model_is_another_models_answer() -> None:
    assert code_of(read_only().whole(answer(model="gpt-9", choices=[CALLS[0]]))) == "interlock_other_model"


def test_what_cannot_be_read_could_hide_a_call_and_is_withheld_where_none_was_offered() -> None:
    nested = b"data: " + b"[" * 100_000 + b"\n\n"
    looked, strict = judge(), read_only()
    for each in (looked, strict):
        each.take(event(model="atlas-2026"))

    assert looked.take(nested) == nested
    assert code_of(strict.take(nested)) == "upstream_unreadable"


def test_comments_and_the_end_pass_where_no_tool_was_offered() -> None:
    looked = read_only()
    looked.take(event(model="atlas-2026"))

    assert looked.take(b": ping\n\n") == b": ping\n\n"
    assert looked.take(DONE) == DONE
