"""The arm of a request: one answer at every router, nested over the steps, and a share that is the weight."""

import hashlib
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.router.core.arms import in_canary
from interlock.testing.builders import SUPPORT
from interlock.vocabulary.identifiers import RouteId

KEYS = [f"session-{number}" for number in range(20_000)]
STEPS = (1, 5, 25, 50)

keys = st.text(max_size=20) | st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
weights = st.integers(1, 99)


def taken(weight, canary="canary-1", route=SUPPORT):
    return {key for key in KEYS if in_canary(canary, route, key, weight)}


def test_the_arm_is_what_the_design_says_it_is():
    """SHA-256 of canary id, route and key, told apart by a zero byte; its first eight bytes, in hundredths of a per cent."""
    said = hashlib.sha256(b"canary-1\x00support/main/*\x00session-7").digest()
    place = int.from_bytes(said[:8], "big") % 10_000
    assert place == 1_275
    assert not in_canary("canary-1", SUPPORT, "session-7", 12)
    assert in_canary("canary-1", SUPPORT, "session-7", 13)


@pytest.mark.parametrize("weight", STEPS)
def test_the_share_of_the_canary_arm_is_its_weight(weight):
    """20,000 keys: within four standard deviations of a binomial, which a fair hash leaves once in 16,000 tries."""
    expected = len(KEYS) * weight / 100
    assert abs(len(taken(weight)) - expected) < 4 * sqrt(expected * (1 - weight / 100))


def test_the_arms_are_nested_over_the_steps():
    arms = [taken(weight) for weight in STEPS]
    assert arms[0] < arms[1] < arms[2] < arms[3]


@given(key=keys, weight=weights)
def test_a_request_that_was_in_the_canary_arm_stays_in_it_at_every_higher_weight(key, weight):
    if in_canary("canary-1", SUPPORT, key, weight):
        assert all(in_canary("canary-1", SUPPORT, key, higher) for higher in range(weight, 100))


def test_two_canaries_divide_the_same_requests_independently():
    both = taken(50) & taken(50, canary="canary-2")
    assert abs(len(both) - 5_000) < 4 * sqrt(20_000 * 0.25 * 0.75)
    other_route = taken(50) & taken(50, route=RouteId("support", "main", "eu"))
    assert abs(len(other_route) - 5_000) < 4 * sqrt(20_000 * 0.25 * 0.75)


@pytest.mark.parametrize("key", [None, ""])
def test_a_request_without_a_key_stays_with_the_source(key):
    assert not any(in_canary(f"canary-{number}", SUPPORT, key, 99) for number in range(1_000))


@given(key=keys, weight=st.integers())
def test_whatever_the_key_and_the_weight_there_is_an_answer_and_it_is_the_same_again(key, weight):
    answer = in_canary("canary-1", SUPPORT, key, weight)
    assert answer == in_canary("canary-1", SUPPORT, key, weight)
    assert not (answer and weight <= 0)
