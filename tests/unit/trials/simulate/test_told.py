"""How a story is told: as a document for programs, as a picture, and with what it rests on."""

from typing import Any

from interlock.records.health import Level
from interlock.records.rules import TriggerRule, WatchedTrigger
from interlock.trials.simulate.answer import document
from interlock.trials.simulate.picture import Occurrence, picture
from interlock.trials.simulate.premises import Premises, few
from interlock.trials.simulate.recorded import Recorded
from interlock.trials.timeline import Kind, svg
from interlock.vocabulary.time import Micros, seconds

OUT = Occurrence("model:atlas", seconds(60), seconds(660), "refuses every call")


def stories(bench: Any) -> list[Any]:
    bench.draft("support", ["atlas", "birch"])
    bench.draft("triage", ["atlas"])
    return bench.stories(bench.out("atlas"))


def test_the_document_says_who_is_touched_who_stands_still_and_who_has_no_fallback(bench: Any) -> None:
    told = document(stories(bench), [OUT])
    assert told["touched"] == ["support/main/*", "triage/main/*"]
    assert told["in_safe_state"] == ["triage/main/*"]
    assert told["without_fallback"] == ["triage/main/*"]
    assert told["not_back"] == []
    assert told["incident"] == [{"subject": "model:atlas", "from_s": 60.0, "to_s": 660.0, "what": "refuses every call"}]


def test_the_document_says_each_move_and_each_stay(bench: Any) -> None:
    told = document(stories(bench), [OUT])
    support, _ = told["routes"]
    first = support["moves"][0]
    assert (first["from"]["model"], first["to"]["model"], first["how"], first["trigger"], first["about"]) == (
        "atlas",
        "birch",
        "at_once",
        "unavailable",
        "atlas",
    )
    stays = support["stays"]
    assert [stay["model"] for stay in stays] == ["atlas", "birch", "atlas"]
    assert [stay["to_s"] for stay in stays[:-1]] == [stay["from_s"] for stay in stays[1:]]
    assert (stays[0]["from_s"], stays[-1]["to_s"]) == (0.0, told["lasts_s"])
    assert sum(support["served_s"].values()) == stays[-1]["to_s"]
    assert support["ends"]["on_primary"]


def test_the_picture_has_a_lane_for_the_incident_and_one_for_each_route(bench: Any) -> None:
    drawn = picture(stories(bench), [OUT], "an outage")
    assert [lane.name for lane in drawn.lanes] == ["model:atlas", "support", "triage"]
    assert [span.kind for span in drawn.lanes[1].spans] == [Kind.PRIMARY, Kind.FALLBACK, Kind.PRIMARY]
    assert [span.kind for span in drawn.lanes[2].spans] == [Kind.PRIMARY, Kind.SAFE, Kind.PRIMARY]
    assert "atlas → birch" in svg(drawn)


class TestPremises:
    def test_what_nobody_judges_is_said_and_who_is_assumed(self, bench: Any) -> None:
        quality = TriggerRule(WatchedTrigger.QUALITY, 0.8, Micros(0), metric="groundedness")
        down = TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))
        bench.draft("support", ["atlas"], triggers=(down, quality))
        assert "Nobody judges quality.groundedness<0.8" in " ".join(Premises(bench.setting, "x").of_outages())
        bench.options["evaluator"] = True
        assert "finds everything well: quality.groundedness<0.8" in " ".join(Premises(bench.setting, "x").of_outages())

    def test_the_health_monitors_own_figures_are_named(self, bench: Any) -> None:
        bench.draft("support", ["atlas"])
        said = " ".join(Premises(bench.setting, "settings/health-monitor.toml").of_outages())
        assert "(settings/health-monitor.toml): 5 failures in a row, or shares of the last 30s" in said

    def test_approvals_are_said(self, bench: Any) -> None:
        bench.draft("support", ["atlas"])
        assert "Nobody approves what waits" in " ".join(Premises(bench.setting, "x").of_outages())
        bench.options["approve_after_us"] = seconds(300)
        assert "approved after 5m" in " ".join(Premises(bench.setting, "x").of_outages())

    def test_a_guard_that_cannot_beat_is_said(self, bench: Any) -> None:
        bench.draft("guarded", ["atlas"], guards=("guardrail-1", "stranger"))
        assert "names no guard stranger:" in " ".join(Premises(bench.setting, "x").of_outages())

    def test_what_recorded_verdicts_leave_out_is_said_and_what_nobody_watches(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"])
        verdicts = [
            Recorded(Micros(0), "atlas", "*", objective, Level.HEALTHY, "", 0)
            for objective in ("unavailable", "cost>9")
        ]
        said = " ".join(Premises(bench.setting, "x").of_verdicts(verdicts))
        assert "Of these nothing was recorded; they are well: birch unavailable." in said
        assert "No policy watches these; their verdicts are passed over: atlas cost>9." in said

    def test_models_that_no_ladder_holds_are_said_and_those_of_which_nothing_was_recorded(self, bench: Any) -> None:
        bench.draft("support", ["atlas", "birch"])
        said = " ".join(Premises(bench.setting, "x").of_calls(["atlas", "other"], ["other"]))
        assert "nothing was recorded; they are well: birch." in said
        assert "their calls are passed over: other." in said

    def test_a_long_list_has_an_end(self) -> None:
        assert few([str(number) for number in range(9)]) == "0, 1, 2, 3, 4, 5 and 3 more"


def test_the_lengths_of_all_stays_add_up(bench: Any) -> None:
    for story in stories(bench):
        assert sum(stay.lasted for stay in story.stays) == story.stays[-1].ends
