from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.vocabulary.limits import DURATION_US_MAX, MOMENT_US_MAX
from interlock.vocabulary.time import Micros, duration_text, from_datetime, parse_duration, seconds, to_text


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("250ms", 250_000),
        ("30s", 30_000_000),
        ("5m", 300_000_000),
        ("2h", 7_200_000_000),
        ("90d", 7_776_000_000_000),
        (" 1s ", 1_000_000),
        ("0s", 0),
        ("3650d", DURATION_US_MAX),
    ],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, micros: int):
    assert parse_duration(text) == micros


@pytest.mark.parametrize("text", ["", "s", "5", "1.5s", "-1s", "1 s", "1w", "5M", "1s1s", "٣s", "9999999999s"])
def test_anything_else_is_no_duration(text: str):
    with pytest.raises(ValueError, match="write a whole number and a unit"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3651d", "999999999d", "315360001s"])
def test_a_duration_of_more_than_ten_years_is_a_slip(text: str):
    with pytest.raises(ValueError, match="longer than 3650d"):
        parse_duration(text)


@given(st.integers(1, DURATION_US_MAX // 1_000))
def test_a_duration_that_is_written_is_read_again(milliseconds: int):
    duration = Micros(milliseconds * 1_000)
    text = duration_text(duration)
    if len(text) <= 10:
        assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "0ms"), (500, "0.5ms"), (90_000_000, "90s"), (120_000_000, "2m"), (172_800_000_000, "2d")],
)
def test_a_duration_is_written_in_the_largest_unit_that_divides_it(micros: int, text: str):
    assert duration_text(Micros(micros)) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_780_000_000_123_456, "2026-05-28T20:26:40.123Z"),
        (MOMENT_US_MAX, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(micros: int, text: str):
    assert to_text(Micros(micros)) == text


def test_a_naive_time_is_taken_as_utc_and_an_aware_one_as_what_it_is():
    noon = datetime(2026, 5, 28, 12)  # noqa: DTZ001 - a naive one, on purpose
    assert from_datetime(noon) == from_datetime(noon.replace(tzinfo=UTC))
    ahead = noon.replace(tzinfo=timezone(timedelta(hours=2)))
    assert from_datetime(noon) - from_datetime(ahead) == seconds(7200)
