"""Strict reading of YAML, with the place of every value.

What a person signs must read the same to every person, so whatever makes YAML surprising is refused or not done:

1. No anchors, aliases, tags, and one document only: what is written is what is meant.
2. No key twice, and no key `<<`, which merges; keys are text.
3. Only `true`, `false`, `null` and plain numbers are read as such; `no`, `on`, `12:30` and `2027-01-31` stay text.
4. Size, nesting and the number of values are bounded before anything is built.
5. No character that hides what stands there: none that turns the direction of writing, none without a width, no end of line that only
   some programs know.

Not handled here: what the values mean (`documents`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import yaml

from interlock.policy.authoring.problems import FieldPath, Problem, Severity, field_text
from interlock.vocabulary.limits import (
    DOCUMENT_BYTES_MAX,
    DOCUMENT_NESTING_MAX,
    DOCUMENT_VALUES_MAX,
    KEY_CHARS_MAX,
    SHOWN_CHARS_MAX,
)

_HIDDEN = re.compile(
    "[\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e007f]"  # rule 5: seen by nobody
    "|[\\x85\\u2028\\u2029]|\\r(?!\\n)"  # ends of line for YAML, and not for every editor
)
_BOM = "\ufeff"
_HALF = re.compile("[\\ud800-\\udfff]")
_NO_CHARACTER = re.compile(r"\\U(?!000|0010)|%YAML")
"""Where PyYAML itself stumbles: an escape beyond the last character, a version of very many digits."""


class Place(NamedTuple):
    """Where something is in a file, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """A document as plain values, and where each of them stands.

    Attributes:
        file: The file's name, as the person gave it.
        data: Dictionaries, lists, texts, numbers, booleans and None.
        places: The place of each value by its path.
    """

    file: str
    data: dict[str, Any]
    places: Mapping[FieldPath, Place]

    def place(self, path: FieldPath) -> Place:
        """The place of a value, or of the nearest value around it if it is not there."""
        return next(self.places[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.places)

    def problem(self, path: FieldPath, what: str, mend: str) -> Problem:
        """An error at a value."""
        return Problem(self.file, self.place(path).line, field_text(path), what, mend)

    def warning(self, path: FieldPath, what: str, mend: str) -> Problem:
        """A warning at a value."""
        return replace(self.problem(path, what, mend), severity=Severity.WARNING)


class _Loader(yaml.SafeLoader):
    """A loader that reads no word as anything but text, save the few of rule 3."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol


_Loader.add_implicit_resolver("bool", re.compile(r"(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("null", re.compile(r"(null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver("int", re.compile(r"-?(0|[1-9]\d{0,14})$"), list("-0123456789"))
_Loader.add_implicit_resolver("float", re.compile(r"-?\d{1,15}\.\d{1,15}$"), list("-0123456789"))


class _RefusedError(Exception):
    """Carries a problem out of the recursion; never leaves this module."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read(text: str, file: str) -> Source | Problem:
    """Read one document.

    Args:
        text: The file's text.
        file: Its name, for the problems.

    Returns:
        The document, or the first thing that makes it unreadable.
    """
    if len(text.encode(errors="surrogatepass")) > DOCUMENT_BYTES_MAX:
        return Problem(file, 1, "", f"the file is larger than {DOCUMENT_BYTES_MAX} bytes", "Split it, or shorten it.")
    text = text.removeprefix(_BOM)  # some editors put one at the beginning, where it says nothing
    hidden = _HIDDEN.search(text)
    if hidden is not None:
        return _hidden(hidden, text, file)
    try:
        _refuse_surprises(text, file)
        node = yaml.compose(text, Loader=_Loader)
        places: dict[FieldPath, Place] = {}
        data = _built(node, (), file, places) if node else None
    except _RefusedError as refused:
        return refused.problem
    except yaml.YAMLError as error:
        return _not_yaml(error, text, file)
    except (ValueError, OverflowError):
        found = _NO_CHARACTER.search(text)
        line = text.count("\n", 0, found.start() if found else 0) + 1
        return Problem(
            file, line, "", "not YAML (an escape that stands for no character)", "Write the character itself."
        )
    if not isinstance(data, dict):
        return Problem(file, 1, "", "the file holds no mapping", "Write the document's fields as `name: value` lines.")
    return Source(file, data, places)


def _refuse_surprises(text: str, file: str) -> None:
    """Rules 1 and 4, on the flat stream of events, before anything recursive is done."""
    documents = depth = values = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            _require(documents == 1, file, line, "a second document begins here", "Keep one document in one file.")
        if isinstance(event, yaml.NodeEvent):
            named = event.anchor is not None
            _require(
                not named, file, line, "anchors and aliases are not allowed", "Write the value out where it is used."
            )
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            half = isinstance(event, yaml.ScalarEvent) and _HALF.search(event.value) is not None
            _require(not half, file, line, "an escape that is half of a character", "Write the character itself.")
            _require(event.tag is None, file, line, "tags are not allowed", "Remove the word that begins with `!`.")
            values += 1
            many = f"more than {DOCUMENT_VALUES_MAX} keys and values"
            _require(values <= DOCUMENT_VALUES_MAX, file, line, many, "Split the file, or shorten it.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deep = f"more than {DOCUMENT_NESTING_MAX} levels of nesting"
        _require(depth <= DOCUMENT_NESTING_MAX, file, line, deep, "Write it flatter; no document needs that many.")


def _require(holds: bool, file: str, line: int, what: str, mend: str) -> None:
    if not holds:
        raise _RefusedError(Problem(file, line, "", what, mend))


def _built(node: yaml.Node, path: FieldPath, file: str, places: dict[FieldPath, Place]) -> Any:
    places[path] = _place(node)
    if isinstance(node, yaml.MappingNode):
        built = {}
        for key, value in _pairs(node, path, file):
            built[key.value] = _built(value, (*path, key.value), file, places)
            if isinstance(value, yaml.CollectionNode):  # a person looks for a list at its name, not at its first item
                places[*path, key.value] = _place(key)
        return built
    if isinstance(node, yaml.SequenceNode):
        return [_built(item, (*path, place), file, places) for place, item in enumerate(node.value)]
    return _scalar(node.tag, node.value)


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _pairs(node: yaml.MappingNode, path: FieldPath, file: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Rule 2."""
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            shown = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            raise _RefusedError(
                Problem(
                    file, line, field_text(path), f"the key {shown} is not text", "Put the key in quotes, or name it."
                )
            )
        _refuse_key(key.value, file, line, path)
        if key.value in seen:
            what = f"the key is here for the second time, first in line {seen[key.value]}"
            raise _RefusedError(Problem(file, line, field_text((*path, key.value)), what, "Keep one of them."))
        seen[key.value] = line
        yield key, value


def _refuse_key(key: str, file: str, line: int, path: FieldPath) -> None:
    if key == "<<":
        mend = "Write the values out where they are used."
        raise _RefusedError(Problem(file, line, field_text(path), "merge keys are not allowed", mend))
    if len(key) > KEY_CHARS_MAX:
        what = f"a key is longer than {KEY_CHARS_MAX} characters"
        raise _RefusedError(Problem(file, line, field_text(path), what, "Write a colon after the name, or shorten it."))


def _scalar(tag: str, value: str) -> str | int | float | bool | None:
    match tag:
        case "bool":
            return value == "true"
        case "null":
            return None
        case "int":
            return int(value)
        case "float":
            return float(value)
    return value


def _not_yaml(error: yaml.YAMLError, text: str, file: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        told = f"{error.context}: {error.problem}" if error.context else str(error.problem)
        told = told if len(told) <= 2 * SHOWN_CHARS_MAX else f"{told[: 2 * SHOWN_CHARS_MAX]}…"
        mend = "Mend the line, or the one before it; put text with special characters in quotes."
        if "alias" in told:
            mend = 'A star that stands for all is written in quotes: "*"; aliases are not allowed.'
        if "\\t" in told:
            mend = "Indent with spaces, not with a tab."
        return Problem(file, error.problem_mark.line + 1, "", f"not YAML ({told})", mend)
    position = getattr(error, "position", 0)
    line = text.count("\n", 0, position) + 1
    return Problem(file, line, "", "a character that YAML does not allow", "Remove the invisible character.")


def _hidden(found: re.Match[str], text: str, file: str) -> Problem:
    line = len(text[: found.start()].splitlines()) or 1
    what = f"a character that hides what stands there, {found[0].encode('unicode_escape').decode()}"
    return Problem(
        file, line, "", what, "Remove it; a line ends with a line feed, and text is written from left to right."
    )
