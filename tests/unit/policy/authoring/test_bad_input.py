"""Whatever a person's file holds, the answer is clear: what, where, and what to do about it; and it is short, and soon there."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.document import parse
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.registry import RegistryDocument
from interlock.policy.authoring.source import Source, read
from interlock.testing.builders import NOW
from interlock.vocabulary.limits import (
    DOCUMENT_BYTES_MAX,
    DOCUMENT_VALUES_MAX,
    KEY_CHARS_MAX,
    PROBLEMS_MAX,
    SHOWN_CHARS_MAX,
)

DraftOf = Callable[..., Draft | list[Problem]]
MESSAGE_CHARS_MAX = 6 * SHOWN_CHARS_MAX
"""A message is some words, a value, and the words of the mend."""


def refusal(text: str) -> Problem:
    problem = read(text, "it.yaml")
    assert isinstance(problem, Problem), problem
    assert problem.mend.endswith((".", "?"))
    assert len(str(problem)) < MESSAGE_CHARS_MAX
    return problem


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ("\u202e", "\\u202e"),
        ("\u2066", "\\u2066"),
        ("\u200b", "\\u200b"),
        ("\u061c", "\\u061c"),
        ("a\ufeff", "\\ufeff"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
        ("\x85", "\\x85"),
        ("x\ry", "\\r"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_a_character_that_hides_what_stands_there_is_refused_even_in_a_comment(hidden: str, told: str) -> None:
    problem = refusal(f"a: 1\n# b{hidden}c: 2\nd: 3\n")
    assert problem.line == 2
    assert told in problem.what


def test_whatever_has_no_width_or_turns_the_line_is_among_them() -> None:
    turning = {chr(code) for code in range(0x2000, 0x2070) if unicodedata.category(chr(code)) == "Cf"}
    assert all("hides" in refusal(f"a: x{char}y\n").what for char in turning)


@pytest.mark.parametrize(("text", "value"), [("\ufeffa: 1\n", 1), ("a: 1\r\n", 1), ("a: größer\n", "größer")])
def test_what_editors_of_all_kinds_write_is_read(text: str, value: object) -> None:
    source = read(text, "it.yaml")
    assert isinstance(source, Source)
    assert source.data == {"a": value}


@pytest.mark.parametrize(
    ("text", "line", "what", "mend"),
    [
        ("a: {x: 1}\nb:\n  <<: {x: 1}\n", 3, "merge keys", "Write the values out"),
        ("a: 1\nb: \x00\n", 2, "character", "Remove"),
        ("a: 1\nb: \ud800\n", 2, "character", "Remove"),
        ("a:\n\tb: 1\n", 2, "not YAML", "spaces, not with a tab"),
        ("a: 1\n...\nb: 2\n", 3, "not YAML", "Mend the line"),
        ("%YAML 3.0\n---\na: 1\n", 1, "not YAML", "Mend the line"),
        (f"a: 1\n{'k' * (KEY_CHARS_MAX + 1)}: 1\n", 2, "a key is longer than", "shorten it"),
        (f"a: *{'b' * 1_000}\n", 1, "aliases", "Write the value out"),
        (f"a: !{'h' * 1_000}!x 1\n", 1, "not YAML", "Mend the line"),
        ("a: [" + "1," * DOCUMENT_VALUES_MAX + "]\n", 1, "keys and values", "Split the file"),
        ("x" * (DOCUMENT_BYTES_MAX + 1), 1, "larger than", "Split it"),
        ("ä" * (DOCUMENT_BYTES_MAX // 2 + 1), 1, "larger than", "Split it"),
    ],
)
def test_what_is_no_document_is_refused_at_its_line(text: str, line: int, what: str, mend: str) -> None:
    problem = refusal(text)
    assert (problem.line, what in problem.what, mend in problem.mend) == (line, True, True), str(problem)


@pytest.mark.parametrize(
    "value",
    [
        ".nan",
        ".inf",
        "-.inf",
        "1e400",
        "1e3",
        "0x10",
        "1_000",
        "9" * 400,
        "-1",
        "true",
        '"3"',
        "[1]",
        "{a: 1}",
    ],
)
def test_what_is_no_plain_number_is_not_a_number(draft_of: DraftOf, policy_text: str, value: str) -> None:
    (problem,) = _wrong(draft_of, policy_text.replace("version: 3", f"version: {value}"))
    assert (problem.line, problem.field) == (2, "version")
    (problem,) = _wrong(draft_of, policy_text.replace("    grace:", f"    cost_ceiling: {value}\n    grace:"))
    assert problem.field == "routes[0].cost_ceiling"


@pytest.mark.parametrize(
    "value",
    [
        "20270131",
        '"20270131"',
        "2027-W05-7",
        "31.01.2027",
        "01/31/2027",
        "2027-1-31",
        "2027-02-30",
        "2027-01-31T12:00:00",
        "2027-01-31 12:00:00Z",
        "2027-01-31T25:00:00Z",
        "2027-01-31T12:00:00,5Z",
        "0000-01-01",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "tomorrow",
        "1893456000",
        "\u0662\u0660\u0662\u0667-01-31",
    ],
)
def test_a_date_has_one_form(draft_of: DraftOf, policy_text: str, value: str) -> None:
    (problem,) = _wrong(draft_of, policy_text.replace("2026-12-31", value))
    assert (problem.line, problem.field) == (6, "expires_at")
    assert "2027-01-31T12:00:00Z" in problem.mend


@pytest.mark.parametrize("value", ["2027-01-31", "2027-01-31T12:00Z", "2027-01-31T12:00:00.5+05:30"])
def test_a_date_or_a_time_with_its_offset_is_read(draft_of: DraftOf, policy_text: str, value: str) -> None:
    assert isinstance(draft_of(policy_text.replace("2026-12-31", value)), Draft)


@pytest.mark.parametrize("value", ["5", "5 s", "1w", "-5s", "1.5s", "99999999999s", "\u0665s", "1000000d", "PT5S"])
def test_a_duration_has_one_form(draft_of: DraftOf, policy_text: str, value: str) -> None:
    (problem,) = _wrong(draft_of, policy_text.replace("blind: 0s", f"blind: {value}"))
    assert problem.field == "routes[0].blind"


def test_a_name_without_a_value_is_refused_where_the_field_could_be_left_out(
    draft_of: DraftOf, policy_text: str
) -> None:
    (problem,) = _wrong(draft_of, policy_text.replace("    grace:", "    cost_ceiling:\n    grace:"))
    assert (problem.field, problem.what) == ("routes[0].cost_ceiling", "has no value")
    assert problem.mend == "Write a value, for example `cost_ceiling: 5.0`, or remove the line."


def test_a_ladder_that_repeats_a_model_is_refused_at_the_second(draft_of: DraftOf, policy_text: str) -> None:
    again = policy_text.replace("    triggers:", "      - {model: atlas, accepted_by: oscar}\n    triggers:", 1)
    draft = draft_of(again)
    assert isinstance(draft, Draft)
    found = compile_policy(draft, NOW)
    assert isinstance(found, list)
    assert [(problem.field, problem.what) for problem in found] == [
        ("routes[0].ladder[2].model", "atlas is on this ladder already")
    ]


def test_a_wrong_value_is_repeated_no_further_than_helps(draft_of: DraftOf, policy_text: str) -> None:
    for old in ("support", "2026-12-31", "customer_facing", "5d", "20%", "https://governance.example/hook"):
        for problem in _wrong(draft_of, policy_text.replace(old, "x y" * 20_000, 1)):
            assert len(str(problem)) < MESSAGE_CHARS_MAX


def test_more_problems_than_anybody_mends_at_once_are_not_told() -> None:
    source = read("".join(f"k{number}: 1\n" for number in range(9_000)), "it.yaml")
    assert isinstance(source, Source)
    assert len(_problems(source, PolicyDocument)) == PROBLEMS_MAX
    empties = read("".join(f"k{number}:\n" for number in range(9_000)), "it.yaml")
    assert isinstance(empties, Source)
    assert len(_problems(empties, PolicyDocument)) == PROBLEMS_MAX


def test_many_wrong_items_are_told_in_little_time() -> None:
    source = read("routes: [" + "{}," * 15_000 + "]\n", "it.yaml")
    assert isinstance(source, Source)
    assert len(_problems(source, PolicyDocument)) <= PROBLEMS_MAX


def _wrong(draft_of: DraftOf, text: str) -> list[Problem]:
    found = draft_of(text)
    assert isinstance(found, list), found
    return found


def _problems(source: Source, kind: type[PolicyDocument] | type[RegistryDocument]) -> list[Problem]:
    found = parse(source, kind)
    assert isinstance(found, list)
    return found


FRAGMENTS = st.sampled_from(
    [
        "a",
        "routes",
        ":",
        ": ",
        "\n",
        "  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x ",
        "*x",
        "!t ",
        "!!int ",
        "<<",
        "? ",
        ">",
        "|\n",
        "'",
        '"',
        "#",
        "%YAML",
        "---\n",
        "...\n",
        "\t",
        "\r",
        "\x00",
        "\ufeff",
        "\u202e",
        "\x85",
        "�",
        "1",
        "null",
        ".nan",
        "@",
        "`",
        "\\",
    ]
)
"""What YAML is made of, and what it must not be made of."""


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=40).map("".join)))
def test_any_text_is_a_document_or_one_problem(text: str) -> None:
    found = read(text, "it.yaml")
    if isinstance(found, Problem):
        assert found.what
        assert found.mend
        assert 1 <= found.line <= text.count("\n") + text.count("\r") + 2
    else:
        for kind in (PolicyDocument, RegistryDocument):
            assert all(problem.what and problem.mend for problem in _problems(found, kind))
