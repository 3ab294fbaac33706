"""HTML from values. Everything that is not markup of ours goes through `text`, which escapes it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

CELL_CHARS_MAX = 2_000
"""More than that in one place is cut: a record is named by its digest, not copied into a report."""


def text(value: object) -> str:
    """A value as text that is no markup, and holds nothing that hides."""
    shown = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in str(value))
    return escape(shown if len(shown) <= CELL_CHARS_MAX else shown[: CELL_CHARS_MAX - 1] + "…")


def prose(said: str) -> str:
    """A sentence as text; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(said))


def element(name: str, *inside: str, **attributes: str) -> str:
    """An element; `inside` is markup already, attributes are text. `class_` and the like lose their underscore."""
    named = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{named}>{''.join(inside)}</{name}>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = "") -> str:
    """A table; cells are markup already."""
    above = element("tr", *(element("th", text(name), scope="col") for name in head))
    body = "".join(element("tr", *(element("td", cell) for cell in row)) for row in rows)
    return element("div", element("table", element("thead", above), element("tbody", body), class_=kind), class_="wide")


def figures(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Figures and facts: single values as a table of names and values, then each list of likes as a table of its own."""
    single = {name: value for name, value in evidence.items() if not _is_table(value)}
    if single:
        yield _pairs(single)
    for name, value in evidence.items():
        if _is_table(value):
            yield element("h4", text(_words(name))) + _listed(value)


def _pairs(values: Mapping[str, Any]) -> str:
    rows = "".join(
        element("tr", element("th", text(_words(name)), scope="row"), element("td", shown(value)))
        for name, value in values.items()
    )
    return element("table", element("tbody", rows), class_="figures")


def _is_table(value: Any) -> bool:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return listed and bool(value) and all(isinstance(each, Mapping) for each in value)


def shown(value: Any) -> str:
    """One value of a JSON document."""
    match value:
        case None:
            return element("span", "none", class_="quiet")
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return _pairs(value) if value else element("span", "none", class_="quiet")
        case str():
            return text(value)
        case float():
            return text(f"{value:,.3f}".rstrip("0").rstrip("."))
        case int():
            return text(f"{value:,}")
        case Sequence():
            return _listed(value)
        case _:
            return text(value)


def _listed(values: Sequence[Any]) -> str:
    if not values:
        return element("span", "none", class_="quiet")
    if _is_table(values):
        names = list(dict.fromkeys(name for each in values for name in each))
        return table([_words(name) for name in names], ([shown(each.get(name)) for name in names] for each in values))
    if all(isinstance(each, str) and len(each) < 40 for each in values):
        return text(", ".join(values))
    return element("ul", *(element("li", shown(each)) for each in values))


def _words(name: object) -> str:
    """A name for programs as people read it; a duration's unit goes to its end."""
    words = str(name)
    if words.endswith("_s"):
        return f"{words[:-2].replace('_', ' ')} (s)"
    return words.replace("_", " ") if words.replace("_", "").isalnum() and words.islower() else words
