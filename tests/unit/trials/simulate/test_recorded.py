"""Recorded verdicts: what is read, what is refused and where, and what they do."""

import json
from typing import Any

import pytest

from interlock.records.health import Level
from interlock.records.rules import TriggerRule, WatchedTrigger
from interlock.trials.simulate.question import repeat
from interlock.trials.simulate.recorded import Recorded, line_of, read_verdicts
from interlock.trials.simulate.story import tell
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import SECOND, Micros, seconds

GOOD = {"at": "2026-11-21T10:00:00Z", "model": "atlas", "objective": "unavailable", "level": "unavailable"}


def line(**fields: Any) -> str:
    return json.dumps({**GOOD, **fields})


def test_times_count_from_the_first_verdict() -> None:
    found = read_verdicts([line(), "", line(at="2026-11-21T11:00:01+01:00", level="healthy", calls=7)], "v.jsonl")
    assert [(each.at, each.level, each.calls) for each in found] == [
        (0, Level.UNAVAILABLE, 0),
        (SECOND, Level.HEALTHY, 7),
    ]


def test_times_may_be_seconds() -> None:
    assert [each.at for each in read_verdicts([line(at=1.5), line(at=2)], "v")] == [0, SECOND // 2]


def test_what_is_written_can_be_read_again() -> None:
    written = Recorded(seconds(1_795_000_000), "atlas", "eu", "errors>0.2", Level.DEGRADED, "3 of 9 “calls”", 9)
    (read,) = read_verdicts([line_of(written)], "v")
    assert (read.key, read.level, read.detail, read.calls) == (
        written.key,
        written.level,
        written.detail,
        written.calls,
    )


def test_canaries_of_another_life_are_passed_over() -> None:
    found = read_verdicts([line(), line(objective="canary.abc.0", level="healthy")], "v")
    assert [each.objective for each in found] == ["unavailable"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "it is no JSON"),
        ("[1]", "it is no JSON object"),
        ("null", "it is no JSON object"),
        (line(at=None), "`at` is missing"),
        (line(at="yesterday"), "`at` is 'yesterday'"),
        (line(at=True), "`at` is 'True'"),
        (line(at=1e300), "`at` is"),
        ('{"at": NaN, "model": "a", "objective": "x", "level": "healthy"}', "`at` is 'nan'"),
        (line(model=""), "`model` is ''"),
        (line(model=7), "`model` is '7'"),
        (line(model="Atlas Large"), "`model` is 'Atlas Large'"),
        (line(scope="a/b"), "`scope` is 'a/b'"),
        (line(objective="x" * 600), "`objective` is"),
        (line(level="ill"), "not one of unknown, healthy, degraded, unavailable"),
        (line(level=["healthy"]), "`level` is"),
        (line(calls=-1), "`calls` is '-1'"),
        (line(calls=True), "`calls` is 'True'"),
        (line(detail="x" * 501), "`detail` is"),
        (line(colour="red"), "no field 'colour'"),
        ("[" * 100_000, "it is nested too deeply"),
        (f'{{"at": {"9" * 5_000}}}', "`at` is 'inf'"),
        ('{"at": 1, "level": "unavailable", "level": "healthy"}', "a field is there twice"),
    ],
)
def test_a_line_that_is_no_verdict_is_named(bad: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_verdicts([line(), bad], "v")
    assert error.value.message.startswith("v, line 2: ")
    assert said in error.value.message


def test_lines_out_of_order_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"v, line 2: it is earlier.*Sort the lines"):
        read_verdicts([line(at=2), line(at=1)], "v")


@pytest.mark.parametrize("lines", [[], ["", "  "], [line(objective="canary.a.0")]])
def test_a_file_without_a_verdict_is_refused(lines: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="holds no verdict"):
        read_verdicts(lines, "v")


class TestRepeat:
    def test_what_was_not_recorded_is_taken_as_well(self, bench: Any) -> None:
        errors = TriggerRule(WatchedTrigger.ERRORS, 0.2, Micros(0))
        bench.draft(
            "support", ["atlas", "birch"], triggers=(TriggerRule(WatchedTrigger.UNAVAILABLE, 0, Micros(0)), errors)
        )
        verdicts = read_verdicts(
            [
                line(at=0, objective="errors>0.2", level="degraded"),
                line(at=90, objective="errors>0.2", level="healthy"),
            ],
            "v",
        )
        (story,) = tell(repeat(bench.setting, verdicts, seconds(60), lambda _: None))
        assert [(round(step.at / SECOND), step.after.model) for step in story.steps] == [(60, "birch"), (155, "atlas")]

    def test_a_model_of_which_nothing_is_known_any_more_is_left_when_the_route_has_been_blind_for_too_long(
        self, bench: Any
    ) -> None:
        bench.draft("support", ["atlas", "birch"], blind_us=seconds(20))
        verdicts = read_verdicts([line(at=0, level="unknown"), line(at=600, level="healthy")], "v")
        (story,) = tell(repeat(bench.setting, verdicts, seconds(10), lambda _: None))
        assert [(round(step.at / SECOND), step.after.model) for step in story.steps] == [(30, "birch"), (615, "atlas")]

    def test_a_threshold_that_no_policy_has_says_nothing_to_it(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"])
        verdicts = read_verdicts([line(at=0, objective="errors>0.1", level="degraded")], "v")
        (story,) = tell(
            repeat(
                bench.setting,
                [*verdicts, Recorded(seconds(1), "atlas", "*", "unavailable", Level.HEALTHY, "", 0)],
                seconds(10),
                lambda _: None,
            )
        )
        assert not story.touched
