"""The ranges beside a figure hold the true one as often as they say, and say nothing where a sample is too small."""

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.records.interval import quantile_between, ranks, share_between
from interlock.records.sketch import bucket


@pytest.mark.parametrize(
    ("hits", "calls", "low", "high"),
    [
        (0, 5, 0.0, 0.4345),  # the figures of Wilson's interval as R's binom.confint gives them
        (5, 5, 0.5655, 1.0),
        (1, 10, 0.0179, 0.4042),
        (12, 412, 0.0167, 0.0502),
    ],
)
def test_wilsons_interval_is_that_of_the_tables(hits: int, calls: int, low: float, high: float):
    assert share_between(hits, calls) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 10**9).flatmap(lambda calls: st.tuples(st.integers(0, calls), st.just(calls))))
def test_the_share_that_was_seen_is_inside_its_interval_and_more_calls_make_it_narrower(sample: tuple[int, int]):
    hits, calls = sample
    low, high = share_between(hits, calls) or (1.0, 0.0)
    assert 0 <= low <= hits / calls <= high <= 1
    narrow_low, narrow_high = share_between(10 * hits, 10 * calls) or (1.0, 0.0)
    assert narrow_high - narrow_low < high - low


@pytest.mark.parametrize("calls", [5, 10, 40])
def test_a_share_is_in_its_interval_in_95_of_100_samples_on_average_and_in_83_at_worst(calls: int):
    intervals = [share_between(hits, calls) or (1.0, 0.0) for hits in range(calls + 1)]
    held = [
        sum(
            math.comb(calls, hits) * share**hits * (1 - share) ** (calls - hits)
            for hits, (low, high) in enumerate(intervals)
            if low <= share <= high
        )
        for share in (part / 1_000 for part in range(1, 1_000))
    ]
    assert sum(held) / len(held) >= 0.95
    assert 0.83 <= min(held) < 0.9


def test_what_was_never_seen_may_be_exactly_never_and_what_always_was_exactly_always():
    for calls in range(1, 400):
        never, always = share_between(0, calls), share_between(calls, calls)
        assert (never or (1.0,))[0] == 0.0, calls
        assert (always or (1.0, 0.0))[1] == 1.0, calls


def test_without_calls_nothing_is_said_of_a_share():
    assert share_between(0, 0) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.sampled_from([Fraction(1, 2), Fraction(19, 20)]))
def test_the_ranks_hold_the_quantile_in_95_of_100_samples_and_no_closer_ones_do_on_either_side(
    values: int, q: Fraction
):
    """Worked out with whole numbers: the count of values below the quantile is binomial."""
    chance = [math.comb(values, hits) * q**hits * (1 - q) ** (values - hits) for hits in range(values + 1)]
    low, high = ranks(values, float(q))
    outside = Fraction(25, 1_000)
    too_low, too_high = sum(chance[:low]), sum(chance[high:])
    assert too_low <= outside
    assert too_high <= outside
    assert sum(chance[: low + 1]) > outside
    assert sum(chance[high - 1 :]) > outside


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_the_curve_that_stands_for_the_sum_beyond_a_thousand_values_is_no_closer_than_it(q: float):
    exact, curve = ranks(1_000, q), ranks(1_001, q)
    assert curve[0] <= exact[0] + 1
    assert curve[1] >= exact[1] - 1
    assert curve[1] - curve[0] == pytest.approx(exact[1] - exact[0], abs=4)


def test_ten_calls_do_not_bound_a_95th_percentile_from_above_and_no_call_bounds_nothing():
    ten = Counter({bucket(0.1 * n): 1 for n in range(1, 11)})
    low, high = quantile_between(ten, 0.95)
    assert low == pytest.approx(0.8, rel=0.01)
    assert high is None
    assert quantile_between(Counter({bucket(0.1): 3}), 0.5) == (None, None)
    assert quantile_between({}, 0.5) == (None, None)


@settings(max_examples=60)
@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=400), st.sampled_from([0.5, 0.95]))
def test_the_bounds_are_values_of_the_sample_on_either_side_of_its_quantile(values: list[float], q: float):
    ordered = sorted(values)
    low, high = quantile_between(Counter(map(bucket, values)), q)
    place = math.floor(q * (len(values) - 1))
    assert low is None or low <= ordered[place] * 1.02
    assert high is None or high >= ordered[place] * 0.98
