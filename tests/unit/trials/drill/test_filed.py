"""The report stands alone, says what failed, names every record, and lets nothing in that was read from elsewhere."""

import re
from dataclasses import replace

import pytest

from interlock.trials.drill.filed import Chapter, Filing, Line, Move, Rested, page
from interlock.trials.timeline import Kind, Lane, Span, Timeline
from interlock.vocabulary.time import SECOND, Micros

BEGAN = Micros(1_790_000_000 * SECOND)
DIGEST = "5f" * 32
LOGGED = "a7" * 32


def _at(seconds: float) -> Micros:
    return Micros(BEGAN + round(seconds * SECOND))


CHAPTER = Chapter(
    id="8.4",
    title="the safe state",
    clause="When no approved model may be used, the agent stops.",
    summary="It stopped.",
    passed=True,
    story=[Line(_at(2.5), "every model fails")],
    evidence={"reaction_s": 1.25, "kinds": [{"state": "suspend", "status": 403}], "late": None},
    timeline=Timeline(_at(0), _at(9), [Lane("order", [Span(_at(0), _at(9), "oak", Kind.PRIMARY)])]),
    moves=[Move(_at(3), "order/main/*", "oak", "safe state", "unavailable: oak", 3, 1, 0.25, DIGEST)],
    rests_on=[Rested("audit step", "interlock.audit.v1/3@17", "1 change", DIGEST)],
)
FILING = Filing(
    deployment="drill",
    began=BEGAN,
    ended=_at(90),
    broker="a real one",
    command="interlock drill ag-163",
    deadline_s=300.0,
    surroundings={"Interlock": "0.1.0"},
    trust_root=DIGEST,
    chapters=[CHAPTER],
    log=[Rested("claim", "interlock.audit.v1/3@0", "", LOGGED)],
)


def test_nothing_of_the_page_is_fetched_from_elsewhere_and_nothing_of_it_runs() -> None:
    written = page(FILING)

    assert re.findall(r"<(?:script|link|img|iframe|object|embed)\b", written) == []
    assert re.findall(r"(?:src|href)\s*=\s*\"(?!#)|url\(|@import", written) == []


def test_a_test_is_told_with_its_story_its_figures_its_picture_and_its_records() -> None:
    written = page(FILING)

    assert "8.4 the safe state" in written
    assert "every model fails" in written
    assert ">2.50<" in written
    assert "reaction (s)" in written
    assert "1.25" in written
    assert "<svg" in written
    assert "3 of 4 passed" in written
    assert written.count(DIGEST) == 2, "the trust root's and the audit record's"
    assert "interlock.audit.v1/3@17" in written
    assert LOGGED in written
    assert "All 1 records of the audit log" in written


@pytest.mark.parametrize(
    "filing",
    [
        replace(FILING, chapters=[CHAPTER, replace(CHAPTER, id="8.5", passed=False, faults=["one was not told"])]),
        replace(FILING, differences=["step 4: the changes are others"]),
        replace(FILING, chapters=[]),
    ],
    ids=["a test failed", "the log replays otherwise", "nothing was tested"],
)
def test_a_drill_that_was_not_passed_says_so_first(filing: Filing) -> None:
    written = page(filing)

    assert "Not passed" in written
    assert ">Passed<" not in written
    for chapter in filing.chapters:
        assert all(fault in written for fault in chapter.faults)
    assert all(difference in written for difference in filing.differences)


def test_a_part_of_the_tests_is_not_shown_as_the_standard() -> None:
    whole = replace(FILING, chapters=[replace(CHAPTER, id=f"8.{number}") for number in range(1, 8)])

    assert "tests 8.1 to 8.7: report" in page(whole)
    assert "not run" not in page(whole)
    assert "tests 8.1 to 8.7: report" not in page(FILING)
    assert "1 of 1 tests; not run: 8.1, 8.2, 8.3, 8.5, 8.6, 8.7" in page(FILING)


def test_what_was_read_from_elsewhere_is_text_and_nothing_more() -> None:
    hostile = '</style><script>alert("x")</script>\x1b[2J\u202e'
    told = replace(
        CHAPTER,
        title=hostile,
        faults=[hostile],
        story=[Line(BEGAN, hostile)],
        evidence={hostile: [{hostile: hostile}]},
        moves=[replace(CHAPTER.moves[0], reason=hostile)],
        rests_on=[Rested(hostile, hostile, hostile, hostile)],
    )
    written = page(replace(FILING, deployment=hostile, command=hostile, chapters=[told], differences=[hostile]))

    assert "<script" not in written
    assert written.count("</style>") == page(FILING).count("</style>")
    assert "\x1b" not in written
    assert "\u202e" not in written


def test_a_deadline_shorter_than_the_standards_is_said_to_be_one() -> None:
    assert "as the standard asks" in page(FILING)
    assert "15 s in this run, shorter than the standard" in page(replace(FILING, deadline_s=15.0))
