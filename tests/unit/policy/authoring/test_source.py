"""Strict YAML: what makes it surprising is refused, with its line and what to do."""

import pytest

from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source, read
from interlock.vocabulary.limits import DOCUMENT_BYTES_MAX


def refusal(text: str) -> Problem:
    problem = read(text, "it.yaml")
    assert isinstance(problem, Problem), problem
    assert problem.file == "it.yaml"
    assert problem.what
    assert problem.mend.endswith((".", "?"))
    return problem


def data(text: str) -> dict[str, object]:
    source = read(text, "it.yaml")
    assert isinstance(source, Source), source
    return source.data


def test_every_value_is_found_at_its_place() -> None:
    source = read("a: 1\nb:\n  - c: x\n    d: [y, z]\n", "it.yaml")
    assert isinstance(source, Source)
    assert source.place(("b", 0, "d", 1)) == (4, 12)
    assert source.place(("b", 0, "missing", "deeper")) == (3, 5), "what is not there is placed at what is around it"
    assert source.place(()) == (1, 1)


def test_words_and_numbers_that_yaml_would_reinterpret_stay_text() -> None:
    plain = data("a: no\nb: on\nc: 12:30\nd: 2027-01-31\ne: 007\nf: 1e3\ng: 0x10\nh: '1'\ni: 1_000\nj: .inf\nk: True")
    assert plain == {
        "a": "no",
        "b": "on",
        "c": "12:30",
        "d": "2027-01-31",
        "e": "007",
        "f": "1e3",
        "g": "0x10",
        "h": "1",
        "i": "1_000",
        "j": ".inf",
        "k": "True",
    }


def test_true_false_null_and_plain_numbers_are_read_as_such() -> None:
    assert data("a: true\nb: false\nc:\nd: null\ne: -12\nf: 0.5") == {
        "a": True,
        "b": False,
        "c": None,
        "d": None,
        "e": -12,
        "f": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: &x 2\n", 2, "anchors"),
        ("a: &x 1\nb: *x\n", 1, "anchors"),
        ("a: 1\nb: !!python/object:os.system {}\n", 2, "tags"),
        ("a: 1\nb: !secret x\n", 2, "tags"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: 1\nb: 2\na: 3\n", 3, "second time, first in line 1"),
        ("a: 1\n7: x\n", 2, "not text"),
        ("a: 1\n? [x, y]\n: 2\n", 2, "not text"),
        ("a: 1\nb: [1, 2\n", 3, "not YAML"),
        ("a: 1\nb: \x07\n", 2, "character"),
        ("- a\n- b\n", 1, "no mapping"),
        ("", 1, "no mapping"),
        ("# only a comment\n", 1, "no mapping"),
    ],
)
def test_what_is_surprising_is_refused_at_its_line(text: str, line: int, what: str) -> None:
    problem = refusal(text)
    assert problem.line == line
    assert what in problem.what


def test_a_duplicate_deep_inside_names_its_whole_path() -> None:
    problem = refusal("routes:\n  - slot: main\n    ladder: []\n    slot: main\n")
    assert (problem.line, problem.field) == (4, "routes[0].slot")


def test_a_bare_star_tells_to_quote_it() -> None:
    assert 'in quotes: "*"' in refusal("scope: *\n").mend


def test_size_and_nesting_are_bounded_before_anything_is_built() -> None:
    assert "larger" in refusal("a: " + "x" * DOCUMENT_BYTES_MAX).what
    assert "nesting" in refusal("a: " + "[" * 5_000).what
    assert "nesting" in refusal("a: " + "{x: " * 5_000).what
