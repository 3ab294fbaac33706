"""A simulation says what the real line says: the same verdicts lead to the same orders at the same times."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interlock.records.health import Level
from interlock.records.rules import SafeState, TriggerRule, WatchedTrigger
from interlock.testing.driver import Driver
from interlock.trials.simulate import run as running
from interlock.trials.simulate.question import repeat
from interlock.trials.simulate.recorded import Recorded
from interlock.trials.simulate.story import tell
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import SECOND, Micros, seconds

GOLDEN = Path(__file__).parents[3] / "golden" / "decision" / "scenario_c_invoice.txt"
ORDER = re.compile(r"^ +(\d):(\d\d):(\d\d)  order \d+  (.+) → (.+?): (.+)$", re.MULTILINE)
TICK_S = 0.25


def said(after_s: float, model: str, level: Level, detail: str) -> Recorded:
    return Recorded(seconds(after_s), model, ANY, "unavailable", level, detail, 9)


def test_recorded_verdicts_lead_to_the_orders_of_the_golden_transcript(bench: Any) -> None:
    minute = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, seconds(60))
    bench.draft("support", ["atlas", "birch"], triggers=(minute,), safe_state=SafeState.HUMAN_QUEUE)
    verdicts = [  # each just after the order before it, as in the transcript
        said(0, "atlas", Level.UNAVAILABLE, "it is unavailable"),
        said(60.1, "birch", Level.UNAVAILABLE, "it is unavailable"),
        said(120.3, "atlas", Level.HEALTHY, "it is healthy"),
    ]
    (story,) = tell(repeat(bench.setting, verdicts, Micros(0), lambda _: None))
    told = ORDER.findall(GOLDEN.read_text("utf-8"))
    clock = [timedelta(hours=int(h), minutes=int(m), seconds=int(s)).total_seconds() for h, m, s, *_ in told]
    golden = [(at - 5, source, target, detail) for at, (*_, source, target, detail) in zip(clock, told, strict=True)]
    simulated = [
        (
            int(step.at / SECOND),
            step.before.model or "safe state",
            step.after.model or f"safe state {step.after.safe_state}",
            step.detail,
        )
        for step in story.steps
    ]
    assert simulated == golden[2:], "from the first verdict on, 5 s into the transcript"


def driven(bench: Any, run: Any, tick_s: float) -> list[tuple[float, str | None, str | None, str]]:
    """What the hand-driven decision orders for the same verdicts, ticking all the time."""
    (policy,) = bench.policies
    driver = Driver(bench.deployment, bench.deployment.seal(policy, "grace", "oscar"))
    driver.all_healthy(*(rung.model.name for rung in policy.routes[0].ladder))
    driver.wait(policy.routes[0].stable_us / SECOND)
    begun, zero = len(driver.orders), driver.now
    ordered = []

    def until(after: int) -> None:
        while driver.now - zero < after:
            known = len(driver.orders)
            driver.wait(min(tick_s, (after - (driver.now - zero)) / SECOND))
            ordered.extend((driver.now - zero, order) for order in driver.orders[known:])

    for heard in run.heard:
        until(heard.at - run.zero)
        known, verdict = len(driver.orders), heard.verdict
        driver.verdict(verdict.model, verdict.objective, verdict.level, detail=verdict.detail, calls=verdict.calls)
        ordered.extend((driver.now - zero, order) for order in driver.orders[known:])
    until(run.ends - run.zero)
    assert begun
    return [(at / SECOND, order.source, order.target, order.cause.detail) for at, order in ordered]


@pytest.mark.parametrize("lasts", [120, 1_200])
def test_an_imagined_outage_leads_to_the_orders_of_a_decision_driven_by_hand(bench: Any, lasts: int) -> None:
    slow = TriggerRule(WatchedTrigger.ERRORS, 0.2, seconds(45))
    down = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, seconds(10))
    bench.draft("support", ["atlas", "birch", "cedar"], triggers=(down, slow), stable_us=seconds(90))
    run = bench.imagine(bench.out("atlas", lasts=lasts), bench.out("birch", begins=90, lasts=lasts))
    (story,) = tell(run)
    simulated = [(step.before.model, step.after.model, step.detail) for step in story.steps]
    assert [model for _, model, _ in simulated] == ["birch", "cedar", "atlas"]
    by_hand = driven(bench, run, TICK_S)
    assert simulated == [(source, target, detail) for _, source, target, detail in by_hand]
    for simulated_at, (driven_at, *_) in zip(bench.at_s(story), by_hand, strict=True):
        assert abs(simulated_at - driven_at) <= TICK_S


def test_time_that_leaps_tells_the_same_as_time_that_does_not(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    down = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, seconds(200))
    bench.draft("support", ["atlas", "birch"], triggers=(down,), stable_us=seconds(150), dwell_us=seconds(700))
    incident = bench.out("atlas", lasts=600)
    leapt = bench.story(incident)
    monkeypatch.setattr(running, "LEAP_US_MIN", 10**15)
    stepped = bench.story(incident)
    assert bench.steps(leapt) == bench.steps(stepped) == [("birch", None, "at_once"), ("atlas", None, "recovered")]
    for at, without in zip(bench.at_s(leapt), bench.at_s(stepped), strict=True):
        assert abs(at - without) <= TICK_S
