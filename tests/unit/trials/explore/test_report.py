from collections import Counter

from interlock.trials.explore.gate import Result
from interlock.trials.explore.guards import Guard
from interlock.trials.explore.report import ACTIONS, Report
from interlock.trials.explore.search import Explored, Violation

FIRED = Counter(dict.fromkeys(ACTIONS, 3))
GUARD = Guard("records.log:ShardLog.take:x", "interlock.records.log", 0, "x")


def explored(**fields):
    return Explored(**{"states": 500, "transitions": 900, "depth": 4, "fired": FIRED, **fields})


def test_nothing_broken_nothing_idle_and_nothing_uncaught_holds():
    report = Report([("full", explored()), ("theft", explored(whole=True))], [Result(GUARD, "S8", 3)])
    assert report.holds
    assert report.states == 1_000
    assert "1 of 1 guards are missed" in report.text()


def test_an_action_that_never_happened_does_not_hold():
    report = Report([("full", explored(fired=Counter({**FIRED, "claim": 0})))])
    assert not report.holds
    assert "NEVER HAPPENED: claim" in report.text()


def test_a_violation_is_told_with_its_story_and_where_it_begins():
    broken = Violation("S5", "atlas still serves", ("safety denies atlas", "10 s pass"), 1)
    report = Report([("full", explored(violation=broken))])
    assert not report.holds
    assert [line.strip() for line in report.text().splitlines()[-3:]] == [
        "from the very beginning",
        "safety denies atlas",
        "10 s pass",
    ]
    assert report.document()["violations"][0]["story"] == ["safety denies atlas", "10 s pass"]


def test_a_guard_that_nobody_misses_does_not_hold_and_is_named():
    report = Report([("full", explored())], [Result(GUARD, detail="nothing broke in 9 states")])
    assert not report.holds
    assert f"NOT MISSED: {GUARD.name}" in report.text()


def test_the_document_bears_the_keys_that_scripts_rely_on():
    document = Report([("full", explored())], [Result(GUARD, "S8", 3, partner="other")]).document()
    assert {"states", "violations", "actions_fired", "guards"} <= document.keys()
    assert (
        document["guards"][0].items()
        >= {
            "name": GUARD.name,
            "caught": True,
            "invariant": "S8",
            "steps": 3,
            "partner": "other",
        }.items()
    )
