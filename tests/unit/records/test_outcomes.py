import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.records.health import Outcome
from interlock.records.outcomes import ERROR_BODY_BYTES_MAX, classify, error_code


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (200, "", Outcome.OK),
        (400, "", Outcome.CALLER_FAULT),
        (400, "content_filter", Outcome.POLICY_REFUSAL),
        (400, "content_policy_violation", Outcome.POLICY_REFUSAL),
        (401, "invalid_api_key", Outcome.CREDENTIAL),
        (402, "", Outcome.QUOTA),
        (403, "", Outcome.CREDENTIAL),
        (403, "content_filter", Outcome.POLICY_REFUSAL),
        (404, "model_not_found", Outcome.MODEL_GONE),
        (408, "", Outcome.TIMEOUT),
        (410, "", Outcome.MODEL_GONE),
        (413, "", Outcome.CALLER_FAULT),
        (422, "", Outcome.CALLER_FAULT),
        (429, "", Outcome.THROTTLED),
        (429, "rate_limit_exceeded", Outcome.THROTTLED),
        (429, "insufficient_quota", Outcome.QUOTA),
        (500, "", Outcome.SERVER_ERROR),
        (500, "content_filter", Outcome.SERVER_ERROR),
        (503, "overloaded_error", Outcome.SERVER_ERROR),
        (504, "", Outcome.TIMEOUT),
        (302, "", Outcome.SERVER_ERROR),
    ],
)
def test_a_reply_is_named_by_its_status_and_the_providers_word(status: int, code: str, outcome: Outcome):
    assert classify(status, code) is outcome


def test_without_a_reply_it_is_a_timeout_or_a_broken_connection():
    assert classify(None, timed_out=True) is Outcome.TIMEOUT
    assert classify(None) is Outcome.CONNECTION


@given(st.integers(), st.text())
def test_every_status_has_a_name(status: int, code: str):
    assert classify(status, code) in Outcome


def test_the_providers_word_is_its_code_or_else_its_type():
    assert error_code(b'{"error": {"code": "Insufficient_Quota", "type": "x"}}') == "insufficient_quota"
    assert error_code(b'{"error": {"code": null, "type": "rate_limit"}}') == "rate_limit"
    assert error_code(b'{"error": {"code": 429, "type": "rate_limit"}}') == "rate_limit"


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b'{"error": "text"}', b'{"error": {}}', b"[" * 60_000, b"x"]
)
def test_a_body_that_says_nothing_gives_an_empty_word(body: bytes):
    assert error_code(body) == ""


def test_a_body_beyond_the_limit_is_not_parsed():
    body = json.dumps({"error": {"code": "x", "fill": "y" * ERROR_BODY_BYTES_MAX}}).encode()
    assert error_code(body) == ""
