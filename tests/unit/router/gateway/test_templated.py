import json

from interlock.router.gateway.events import data_of
from interlock.router.gateway.templated import TEMPLATE_NAME, completion, stream
from interlock.vocabulary.identifiers import is_name
from interlock.vocabulary.time import SECOND, Micros

TEXT = 'We will write to you: "soon" — 24 h.\n'
AT = Micros(1_780_000_000 * SECOND + 1)


def test_nobody_can_take_the_texts_name_for_a_models() -> None:
    assert not is_name(TEMPLATE_NAME)


def test_the_text_is_a_whole_answer_that_cost_no_tokens() -> None:
    told = json.loads(completion(TEXT, "id-1", AT))

    assert (told["id"], told["object"], told["created"]) == ("id-1", "chat.completion", 1_780_000_000)
    assert told["model"] == "interlock/templated_reply"
    (choice,) = told["choices"]
    assert choice["message"] == {"role": "assistant", "content": TEXT}
    assert choice["finish_reason"] == "stop"
    assert set(told["usage"].values()) == {0}


def test_the_text_is_a_stream_that_ends_as_streams_do() -> None:
    *events, done, rest = stream(TEXT, "id-1", AT).split(b"\n\n")
    told = [json.loads(data_of(event)) for event in events]

    assert (data_of(done), rest) == (b"[DONE]", b"")
    assert {(chunk["object"], chunk["model"]) for chunk in told} == {("chat.completion.chunk", TEMPLATE_NAME)}
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in told) == TEXT
    assert [chunk["choices"][0]["finish_reason"] for chunk in told] == [None, "stop"]
