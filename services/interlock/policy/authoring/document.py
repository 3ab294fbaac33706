"""Reading a source as one kind of document.

Each document is refused as a whole if it has a field that is not named in its class: a misspelt safeguard must never be a
safeguard that silently does nothing. Nothing about what a model can do, how it is identified or what it does with data has a
default: what is not written is not known. A name without a value is refused, too: who meant nothing removes the line.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from interlock.policy.authoring.problems import FieldPath, Problem, empty, explain
from interlock.policy.authoring.source import Source
from interlock.vocabulary.limits import PROBLEMS_MAX


class Document(BaseModel):
    """What people write, or a part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


D = TypeVar("D", bound=Document)


def parse(source: Source, document: type[D]) -> D | list[Problem]:
    """Read a source as one kind of document, or say what is wrong with it, from the top of the file and `PROBLEMS_MAX` at most."""
    empties = {path: empty(document, path) for path in islice(_empties(source.data, ()), PROBLEMS_MAX)}
    found = [source.problem(path, "has no value", mend) for path, mend in empties.items()]
    try:
        parsed = document.model_validate(source.data)
    except ValidationError as error:
        wrong = explain(document, error)
        found += [source.problem(path, what, mend) for path, what, mend in wrong if path not in empties]
        return sorted(found, key=lambda problem: problem.line)[:PROBLEMS_MAX]
    return found or parsed


def _empties(value: Any, path: FieldPath) -> Iterator[FieldPath]:
    """Where a name, or a place in a list, has no value."""
    if value is None:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _empties(item, (*path, key))
