"""The Avro schemas, read once from `schemas/`.

The files bear logical types, for other tools. Inside Interlock a time is a plain integer (`Micros`), so the logical types are
taken off before the schema is compiled; the fingerprint stays the same, because Avro's canonical form leaves them out.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form
from fastavro.types import Schema

_INSTALLED = Path(__file__).parents[1] / "schemas"
_CHECKOUT = Path(__file__).parents[3] / "schemas"
FOLDER: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
"""Where the `.avsc` files are: beside the package in a wheel, at the top of a checkout."""


@dataclass(frozen=True, slots=True)
class KnownSchema:
    """One schema, ready for use.

    Attributes:
        name: Short name of its record, such as `RoutingChange`.
        fingerprint: CRC-64-AVRO of its canonical form, 8 bytes little-endian, as in the single-object encoding.
        parsed: The compiled schema, without logical types.
        raw: The same, not compiled.
    """

    name: str
    fingerprint: bytes
    parsed: Schema
    raw: dict[str, Any]


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_logical_types(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_logical_types(value) for key, value in node.items() if key != "logicalType"}
    return kept["type"] if kept.keys() == {"type"} else kept


@cache
def known_schemas() -> dict[str, KnownSchema]:
    """Every schema by the short name of its record."""
    found = {}
    for path in sorted(FOLDER.glob("*.avsc")):
        raw = _without_logical_types(json.loads(path.read_text("utf-8")))
        crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(raw), "CRC-64-AVRO"))
        found[raw["name"]] = KnownSchema(raw["name"], crc, parse_schema(raw), raw)
    return found


@dataclass(frozen=True, slots=True)
class Split:
    """A record's schema around one array: the fields before it, one of its items, the fields after it."""

    before: Schema
    item: Schema
    after: Schema


@cache
def split(name: str, array: str) -> Split:
    """Split the schema of a record at the field that is an array."""
    raw = known_schemas()[name].raw
    place = [field["name"] for field in raw["fields"]].index(array)
    before, after = (dict(raw, fields=fields) for fields in (raw["fields"][:place], raw["fields"][place + 1 :]))
    return Split(*(parse_schema(part) for part in (before, raw["fields"][place]["type"]["items"], after)))


@cache
def by_fingerprint() -> dict[bytes, KnownSchema]:
    """Every schema by its fingerprint."""
    return {schema.fingerprint: schema for schema in known_schemas().values()}
