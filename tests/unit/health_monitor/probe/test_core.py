import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from interlock.health_monitor.probe.core import Answer, due, judge, models_in, request_for
from interlock.records.documents import Denial
from interlock.records.health import Outcome
from interlock.testing.builders import NOW, Deployment, model
from interlock.vocabulary.time import SECOND, Micros, seconds

ATLAS = model("atlas")
DEPLOYMENT = Deployment()
HOUR = Micros(3_600 * SECOND)


def completion(**fields: object) -> bytes:
    return json.dumps({"model": "atlas-2026", "choices": [], **fields}).encode()


def test_every_model_of_every_ladder_is_called_once():
    book = DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas", "birch"]), DEPLOYMENT.policy("triage", ["birch"]))
    assert sorted(models_in(book)) == ["atlas", "birch"]


def test_a_denied_model_is_not_called():
    denial = DEPLOYMENT.seal(Denial("d1", "birch", "unsafe", NOW), "sam")
    assert sorted(models_in(DEPLOYMENT.book(DEPLOYMENT.policy("support", ["atlas", "birch"]), denial))) == ["atlas"]


def test_the_calls_are_spread_evenly_over_the_interval():
    names = ["d", "a", "c", "b"]
    called = {
        name: moment
        for moment in range(1, 1_001)
        for name in due(names, Micros(moment - 1), Micros(moment), Micros(1_000))
    }
    assert called == {"a": 1_000, "b": 250, "c": 500, "d": 750}


@given(
    st.sets(st.text(min_size=1, max_size=3), max_size=9),
    st.lists(st.integers(1, 400_000), min_size=1, max_size=60),
)
def test_however_irregular_the_ticks_every_model_is_called_once_an_interval(names: set[str], steps: list[int]):
    start = last = Micros(HOUR)
    calls: Counter[str] = Counter()
    for step in steps:
        now = Micros(last + step)
        calls.update(due(names, last, now, seconds(1)))
        last = now
    whole = (last - start) // SECOND
    assert all(whole <= calls[name] <= whole + 1 for name in names)


def test_a_loop_that_stalled_does_not_make_up_for_it():
    assert due(["a", "b"], HOUR, Micros(HOUR + 10 * SECOND), seconds(1)) == ["a", "b"]


def test_the_request_asks_for_the_model_as_it_is_served_and_for_one_token():
    body = request_for(ATLAS)
    assert (body["model"], body["max_tokens"], body["stream"]) == ("atlas-2026", 1, False)


def test_an_answer_under_an_approved_name_is_ok():
    assert judge(ATLAS, 200, completion()) == Answer(Outcome.OK, "atlas-2026")
    assert judge(ATLAS, 200, completion(model="atlas-2026-01-15")) == Answer(Outcome.OK, "atlas-2026-01-15")


def test_an_answer_by_another_model_or_by_none_is_not_the_models():
    assert judge(ATLAS, 200, completion(model="nova-9")) == Answer(Outcome.MODEL_GONE, "nova-9")
    assert judge(ATLAS, 200, completion(model=None)) == Answer(Outcome.MODEL_GONE)


def test_an_error_is_what_its_status_and_the_provider_say():
    quota = b'{"error": {"code": "insufficient_quota"}}'
    assert judge(ATLAS, 429, quota) == Answer(Outcome.QUOTA)
    assert judge(ATLAS, 429, b"") == Answer(Outcome.THROTTLED)
    assert judge(ATLAS, 200, quota) == Answer(Outcome.SERVER_ERROR)
    assert judge(ATLAS, 200, b"<html>") == Answer(Outcome.SERVER_ERROR)


@given(
    st.integers(100, 599),
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda value: json.dumps(value).encode()),
)
def test_whatever_the_reply_it_has_a_name(status: int, body: bytes):
    assert judge(ATLAS, status, body).outcome in Outcome
