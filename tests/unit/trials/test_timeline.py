"""The timeline says everything, in a picture and in a terminal, to everybody, and nothing that others wrote breaks it."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest
from rich.text import Text

from interlock.trials.timeline import Kind, Lane, Mark, Span, Timeline, svg, text
from interlock.trials.timeline.axis import caption, elapsed, ticks
from interlock.trials.timeline.lanes import LABEL_CHARS_MAX, MARKS_LISTED_MAX
from interlock.trials.timeline.rows import Box, stacked
from interlock.vocabulary.time import SECOND, Micros, seconds

SVG = "{http://www.w3.org/2000/svg}"
DAY_S = 86_400
START = Micros(1_795_000_000 * SECOND)


def span(begin: float, end: float, label: str, kind: Kind) -> Span:
    return Span(Micros(START + seconds(begin)), Micros(START + seconds(end)), label, kind)


def mark(at: float, label: str) -> Mark:
    return Mark(Micros(START + seconds(at)), label)


def timeline(*lanes: Lane, lasts_s: float = 240, title: str = "A run") -> Timeline:
    return Timeline(START, Micros(START + seconds(lasts_s)), lanes, title)


STORY = timeline(
    Lane(
        "support",
        [span(0, 60, "atlas", Kind.PRIMARY), span(60, 180, "birch", Kind.FALLBACK), span(180, 240, "queue", Kind.SAFE)],
        [mark(60, "atlas failed"), mark(180, "birch failed")],
    ),
    Lane("triage", [span(0, 240, "cedar", Kind.PRIMARY)]),
)


def drawn(of: Timeline) -> ET.Element:
    return ET.fromstring(svg(of))


def words(of: Timeline) -> list[str]:
    return [element.text or "" for element in drawn(of).iter(f"{SVG}text")]


class TestPicture:
    def test_it_says_the_title_the_lanes_the_bars_and_what_each_number_means(self) -> None:
        said = words(STORY)
        assert said[0] == "A run"
        assert {"support", "triage", "atlas", "birch", "queue", "cedar"} <= set(said)
        assert "1 min · support: atlas failed" in said
        assert "3 min · support: birch failed" in said

    def test_the_legend_names_the_kinds_that_show_and_no_others(self) -> None:
        said = words(STORY)
        assert {"primary", "fallback", "safe state"} <= set(said)
        assert "canary" not in said

    def test_each_kind_has_a_look_of_its_own_besides_its_colour(self) -> None:
        lanes = [Lane(kind, [span(0, 240, "x", kind)]) for kind in Kind]
        bars = re.findall(
            r'<rect class="edge"[^>]*style="fill:(url\(#[^)]*\)|[^"]*)"[^>]*?(dasharray)?[^>]*/>', svg(timeline(*lanes))
        )
        looks = {fill for fill, _ in bars}
        assert len(looks) == len(Kind)
        assert sum(look.startswith("url(") for look in looks) == 4, "hatched, dotted, striped, crossed"

    def test_a_screen_reader_is_told_the_whole_story(self) -> None:
        picture = drawn(STORY)
        named = (picture.get("aria-labelledby") or "").split()
        told = {element.get("id"): element.text for element in picture if element.tag in {f"{SVG}title", f"{SVG}desc"}}
        assert picture.get("role") == "img"
        assert set(named) == set(told)
        description = told[named[1]] or ""
        assert "birch (fallback) from 1 min to 3 min" in description
        assert "at 3 min birch failed" in description

    def test_two_pictures_in_one_page_do_not_share_names(self) -> None:
        other = timeline(Lane("triage", [span(0, 240, "queue", Kind.SAFE)]))
        ids = [set(re.findall(r'id="([^"]+)"', svg(each))) for each in (STORY, other)]
        assert not ids[0] & ids[1]

    def test_what_others_wrote_stays_words(self) -> None:
        hostile = '</text><script>alert(1)</script>&"\x00\x1b]0;\ud800'
        picture = drawn(timeline(Lane(hostile, [span(0, 240, hostile, Kind.SAFE)], [mark(1, hostile)]), title=hostile))
        assert not list(picture.iter(f"{SVG}script"))
        assert any("<script>" in (element.text or "") for element in picture.iter(f"{SVG}text"))

    def test_nothing_is_fetched(self) -> None:
        assert not re.search(r"href|@import|https?://(?!www\.w3\.org/2000/svg)", svg(STORY))

    def test_it_is_the_same_each_time(self) -> None:
        assert svg(STORY) == svg(STORY)

    def test_a_label_longer_than_its_bar_stands_under_it_and_labels_do_not_meet(self) -> None:
        short = [span(60 + 2 * at, 62 + 2 * at, f"a-long-name-{at}", Kind.FALLBACK) for at in range(4)]
        places = {
            element.text: (float(element.get("x", "")), float(element.get("y", "")))
            for element in drawn(timeline(Lane("support", short))).iter(f"{SVG}text")
            if (element.text or "").startswith("a-long-name")
        }
        assert len({y for _, y in places.values()}) == 4, "each in a row of its own"

    def test_marks_at_one_moment_stand_above_each_other(self) -> None:
        close = timeline(Lane("support", marks=[mark(60, "one"), mark(60.5, "two"), mark(61, "three")]))
        circles = [c for c in drawn(close).iter(f"{SVG}circle") if c.get("cx") != "28"]
        assert len({circle.get("cy") for circle in circles[:3]}) == 3

    @pytest.mark.parametrize("draw", [svg, lambda of: text(of, 100).plain])
    def test_more_marks_than_a_list_can_hold_are_counted(self, draw) -> None:  # type: ignore[no-untyped-def]
        many = timeline(Lane("support", marks=[mark(at, f"number {at}.") for at in range(MARKS_LISTED_MAX + 5)]))
        told = draw(many)
        assert f"number {MARKS_LISTED_MAX - 1}." in told
        assert "5 more" in told

    @pytest.mark.parametrize(
        "empty",
        [
            Timeline(START, START),
            Timeline(START, Micros(START - SECOND), [Lane("support", [span(0, 1, "atlas", Kind.PRIMARY)])]),
            Timeline(Micros(0), Micros(0), [Lane("", [], [Mark(Micros(0), "")])]),
        ],
    )
    def test_a_story_without_length_is_drawn_all_the_same(self, empty: Timeline) -> None:
        assert drawn(empty).get("viewBox")
        assert text(empty, 80).plain

    def test_what_lies_outside_is_cut(self) -> None:
        lane = Lane(
            "support", [span(-60, 30, "before", Kind.PRIMARY), span(300, 400, "after", Kind.SAFE)], [mark(-1, "x")]
        )
        said = timeline(lane)
        assert [(each.label, each.start) for each in said.spans(lane)] == [("before", START)]
        assert said.marks(lane) == []


class TestTerminal:
    def test_without_colours_the_characters_tell_the_kinds_apart(self) -> None:
        line = next(line for line in text(STORY, 100).plain.splitlines() if line.startswith("support"))
        assert re.fullmatch(r"support  ━+ atlas ━+▒+ birch ▒+█+ queue █+", line)

    def test_with_colours_the_safe_state_stands_out(self) -> None:
        assert any("red" in str(each.style) for each in text(STORY, 100).spans)

    @pytest.mark.parametrize("width", [1, 40, 79, 200])
    def test_no_line_is_wider_than_the_terminal(self, width: int) -> None:
        long_mark = mark(1, "why " * 90)
        of = timeline(*STORY.lanes, Lane("名" * 90, [span(0, 1, "a label that is long", Kind.SAFE)], [long_mark]))
        lines = [Text(line) for line in text(of, width).plain.splitlines()]
        assert max(line.cell_len for line in lines if "primary" not in line.plain) <= max(width, 40)

    def test_a_terminal_is_not_told_what_to_do(self) -> None:
        hostile = "\x1b[2J\rfine"
        told = text(timeline(Lane(hostile, [span(0, 240, hostile, Kind.SAFE)], [mark(1, hostile)])), 100).plain
        assert "\x1b" not in told
        assert "\r" not in told

    def test_a_bar_after_one_of_its_kind_begins_with_a_line(self) -> None:
        of = timeline(Lane("support", [span(0, 120, "birch", Kind.FALLBACK), span(120, 240, "cedar", Kind.FALLBACK)]))
        assert re.search(r"▒ birch ▒+│▒* cedar", text(of, 80).plain)

    def test_numbers_stand_above_the_moment(self) -> None:
        lines = text(STORY, 100).plain.splitlines()
        bar = next(number for number, line in enumerate(lines) if line.startswith("support"))
        assert lines[bar - 1].index("1") == lines[bar].index("▒")
        assert lines[bar - 1].index("2") == lines[bar].index("█")


class TestAxis:
    @pytest.mark.parametrize(
        ("lasts_s", "labels"),
        [
            (0.4, ["0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s"]),
            (12, ["0 s", "5 s", "10 s"]),
            (240, ["0 s", "1 min", "2 min", "3 min", "4 min"]),
            (5_400, ["0 s", "30 min", "1 h", "1 h 30 min"]),
            (3 * DAY_S, ["19 Nov", "20 Nov", "21 Nov"]),
            (800 * DAY_S, ["Mar 2027", "Aug 2027", "Feb 2028", "Aug 2028"]),
        ],
    )
    def test_ticks_are_round_and_few(self, lasts_s: float, labels: Sequence[str]) -> None:
        assert [tick.label for tick in ticks(timeline(lasts_s=lasts_s), 5)] == labels

    @pytest.mark.parametrize("count_max", [1, 2, 5, 9])
    @pytest.mark.parametrize("lasts_us", [1, 999, 10**6, 10**9, 10**12, 10**15, 10**17])
    def test_there_are_never_more_than_asked_for(self, lasts_us: int, count_max: int) -> None:
        assert len(ticks(Timeline(Micros(0), Micros(lasts_us)), count_max)) <= max(count_max, 2)

    def test_times_may_be_counted_from_a_moment_before_the_picture(self) -> None:
        later = Timeline(seconds(63), seconds(71), counted_from=seconds(50))
        assert [(tick.at, tick.label) for tick in ticks(later, 5)] == [
            (seconds(64), "14 s"),
            (seconds(66), "16 s"),
            (seconds(68), "18 s"),
            (seconds(70), "20 s"),
        ]

    def test_a_new_year_is_told(self) -> None:
        begin = Micros(1_798_600_000 * SECOND)
        found = ticks(Timeline(begin, Micros(begin + 4 * DAY_S * SECOND)), 9)
        assert "1 Jan 2027" in [tick.label for tick in found]

    def test_the_caption_says_what_is_counted(self) -> None:
        assert caption(timeline()) == "time since 2026-11-18 11:06:40 UTC; 4 min in all"
        assert caption(timeline(lasts_s=3 * DAY_S)) == "days, UTC; from 2026-11-18 11:06:40 UTC; 3 d in all"
        assert caption(Timeline(Micros(0), seconds(90))) == "time since the beginning; 1 min 30 s in all"

    @pytest.mark.parametrize(
        ("lasts_s", "said"),
        [
            (0, "0 s"),
            (0.0125, "0.013 s"),
            (1.54, "1.5 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599.9, "1 h"),
            (3_661, "1 h 1 min"),
            (2 * DAY_S + 3_600, "2 d 1 h"),
        ],
    )
    def test_durations_are_said_in_two_units(self, lasts_s: float, said: str) -> None:
        assert elapsed(seconds(lasts_s)) == said


def test_boxes_that_would_meet_are_put_into_rows() -> None:
    assert stacked([Box(0, 10), Box(5, 10), Box(12, 10), Box(20, 1)], gap=1) == [0, 1, 0, 1]


def test_a_label_has_an_end() -> None:
    lane = Lane("support", marks=[mark(1, "x" * 10_000)])
    assert len(timeline(lane).marks(lane)[0].label) == LABEL_CHARS_MAX
