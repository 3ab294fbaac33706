"""What each kind of outage leads to, as the probe and the real health-monitor see it."""

from typing import Any

import pytest

from interlock.records.health import Outcome
from interlock.records.rules import Mode, SafeState, TriggerRule, WatchedTrigger
from interlock.testing.builders import model
from interlock.trials.simulate.outage import Kind, Known, Outage, Scope, Subject
from interlock.vocabulary.time import SECOND, Micros, seconds

DOWN = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))
ERRORS = TriggerRule(WatchedTrigger.ERRORS, 0.2, Micros(0))
SLOW = TriggerRule(WatchedTrigger.LATENCY, 2.0, Micros(0))
THROTTLED = TriggerRule(WatchedTrigger.THROTTLED, 0.3, Micros(0))


def test_an_outage_moves_the_agent_after_five_refused_calls_and_it_comes_back(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"])
    story = bench.story(bench.out("atlas"))
    assert bench.steps(story) == [("birch", None, "at_once"), ("atlas", None, "recovered")]
    moved, returned = bench.at_s(story)
    assert 64 <= moved <= 66, "five calls, one a second"
    assert 660 + 3 + 5 <= returned <= 660 + 3 + 5 + 2, "three good calls, and the stable period"
    assert story.at_home
    assert not story.safe_us


def test_without_a_fallback_it_ends_in_the_safe_state_until_all_is_well(bench: Any) -> None:
    bench.draft("triage", ["atlas"], safe_state=SafeState.HUMAN_QUEUE)
    story = bench.story(bench.out("atlas"))
    assert bench.steps(story) == [(None, "human_queue", "safe_state"), ("atlas", None, "recovered")]
    assert not story.has_fallback
    assert story.safe_us == story.steps[1].at - story.steps[0].at
    assert sum(stay.lasted for stay in story.stays) == sum(story.served_us().values()) + story.safe_us


def test_when_the_fallback_fails_as_well_the_next_rung_is_taken_and_then_none(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch", "cedar"])
    story = bench.story(
        bench.out("atlas"), bench.out("birch", begins=120, lasts=540), bench.out("cedar", begins=200, lasts=460)
    )
    assert [step.after.model for step in story.steps][:3] == ["birch", "cedar", None]
    assert story.at_home


@pytest.mark.parametrize(
    ("kind", "watched", "trigger"),
    [(Kind.ERRORS, ERRORS, "errors"), (Kind.LATENCY, SLOW, "latency"), (Kind.THROTTLED, THROTTLED, "throttled")],
)
def test_degradation_moves_who_watches_it_and_nobody_else(
    bench: Any, kind: Kind, watched: TriggerRule, trigger: str
) -> None:
    bench.draft("watchful", ["atlas", "birch"], triggers=(DOWN, watched))
    bench.draft("careless", ["atlas", "birch"])
    careless, watchful = bench.stories(bench.out("atlas", kind=kind, share=0.5, latency=4.5))
    assert not careless.touched
    assert [str(step.trigger) for step in watchful.steps] == [trigger, "recovered"]


def test_a_share_of_errors_below_the_limit_moves_nobody(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"], triggers=(DOWN, ERRORS))
    assert not bench.story(bench.out("atlas", kind=Kind.ERRORS, share=0.1)).touched


def test_what_takes_longer_than_the_probe_waits_is_a_fault(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"])
    story = bench.story(bench.out("atlas", kind=Kind.LATENCY, latency=20))
    assert str(story.steps[0].trigger) == "unavailable"
    assert "calls failed" in story.steps[0].detail, "time-outs, and not only silence"


def test_a_silent_guard_stops_who_requires_it(bench: Any) -> None:
    bench.draft("guarded", ["atlas", "birch"], guards=("guardrail-1",))
    bench.draft("free", ["atlas", "birch"])
    free, guarded = bench.stories(bench.out(guards=["guardrail-1"]))
    assert not free.touched
    assert [str(step.trigger) for step in guarded.steps] == ["guard_missing", "recovered"]
    assert 4 <= bench.at_s(guarded)[0] - 60 <= 6, "five seconds after the last beat"


def test_a_guard_that_the_trust_root_does_not_name_is_never_there(bench: Any) -> None:
    bench.draft("guarded", ["atlas", "birch"], guards=("stranger",))
    story = bench.story(bench.out("atlas"))
    assert story.begins_stopped
    assert not story.served_us()


def test_a_trigger_that_suspends_waits_for_a_person_for_ever(bench: Any) -> None:
    stops = TriggerRule(WatchedTrigger.ERRORS, 0.2, Micros(0), Mode.SUSPEND)
    bench.draft("support", ["atlas", "birch"], triggers=(DOWN, stops))
    story = bench.story(bench.out("atlas", kind=Kind.ERRORS, share=0.5))
    assert bench.steps(story) == [(None, "suspend", "awaits_resume")]
    assert not story.at_home
    assert story.stays[-1].place.in_words() == "suspend, waits for a resume"


def test_an_outage_of_a_month_takes_no_longer_than_it_must(bench: Any) -> None:
    bench.draft("support", ["atlas"])
    month = 30 * 86_400
    story = bench.story(bench.out("atlas", lasts=month))
    assert month <= story.safe_us / SECOND <= month + 60


class TestSubject:
    def test_what_is_out_is_named_by_its_kind(self) -> None:
        assert Subject.parse("region: eu-west ") == Subject(Scope.REGION, "eu-west")

    @pytest.mark.parametrize("text", ["", "atlas", "model:", "modell:atlas", ":atlas", "model: "])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="model:NAME"):
            Subject.parse(text)


class TestKnown:
    KNOWN = Known(
        [
            model("atlas", provider="north", data={"regions": ("eu-west", "eu-east")}),
            model("birch", provider="south", data={"regions": ("eu-east",)}, intermediaries=("north",)),
        ],
        {"guardrail-1"},
    )

    @pytest.mark.parametrize(
        ("subject", "hit"),
        [
            ("model:atlas", {"atlas"}),
            ("provider:south", {"birch"}),
            ("provider:north", {"atlas", "birch"}),
            ("region:eu-west", {"atlas"}),
            ("region:eu-east", {"atlas", "birch"}),
            ("guard:guardrail-1", {"guardrail-1"}),
            ("model:cedar", set()),
            ("guard:stranger", set()),
        ],
    )
    def test_an_outage_concerns_every_model_of_it(self, subject: str, hit: set[str]) -> None:
        assert self.KNOWN.hit(Subject.parse(subject)) == hit

    def test_a_name_that_is_misspelt_has_near_ones(self) -> None:
        assert self.KNOWN.near(Subject.parse("model:atlsa")) == ["model:atlas"]

    def test_of_a_name_that_is_like_none_all_are_told(self) -> None:
        assert self.KNOWN.near(Subject.parse("provider:zzz")) == ["provider:north", "provider:south"]


class TestAnswer:
    def test_a_share_is_spread_evenly(self) -> None:
        half = Outage(frozenset({"atlas"}), Micros(0), seconds(10), Kind.ERRORS, share=0.25)
        outcomes = [half.answer("atlas", Micros(0), number, seconds(5)).outcome for number in range(8)]
        assert [outcome is Outcome.OK for outcome in outcomes] == [True, True, True, False] * 2

    def test_it_is_well_before_and_after_and_beside_it(self) -> None:
        out = Outage(frozenset({"atlas"}), seconds(10), seconds(20))
        answers = [
            out.answer(name, seconds(at), 0, seconds(5)) for name, at in [("atlas", 9), ("atlas", 20), ("birch", 15)]
        ]
        assert {answer.outcome for answer in answers} == {Outcome.OK}
        assert out.answer("atlas", seconds(10), 0, seconds(5)).outcome is Outcome.CONNECTION
