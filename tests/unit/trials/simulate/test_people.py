"""Approvals, and canaries that somebody or nobody judges."""

from typing import Any

import pytest

from interlock.records.documents import Workflow
from interlock.records.rules import Approval, CanaryPlan, Mode, TriggerRule, WatchedTrigger
from interlock.trials.simulate.outage import Kind
from interlock.vocabulary.time import SECOND, Micros, seconds

DOWN = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))
ASKS = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0), Mode.AWAIT_APPROVAL)
TRIES = TriggerRule(WatchedTrigger.LATENCY, 2.0, Micros(0), Mode.CANARY)
PLAN = CanaryPlan((5, 50), calls_min=20, time_min_us=Micros(10 * SECOND), wait_max_us=Micros(60 * SECOND))
TEN_MINUTES = Approval(within_us=seconds(600))


def test_what_waits_for_an_approval_that_nobody_gives_stays_stopped(bench: Any) -> None:
    bench.draft("desk", ["atlas", "birch"], triggers=(ASKS,), approval=TEN_MINUTES)
    story = bench.story(bench.out("atlas", lasts=900))
    assert [how for _, _, how in bench.steps(story)][:2] == ["awaits_approval", "safe_state"]
    waits = story.steps[0]
    assert waits.until - waits.at == TEN_MINUTES.within_us
    assert "birch" not in story.served_us()


@pytest.mark.parametrize("workflow", [Workflow.CUSTOMER_FACING, Workflow.CLINICAL])
def test_an_approval_is_given_when_it_is_said_to_be_by_as_many_as_it_takes(bench: Any, workflow: Workflow) -> None:
    bench.draft("desk", ["atlas", "birch"], triggers=(ASKS,), approval=TEN_MINUTES, workflow=workflow)
    bench.options["approve_after_us"] = seconds(120)
    story = bench.story(bench.out("atlas", lasts=900))
    assert bench.steps(story) == [
        (None, "suspend", "awaits_approval"),
        ("birch", None, "approved"),
        ("atlas", None, "recovered"),
    ]
    waits, enters = bench.at_s(story)[:2]
    assert 120 <= enters - waits <= 121


def test_an_approval_that_takes_too_long_comes_to_nothing(bench: Any) -> None:
    bench.draft("desk", ["atlas", "birch"], triggers=(ASKS,), approval=TEN_MINUTES)
    bench.options["approve_after_us"] = seconds(601)
    assert "birch" not in bench.story(bench.out("atlas", lasts=900)).served_us()


def test_an_approval_that_must_name_a_ticket_names_one(bench: Any) -> None:
    bench.draft("desk", ["atlas", "birch"], triggers=(ASKS,), approval=Approval(seconds(600), ticket=True))
    bench.options["approve_after_us"] = seconds(60)
    assert "birch" in bench.story(bench.out("atlas", lasts=900)).served_us()


class TestCanary:
    def test_without_an_evaluator_no_canary_passes(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"], triggers=(DOWN, TRIES), canary=PLAN)
        story = bench.story(bench.out("atlas", kind=Kind.LATENCY))
        assert bench.steps(story)[0] == ("atlas", None, "canary")
        assert [str(step.trigger) for step in story.steps[1:3]] == ["canary_inconclusive", "latency"]
        assert story.steps[2].after.safe_state == "suspend", "the primary is too slow, and its fallback has failed"

    def test_with_one_it_goes_step_by_step_to_the_fallback_and_back(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"], triggers=(DOWN, TRIES), canary=PLAN)
        bench.options["evaluator"] = True
        story = bench.story(bench.out("atlas", kind=Kind.LATENCY))
        places = [step.after.in_words() for step in story.steps]
        assert places == [
            "atlas + 5 % birch",
            "atlas + 50 % birch",
            "birch",
            "birch + 5 % atlas",
            "birch + 50 % atlas",
            "atlas",
        ]
        first, second = bench.at_s(story)[:2]
        assert 10 <= second - first <= 10.5

    def test_one_that_goes_in_circles_is_not_waited_for_without_end(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"], triggers=(DOWN,), canary=PLAN)
        story = bench.story(bench.out("atlas"))
        assert not story.at_home
        assert story.stays[-1].ends / SECOND < 3_600


class TestEvaluator:
    QUALITY = TriggerRule(WatchedTrigger.QUALITY, 0.8, Micros(0), metric="groundedness")

    def test_what_nobody_judges_lets_no_model_in(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"], triggers=(DOWN, self.QUALITY))
        story = bench.story(bench.out("atlas"))
        assert story.begins_stopped
        assert "quality.groundedness<0.8" in story.began_because

    def test_an_evaluator_finds_it_well(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"], triggers=(DOWN, self.QUALITY))
        bench.options["evaluator"] = True
        assert [model for model, _, _ in bench.steps(bench.story(bench.out("atlas")))] == ["birch", "atlas"]
