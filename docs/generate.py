"""Writes `docs/reference/` from the code and from nothing else.

    python docs/generate.py           writes every page
    python docs/generate.py --check   changes nothing; exit code 1, and the names of the pages that differ

What stands in a page is a table in code, a docstring or a schema, so no page can say what the code does not. To mend a page, mend
its source. Each page is one function in `docs/pages/`, from nothing to text; the page bears the first line of its docstring.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pages import command_line, contracts, metrics, settings, words

REFERENCE = Path(__file__).parent / "reference"

PAGES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "topics": ("Topics", contracts.topics),
    "records": ("Records", contracts.records),
    "roles": ("Roles", contracts.roles),
    "reasons": ("Reasons", words.reasons),
    "limits": ("Limits", words.limits),
    "settings": ("Settings", settings.page),
    "cli": ("The command line", command_line.page),
    "metrics": ("Metrics", metrics.page),
}
"""By file name: the page's title, and what writes it."""


def render() -> dict[str, str]:
    """The text of every page, by file name."""
    return {f"{name}.md": _page(title, write) for name, (title, write) in PAGES.items()}


def _page(title: str, write: Callable[[], str]) -> str:
    intro = (inspect.getdoc(write) or "").partition("\n")[0]
    return (
        f"<!-- Written by docs/generate.py: mend the code, then `make docs`. -->\n\n# {title}\n\n{intro}\n\n{write()}\n"
    )


def differing(folder: Path, pages: Mapping[str, str]) -> list[str]:
    """The names of the pages that the folder lacks, has otherwise, or has too many of."""
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in there.keys() | pages.keys() if there.get(name) != pages.get(name))


def write(folder: Path, pages: Mapping[str, str]) -> None:
    """Make the folder hold these pages and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in differing(folder, pages):
        if name in pages:
            (folder / name).write_text(pages[name], "utf-8")
        else:
            (folder / name).unlink()


def main(arguments: list[str]) -> int:
    """Write the pages, or check them; the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/generate.py [--check]\n")
        return 2
    pages = render()
    if not arguments:
        write(REFERENCE, pages)
        return 0
    wrong = differing(REFERENCE, pages)
    for name in wrong:
        sys.stderr.write(f"docs/reference/{name} is not up to date: run `make docs`.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
