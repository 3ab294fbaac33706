"""Changes that keep an input well-formed: of Avro records along their schema, of JSON documents along their tree.

A fuzzer that knows bytes only spends its inputs on what the first length prefix refuses. These reach the bounds behind it.
"""

import json
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import fastavro

from fuzz.chance import INTEGERS, Dice, damaged
from interlock.vocabulary.limits import DURATION_US_MAX, MOMENT_US_MAX
from interlock.wire.schemas import by_fingerprint

MAGIC = b"\xc3\x01"
HEADER_BYTES = 10

_BOUNDS = (*INTEGERS, MOMENT_US_MAX, MOMENT_US_MAX + 1, DURATION_US_MAX, DURATION_US_MAX + 1, 1_000_000, 1_000_000_001)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, 1e308, -1e308, float("inf"), float("-inf"), float("nan"))
_TEXTS = (
    "",
    "*",
    "a",
    "atlas",
    "birch",
    "support",
    "support/main/*",
    "support/main/*@1.7.1",
    "canary.",
    "a" * 81,
    "a" * 501,
)
_KEYS = (
    "model",
    "Model",
    "models",
    "fallbacks",
    "Provider",
    "stream",
    "user",
    "error",
    "choices",
    "type",
    "tool_calls",
    "content",
)
_ODD = (
    "\x00",
    "/",
    "//",
    "..",
    "…",
    "\u202e",
    "😀",
    "1",
    "-1",
    "1e9",
    "guard.",
    "A",
    " ",
    "\n",
    "{what}",
    "%s",
    "env:",
    "é",
)


def vary(schema: Any, value: Any, dice: Dice) -> Any:
    """A value of the same schema, changed in one place or two."""
    kind = schema["type"] if isinstance(schema, dict) else schema
    match kind:
        case list():
            other = dice.one_of(kind)
            return blank(other, dice) if dice.once_in(3) else _vary_union(kind, value, dice)
        case "record":
            fields = schema["fields"]
            if not fields:
                return value
            field = dice.one_of(fields)
            return {**value, field["name"]: vary(field["type"], value[field["name"]], dice)}
        case "array":
            return _vary_items(schema["items"], list(value), dice)
        case "map":
            return _vary_map(schema["values"], dict(value), dice)
        case "enum":
            return dice.one_of(schema["symbols"])
        case "int" | "long":
            return _vary_integer(value, dice)
        case "float" | "double":
            return dice.one_of(_FLOATS)
        case "string":
            return vary_text(value, dice)
        case "bytes":
            return _vary_bytes(value, dice)
        case "boolean":
            return not value
        case dict():
            return vary(kind, value, dice)
    return value


def blank(schema: Any, dice: Dice) -> Any:
    """The least value of a schema."""
    kind = schema["type"] if isinstance(schema, dict) else schema
    match kind:
        case list():
            return blank(dice.one_of(kind), dice)
        case "record":
            return {field["name"]: blank(field["type"], dice) for field in schema["fields"]}
        case "array":
            return []
        case "map":
            return {}
        case "enum":
            return dice.one_of(schema["symbols"])
        case "int" | "long":
            return 1
        case "float" | "double":
            return 1.0
        case "string":
            return "a"
        case "bytes":
            return b""
        case "boolean":
            return True
        case dict():
            return blank(kind, dice)
    return None


def _vary_union(branches: Sequence[Any], value: Any, dice: Dice) -> Any:
    """Ours are all of null and one other."""
    others = [branch for branch in branches if branch != "null"]
    return None if value is None else vary(others[0], value, dice)


def _vary_items(items: Any, values: list[Any], dice: Dice) -> list[Any]:
    at = dice.below(len(values) + 1)
    match dice.below(6):
        case 0:
            values.insert(at, blank(items, dice))
        case 1 if values:
            values.insert(at, dice.one_of(values))
        case 2 if values:
            del values[at % len(values)]
        case 3 if len(values) > 1:
            values.reverse()
        case _ if values:
            values[at % len(values)] = vary(items, values[at % len(values)], dice)
        case _:
            values.append(blank(items, dice))
    return values


def _vary_map(kind: Any, values: dict[str, Any], dice: Dice) -> dict[str, Any]:
    key = dice.one_of(list(values)) if values and not dice.once_in(3) else str(_vary_integer(0, dice))
    match dice.below(3):
        case 0 if key in values:
            values[vary_text(key, dice)] = values.pop(key)
        case 1 if key in values:
            values[key] = vary(kind, values[key], dice)
        case _:
            values[key] = blank(kind, dice)
    return values


def _vary_integer(value: int, dice: Dice) -> int:
    made = dice.one_of(_BOUNDS) if dice.once_in(2) else value + dice.one_of((-1, 1, 2, 1_000, -1_000_000, 1_000_000))
    return max(-(2**63), min(2**63 - 1, made))


def vary_text(value: str, dice: Dice) -> str:
    """Another text: a usual one, or the same with something odd in it."""
    if dice.once_in(2):
        return dice.one_of(_TEXTS)
    at = dice.below(len(value) + 1)
    return value[:at] + dice.one_of(_ODD) + value[at + dice.below(2) :]


def _vary_bytes(value: bytes, dice: Dice) -> bytes:
    """Bytes inside a record are often a record themselves."""
    return vary_record(value, dice) if value[:2] == MAGIC and not dice.once_in(4) else damaged(value, dice)


def vary_record(data: bytes, dice: Dice) -> bytes:
    """A record in single-object encoding, changed along its schema; bytes that are none are damaged."""
    known = by_fingerprint().get(data[2:HEADER_BYTES])
    if known is None:
        return damaged(data, dice)
    return data[:HEADER_BYTES] + vary_datum(known.parsed, data[HEADER_BYTES:], dice)


def vary_datum(schema: Any, data: bytes, dice: Dice) -> bytes:
    """The same for a datum without its header."""
    out = BytesIO()
    try:
        fields = fastavro.schemaless_reader(BytesIO(data), schema, schema)
        fastavro.schemaless_writer(out, schema, vary(schema, fields, dice))
    except Exception:  # noqa: BLE001 - the input was damaged before, or no value of the schema came out
        return damaged(data, dice)
    return out.getvalue()


def vary_json(data: bytes, dice: Dice) -> bytes:
    """A JSON document, changed in its tree; bytes that are none are damaged."""
    try:
        return json.dumps(_vary_tree(json.loads(data), dice)).encode()
    except (ValueError, RecursionError):
        return damaged(data, dice)


def _vary_tree(value: Any, dice: Dice) -> Any:
    if dice.once_in(12):
        return dice.one_of((None, True, 0, -1, 1.5, "", "a", [], {}, [value], {"a": value}))
    match value:
        case dict() if value:
            key = dice.one_of(list(value))
            if dice.once_in(6):
                return {name: item for name, item in value.items() if name != key}
            if dice.once_in(6):
                other = dice.one_of(_KEYS) if dice.once_in(2) else vary_text(key, dice)
                return {(other if name == key else name): item for name, item in value.items()}
            return {**value, key: _vary_tree(value[key], dice)}
        case list() if value:
            at = dice.below(len(value))
            if dice.once_in(4):
                return value[:at] + value[at + 1 :]
            if dice.once_in(4):
                return [*value, value[at]]
            return [*value[:at], _vary_tree(value[at], dice), *value[at + 1 :]]
        case str():
            return vary_text(value, dice)
        case bool() | None:
            return not value
        case int():
            return dice.one_of((value + 1, -value, 0, 10**15, 2**63))
        case float():
            return dice.one_of((0.0, -value, value * 1e9, 0.5))
    return value
