"""The reference documentation says what the code says."""

import importlib
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return runpy.run_path(str(DOCS / "generate.py"))


def test_every_page_of_the_reference_is_up_to_date():
    check = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (check.returncode, check.stderr) == (0, "")


def test_a_page_that_is_edited_missing_or_left_over_is_named_and_mended(generator, tmp_path):
    pages = {"same.md": "1", "edited.md": "2", "missing.md": "3"}
    for name, text in {"same.md": "1", "edited.md": "two", "left-over.md": "4"}.items():
        (tmp_path / name).write_text(text)
    assert generator["differing"](tmp_path, pages) == ["edited.md", "left-over.md", "missing.md"]

    generator["write"](tmp_path, pages)
    assert generator["differing"](tmp_path, pages) == []


def test_a_page_that_people_write_is_left_alone(generator, tmp_path):
    (tmp_path / "ag-163.md").write_text("by hand")
    generator["write"](tmp_path, {"same.md": "1"})
    assert (tmp_path / "ag-163.md").read_text() == "by hand"
    assert generator["differing"](tmp_path, {"same.md": "1"}) == []


def test_no_place_in_a_page_is_empty(generator):
    for name, text in generator["render"]().items():
        rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
        assert rows, name
        described = [row for row in rows if row[-1].strip() in ("", "None")]
        assert not described, f"{name}: {described}"


def test_every_link_in_the_documentation_leads_somewhere(generator):
    anchor = importlib.import_module("pages.markdown").anchor
    for page in DOCS.rglob("*.md"):
        for link in _links(page.read_text("utf-8")):
            file, _, fragment = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), f"{page.name}: {link}"
            if fragment:
                headings = [
                    line.lstrip("# ") for line in target.read_text("utf-8").splitlines() if line.startswith("#")
                ]
                assert fragment in map(anchor, headings), f"{page.name}: {link}"


def _links(text: str) -> list[str]:
    pieces = [piece.partition(")")[0] for piece in text.split("](")[1:]]
    return [piece for piece in pieces if not piece.startswith(("http:", "https:"))]
