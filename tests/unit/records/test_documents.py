import math

import pytest

from interlock.records.rules import TriggerRule, WatchedTrigger
from interlock.testing.builders import model
from interlock.vocabulary.time import Micros


def test_a_reply_is_the_models_own_under_the_name_it_is_served_as_and_under_its_aliases_only():
    atlas = model("atlas")
    assert atlas.answers_to("atlas-2026")
    assert atlas.answers_to("atlas-2026-01-15")
    assert not atlas.answers_to("atlas")
    assert not atlas.answers_to("")


@pytest.mark.parametrize("threshold", [-0.1, math.nan, math.inf])
def test_a_threshold_that_is_no_bound_is_refused(threshold: float):
    with pytest.raises(ValueError, match="threshold"):
        TriggerRule(WatchedTrigger.ERRORS, threshold, Micros(0))


def test_an_objective_is_named_by_its_kind_and_threshold_without_the_for():
    assert TriggerRule(WatchedTrigger.LATENCY, 2.5, Micros(9)).objective == "latency>2.5s"
    assert TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(9)).objective == "unavailable"
