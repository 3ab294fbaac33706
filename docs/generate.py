"""Writes `docs/reference/`, but for the pages that people write (`BY_HAND`), and `schemas/authoring/` from the code and from nothing else.

    python docs/generate.py           writes every page and schema
    python docs/generate.py --check   changes nothing; exit code 1, and the names of the files that differ

What stands in a page is a table in code, a docstring or a schema, so no page can say what the code does not. To mend a page, mend
its source. Each page is one function in `docs/pages/`, from nothing to text; the page bears the first line of its docstring.
"""

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from interlock.policy.authoring.schema import schemas
from pages import command_line, contracts, metrics, settings, words, workflows

TOP = Path(__file__).parents[1]
REFERENCE = TOP / "docs" / "reference"
SCHEMAS = TOP / "schemas" / "authoring"

PAGES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "topics": ("Topics", contracts.topics),
    "records": ("Records", contracts.records),
    "roles": ("Roles", contracts.roles),
    "reasons": ("Reasons", words.reasons),
    "limits": ("Limits", words.limits),
    "workflows": ("Kinds of work", workflows.page),
    "settings": ("Settings", settings.page),
    "cli": ("The command line", command_line.page),
    "metrics": ("Metrics", metrics.page),
}
"""By file name: the page's title, and what writes it."""

BY_HAND = frozenset({"ag-163.md"})
"""Pages that no code could say; what they name is looked for by `tests/contract/test_references.py`."""


def render() -> dict[str, str]:
    """The text of every page, by file name."""
    return {f"{name}.md": _page(title, write) for name, (title, write) in PAGES.items()}


def _page(title: str, write: Callable[[], str]) -> str:
    intro = (inspect.getdoc(write) or "").partition("\n")[0]
    return (
        f"<!-- Written by docs/generate.py: mend the code, then `make docs`. -->\n\n# {title}\n\n{intro}\n\n{write()}\n"
    )


def render_schemas() -> dict[str, str]:
    """The text of every schema for editors, by file name."""
    return {f"{kind}.schema.json": f"{json.dumps(schema, indent=2)}\n" for kind, schema in schemas().items()}


def differing(folder: Path, pages: Mapping[str, str]) -> list[str]:
    """The names of the files that the folder lacks, has otherwise, or has too many of."""
    files = [path for path in folder.glob("*") if path.is_file() and path.name not in BY_HAND]
    there = {path.name: path.read_text("utf-8") for path in files}
    return sorted(name for name in there.keys() | pages.keys() if there.get(name) != pages.get(name))


def write(folder: Path, pages: Mapping[str, str]) -> None:
    """Make the folder hold these files and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in differing(folder, pages):
        if name in pages:
            (folder / name).write_text(pages[name], "utf-8")
        else:
            (folder / name).unlink()


def main(arguments: list[str]) -> int:
    """Write everything, or check it; the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/generate.py [--check]\n")
        return 2
    made = {REFERENCE: render(), SCHEMAS: render_schemas()}
    if not arguments:
        for folder, files in made.items():
            write(folder, files)
        return 0
    wrong = [folder / name for folder, files in made.items() for name in differing(folder, files)]
    for path in wrong:
        sys.stderr.write(f"{path.relative_to(TOP)} is not up to date: run `make docs`.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
