"""What is made of the times of a reaction."""

import pytest

from interlock.trials.bench.reaction.figures import WAY, figures
from interlock.trials.bench.reaction.line import Reaction
from interlock.vocabulary.time import Micros


def reaction(step_us):
    """One that takes as long for each step."""
    moments = {what: Micros(1_000 + step_us * (place + 1)) for place, (_, what) in enumerate(WAY)}
    return Reaction(Micros(1_000), Micros(1_500), moments, (250, 3_500, 2_600))


def test_a_reaction_lasts_until_enforcement_and_is_compared_with_three_hops():
    made = figures([Micros(2_000)] * 3, [Micros(5_000)] * 3, [reaction(1_000)] * 3)
    assert made["bare_2_hops"] == {"p50_ms": 2.0, "p99_ms": 2.0}
    assert made["interlock"] == {"p50_ms": 10.0, "p99_ms": 10.0}
    assert (made["ratio_p50"], made["ratio_p99"], made["rounds"]) == (2.0, 2.0, 3)


def test_the_profile_has_every_step_and_they_make_the_whole():
    made = figures([Micros(1)], [Micros(1)], [reaction(700)])
    assert made["profile"].keys() == {name for name, _ in WAY}
    assert sum(took["p50_ms"] for took in made["profile"].values()) == pytest.approx(made["interlock"]["p50_ms"])


def test_the_median_and_the_tail_are_told_apart():
    took = [reaction(100)] * 99 + [reaction(9_000)]
    made = figures([Micros(1)], [Micros(1_000)], took)
    assert (made["interlock"]["p50_ms"], made["interlock"]["p99_ms"]) == (1.0, 1.0)
    assert figures([Micros(1)], [Micros(1_000)], took[1:])["interlock"]["p99_ms"] == 90.0
