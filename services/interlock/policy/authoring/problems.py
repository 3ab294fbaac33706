"""What is wrong with a document that a person wrote: where, what, and what to do about it."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from interlock.vocabulary.limits import PROBLEMS_MAX

FieldPath = tuple[str | int, ...]
"""Where a value stands in a document: keys and places in lists, from the top."""


class Severity(StrEnum):
    """Whether a problem forbids signing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a person should mend.

    Attributes:
        file: The file, as the person named it.
        line: Line of the value, from 1; 1 too where the whole file is meant.
        field: The value's path, such as `routes[0].ladder[1].model`; empty for the whole file.
        what: What is wrong, without a full stop.
        mend: What to do about it, one sentence.
        severity: A warning does not forbid signing.
    """

    file: str
    line: int
    field: str
    what: str
    mend: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        kind = "warning: " if self.severity is Severity.WARNING else ""
        return f"{self.file}:{self.line}: {kind}{field}{self.what}. {self.mend}"


def field_text(path: FieldPath) -> str:
    """A path as a person reads it: `routes[0].ladder[1].model`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def explain(model: type[BaseModel], error: ValidationError) -> list[tuple[FieldPath, str, str]]:
    """Put the errors of a validation in words, `PROBLEMS_MAX` at most.

    Returns:
        For each: the path of the value, what is wrong, and the mend.
    """
    details = error.errors(include_url=False)
    causes = (detail for detail in details if not _follows(detail, details, model))
    return [_explained(model, detail) for detail in islice(causes, PROBLEMS_MAX)]


def empty(model: type[BaseModel], path: FieldPath) -> str:
    """What to do about a name without a value."""
    name, fields = str(path[-1]) if path else "", _fields(model, path[:-1])
    needless = name not in fields or not fields[name].is_required()
    return f"Write a value{_for_example(name, fields)}{', or remove the line' if needless else ''}."


def _follows(detail: ErrorDetails, details: list[ErrorDetails], model: type[BaseModel]) -> bool:
    """Whether an error only follows from another: a list too short for want of its wrong items, a field misspelt."""
    path = detail["loc"]
    if detail["type"] == "too_short":
        return any(other["loc"][: len(path)] == path and other is not detail for other in details)
    if detail["type"] == "missing":
        fields = _fields(model, path[:-1])
        unknown = [other["loc"] for other in details if other["type"] == "extra_forbidden"]
        return any(near[:-1] == path[:-1] and _nearest(str(near[-1]), fields) == path[-1] for near in unknown)
    return False


def _explained(model: type[BaseModel], detail: ErrorDetails) -> tuple[FieldPath, str, str]:
    path = detail["loc"]
    if path and path[-1] == "[key]":
        path = path[:-1]
    what, mend = _words(model, path, detail)
    return path, what, mend


def _words(model: type[BaseModel], path: FieldPath, detail: ErrorDetails) -> tuple[str, str]:
    fields = _fields(model, path[:-1])
    name = str(path[-1]) if path else ""
    context = detail.get("ctx", {})
    if "mend" in context:
        return detail["msg"], context["mend"]
    match detail["type"]:
        case "missing":
            return "is missing", f"Add {_example(name, fields)}."
        case "extra_forbidden":
            return "no such field", _spelling(name, fields)
        case "string_type":
            return f"must be text, not {_shown(detail['input'])}", _quoted(detail["input"])
        case "bool_type":
            return f"must be true or false, not {_shown(detail['input'])}", "Write true or false, without quotes."
        case "model_type" | "dict_type" | "model_attributes_type":
            return "must be a mapping", f"Write its fields below it, each as `name: value`{_for_example(name, fields)}."
        case "tuple_type":
            return "must be a list", f"Write one item a line, each after `- `{_for_example(name, fields)}."
        case "too_short" | "too_long":
            bound = context.get("min_length", context.get("max_length"))
            least = "least" if detail["type"] == "too_short" else "most"
            return (
                f"must have at {least} {bound}, not {context['actual_length']}",
                f"Correct the list{_for_example(name, fields)}.",
            )
    message = detail["msg"][:1].lower() + detail["msg"][1:]
    return message, f"Correct the value{_for_example(name, fields)}."


def _fields(model: type[BaseModel], path: FieldPath) -> Mapping[str, FieldInfo]:
    """The fields, by the names that people write, of the model that stands at a path; empty if it is no model."""
    kind: Any = model
    for part in path:
        kind = _within(kind, part)
    kind = _plain(kind)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {field.alias or name: field for name, field in kind.model_fields.items()}


def _within(kind: Any, part: str | int) -> Any:
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        named = {field.alias or name: field for name, field in kind.model_fields.items()}
        return named[part].annotation if part in named else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if get_origin(kind) is tuple else None


def _plain(kind: Any) -> Any:
    """An optional kind without its None."""
    if get_origin(kind) in (Union, types.UnionType):
        return next((argument for argument in get_args(kind) if argument is not type(None)), None)
    return kind


def _example(name: str, fields: Mapping[str, FieldInfo]) -> str:
    examples = fields[name].examples if name in fields else None
    return f"`{name}: {examples[0]}`, with your own value" if examples else f"`{name}:`"


def _for_example(name: str, fields: Mapping[str, FieldInfo]) -> str:
    examples = fields[name].examples if name in fields else None
    return f", for example `{name}: {examples[0]}`" if examples else ""


def _spelling(name: str, fields: Mapping[str, FieldInfo]) -> str:
    near = _nearest(name, fields)
    if near:
        return f"Did you mean `{near}`?"
    return f"Remove it, or use one of: {', '.join(fields)}." if fields else "Remove it."


def _nearest(name: str, fields: Mapping[str, FieldInfo]) -> str | None:
    return next(iter(get_close_matches(name, list(fields), n=1)), None)


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value) if isinstance(value, int | float) else f"a {_KINDS[type(value)]}"


def _quoted(value: object) -> str:
    return f'Put it in quotes: "{value}".' if isinstance(value, int | float) else "Write one text."


_KINDS: dict[type, str] = {dict: "mapping", list: "list", str: "text"}
