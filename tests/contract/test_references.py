"""What the documentation names exists: tests, guards, files, functions, commands, reasons, invariants."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SAFETY = DOCS / "explanation" / "safety-analysis.md"
STRICT = (SAFETY, DOCS / "reference" / "ag-163.md")
OTHERS = sorted({*DOCS.rglob("*.md"), ROOT / "README.md"} - {*STRICT, *(DOCS / "decisions").glob("0*.md")})
"""A decision record is never edited: it speaks of the files of its time."""


@pytest.fixture
def references(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("pages.references")


@pytest.mark.parametrize("page", STRICT, ids=lambda page: page.name)
def test_everything_that_the_safety_analysis_and_the_standards_page_name_exists(references, page):
    assert references.dead(page, strict=True, invariants=references.invariants_of(SAFETY)) == []


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.name)
def test_every_file_of_the_source_tree_that_a_page_names_exists(references, page):
    assert references.dead(page, strict=False) == []


def test_every_clause_and_every_test_of_the_standard_has_a_row_that_names_something_that_runs():
    lines = (DOCS / "reference" / "ag-163.md").read_text("utf-8").splitlines()
    rows = {line.split()[1]: line for line in lines if line.startswith("| ")}
    for number in [f"4.{n}" for n in range(1, 10)] + [f"8.{n}" for n in range(1, 8)]:
        assert "`interlock drill ag-163 --only 8." in rows[number] or "::test_" in rows[number], number
    assert all(f"--only 8.{n}`" in rows[f"8.{n}"] for n in range(1, 8))


def test_every_invariant_has_a_row_that_names_what_shows_it(references):
    wanted = {f"S{n}" for n in range(1, 15)} | {f"L{n}" for n in range(1, 5)}
    assert references.invariants_of(SAFETY) == wanted
    for line in SAFETY.read_text("utf-8").splitlines():
        if line.startswith(("| S", "| L")):
            assert "`" in line, line


ALIVE = (
    "tests/contract/test_references.py::test_every_invariant_has_a_row_that_names_what_shows_it",
    "tests/unit/policy/test_lattice.py",
    "router/core/accept.py",
    "docs/explore.md",
    "router/core/accept.py:accept",
    "records/comparison.py:Seen.share",
    "router.core.renew:renew:beat.shard-!=-shard",
    "interlock policy check FILE --json",
    "interlock review close CHANGE --outcome revoke --reason REASON",
    "interlock drill ag-163 --only 8.1",
    "make check",
    "x-interlock-model",
    "broader_tools",
    "interlock.audit.v1",
    "interlock_findings_total",
    "RoutingChange",
    "review_due",
)
DEAD = (
    "tests/contract/test_references.py::test_that_is_not_there",
    "tests/contract/test_gone.py::test_every_invariant_has_a_row_that_names_what_shows_it",
    "tests/unit/policy/test_gone.py",
    "router/core/gone.py",
    "router/core/accept.py:gone",
    "records/comparison.py:Seen.gone",
    "router.core.renew:renew:beat.shard-==-shard",
    "interlock policy gone FILE",
    "interlock policy check FILE --gone",
    "interlock drill ag-163 --only 8.9",
    "interlock gone",
    "interlock",
    "make gone",
    "x-interlock-gone",
    "broader_gone",
    "interlock.gone.v1",
    "/etc/passwd",
    "../../pyproject.toml",
)


@pytest.mark.parametrize("piece", ALIVE)
def test_a_reference_to_what_exists_is_alive(references, tmp_path, piece):
    page = tmp_path / "page.md"
    page.write_text(f"It is `{piece}`, as said.\n")
    assert references.dead(page, strict=True) == []


@pytest.mark.parametrize("piece", DEAD)
def test_a_dead_reference_is_told_with_its_line(references, tmp_path, piece):
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\nAlive: `make check`.\nIt is `{piece}`, as said.\n")
    assert references.dead(page, strict=True) == [f"page.md:4: {piece}"]


def test_an_invariant_without_a_row_is_told(references, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("| S1 | rows |\n\nS1 and S2 hold; `S3` would be a word.\n")
    told = references.dead(page, strict=True, invariants=references.invariants_of(page))
    assert told == ["page.md:3: S3", "page.md:3: S2"]


def test_what_stands_in_a_fenced_block_is_no_reference(references, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\n`gone`\n```\n`broader_gone`\n")
    assert references.dead(page, strict=True) == ["page.md:4: broader_gone"]


def test_elsewhere_a_file_of_the_reader_is_none_of_ours_but_one_of_ours_must_exist(references, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "`policies/invoice.yaml` and `anything`\n`router/core/gone.py`\n`tests/golden/gone`\n`router/core/accept.py`\n"
    )
    assert references.dead(page, strict=False) == ["page.md:2: router/core/gone.py", "page.md:3: tests/golden/gone"]
