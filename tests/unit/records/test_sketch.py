from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.records.sketch import above, bucket, quantile

latencies = st.floats(1e-6, 1e6)


@settings(max_examples=200)
@given(latencies)
def test_a_value_read_back_is_within_one_percent(latency_s: float):
    read = quantile({bucket(latency_s): 1}, 0.5)
    assert read == pytest.approx(latency_s, rel=0.01)


@settings(max_examples=100)
@given(st.lists(latencies, min_size=1, max_size=40), st.floats(0, 1))
def test_a_quantile_is_within_one_percent_of_the_true_one(values: list[float], q: float):
    true = sorted(values)[int(q * (len(values) - 1))]
    assert quantile(Counter(bucket(value) for value in values), q) == pytest.approx(true, rel=0.01)


@settings(max_examples=60)
@given(st.lists(latencies, max_size=20), st.lists(latencies, max_size=20), st.floats(0, 1))
def test_merging_two_sketches_is_adding_their_counts(one: list[float], other: list[float], q: float):
    first, second = Counter(map(bucket, one)), Counter(map(bucket, other))
    assert quantile(first + second, q) == quantile(Counter(map(bucket, one + other)), q)


@settings(max_examples=60)
@given(st.lists(latencies, max_size=20), latencies)
def test_what_is_above_a_limit_is_counted_but_for_one_percent(values: list[float], limit_s: float):
    found = above(Counter(map(bucket, values)), limit_s)
    assert sum(value > limit_s * 1.02 for value in values) <= found <= sum(value > limit_s for value in values)


@given(latencies, latencies)
def test_a_longer_latency_is_never_in_a_lower_bucket(one: float, other: float):
    assert (bucket(one) <= bucket(other)) or one > other


def test_a_bucket_ends_where_the_next_begins():
    assert [bucket(value) for value in (1.0, 1.0001, 1.02, 1.0201)] == [0, 1, 1, 2]


@pytest.mark.parametrize("latency_s", [0.0, -1.0, 1e-9])
def test_what_is_below_a_microsecond_counts_as_one(latency_s: float):
    assert bucket(latency_s) == bucket(1e-6)


@pytest.mark.parametrize("counts", [{}, {5: 0}, {5: 0, 6: 0}])
@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_without_values_there_is_no_quantile(counts: dict[int, int], q: float):
    assert quantile(counts, q) is None
