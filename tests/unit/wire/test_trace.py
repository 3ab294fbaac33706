"""Tests for interlock.wire.trace."""

import pytest

from interlock.wire.trace import NO_TRACE, from_headers, known, to_headers

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_trace_survives_its_headers():
    assert from_headers(to_headers(TRACE)) == TRACE


@pytest.mark.parametrize(
    "trace",
    [
        "",
        "00",
        TRACE + " ",
        TRACE + "-00",
        TRACE.upper(),
        TRACE.replace("00-", "ff-", 1),
        TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        TRACE.replace("b7ad6b7169203331", "0" * 16),
        "x" * 100_000,
    ],
)
def test_a_trace_of_another_form_is_none(trace):
    assert known(trace) == NO_TRACE
    assert to_headers(trace) == []
    assert from_headers([("traceparent", trace.encode())]) == NO_TRACE


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("traceparent", None)],
        [("traceparent", b"\xff" * 55)],
        [("traceparent", TRACE.encode()), ("traceparent", TRACE.encode())],
        [("tracestate", TRACE.encode())],
    ],
)
def test_headers_that_do_not_tell_one_trace_tell_none(headers):
    assert from_headers(headers) == NO_TRACE
