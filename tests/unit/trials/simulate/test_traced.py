"""Recorded calls go through the real health-monitor."""

from dataclasses import replace
from typing import Any

from interlock.records.health import Outcome
from interlock.records.rules import TriggerRule, WatchedTrigger
from interlock.trials.replay.trace import RecordedCall
from interlock.trials.simulate.incidents import BRIDGE_US, Trace
from interlock.trials.simulate.question import retrace
from interlock.trials.simulate.story import Story, tell
from interlock.vocabulary.time import SECOND, Micros, seconds

OK, DOWN = Outcome.OK, Outcome.SERVER_ERROR
ERRORS = TriggerRule(WatchedTrigger.ERRORS, 0.2, Micros(0))
UNAVAILABLE = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))


def calls(model: str, *outcomes: tuple[float, Outcome], latency: float = 0.2) -> list[RecordedCall]:
    return [RecordedCall(at, model, outcome, latency, None) for at, outcome in outcomes]


def retraced(bench: Any, trace: list[RecordedCall]) -> Story:
    (story,) = tell(retrace(bench.setting, sorted(trace, key=lambda call: call.ended_s), seconds(30), lambda _: None))
    return story


def test_five_recorded_failures_in_a_row_move_the_agent_and_three_good_calls_bring_it_back(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"])
    failing = [(float(at), DOWN) for at in range(10, 40)]
    good = [(float(at), OK) for at in (*range(10), *range(40, 70))]
    story = retraced(bench, calls("atlas", *failing, *good))
    assert [step.after.model for step in story.steps] == ["birch", "atlas"]
    moved, returned = bench.at_s(story)
    assert 30 + 14 <= moved <= 30 + 15
    assert 30 + 42 + 5 <= returned <= 30 + 42 + 6


def test_a_recorded_share_of_errors_counts_as_the_health_monitor_counts(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"], triggers=(UNAVAILABLE, ERRORS))
    story = retraced(bench, calls("atlas", *((float(at), DOWN if at % 3 == 0 else OK) for at in range(60))))
    assert str(story.steps[0].trigger) == "errors"


def test_slow_calls_are_slow_although_the_probe_would_not_wait_for_them(bench: Any) -> None:
    slow = TriggerRule(WatchedTrigger.LATENCY, 20.0, Micros(0))
    bench.draft("support", ["atlas", "birch"], triggers=(UNAVAILABLE, slow))
    trace = calls("atlas", *((float(at), OK) for at in range(10)))
    trace += calls("atlas", *((float(at), OK) for at in range(10, 60)), latency=25.0)
    assert str(retraced(bench, trace).steps[0].trigger) == "latency"


def test_a_gap_in_the_record_is_bridged_by_what_was_seen_last(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"], blind_us=seconds(10))
    story = retraced(bench, calls("atlas", (0.0, OK), (1.0, OK), (300.0, OK)))
    assert not story.touched
    failed = retraced(bench, calls("atlas", (0.0, OK), (1.0, DOWN), (300.0, OK)))
    assert [step.after.model for step in failed.steps] == ["birch", "atlas"]


def test_a_slow_call_before_a_gap_is_no_silence(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"], blind_us=Micros(0))
    story = retraced(bench, [*calls("atlas", (0.0, OK)), *calls("atlas", (60.0, OK), latency=30.0)])
    assert not story.touched


def test_a_gap_is_bridged_before_this_health_monitor_calls_it_silence(bench: Any) -> None:
    bench.draft("support", ["atlas", "birch"], blind_us=Micros(0))
    setting = bench.setting
    hasty = replace(setting, rules=replace(setting.rules, silence_us=seconds(4)))
    (story,) = tell(retrace(hasty, calls("atlas", (0.0, OK), (60.0, OK)), seconds(30), lambda _: None))
    assert not story.touched


def test_before_the_trace_a_model_answers_as_its_first_good_call_will() -> None:
    trace = Trace(calls("atlas", (1.0, DOWN), (2.0, OK), latency=0.7), Micros(0))
    before = trace.answer("atlas", Micros(0), 0)
    assert before is not None
    assert (before.outcome, before.after_us) == (OK, seconds(0.7))


def test_while_calls_are_recorded_the_probe_is_not_looked_at() -> None:
    trace = Trace(calls("atlas", (1.0, DOWN)), Micros(0))
    trace.told(seconds(1))
    assert trace.answer("atlas", Micros(SECOND + BRIDGE_US - 1), 0) is None
    bridged = trace.answer("atlas", Micros(SECOND + BRIDGE_US), 0)
    assert bridged is not None
    assert bridged.outcome is DOWN


def test_every_call_is_told_once_and_in_time() -> None:
    trace = Trace(calls("atlas", (1.0, OK), (2.0, OK), (2.0, DOWN)), seconds(10))
    assert [len(trace.told(seconds(at))) for at in (10, 11, 11.5, 12, 13)] == [0, 1, 0, 2, 0]
    assert trace.next_news(seconds(13)) is None
    assert trace.ends == seconds(12)
