"""The schemas in `schemas/` as the rest of the world reads them: with the official Avro library, and by the specification.

`fingerprints.json` holds every schema's fingerprint, so that no change of one goes unnoticed. A change that is meant is written
there with `INTERLOCK_WRITE_GOLDEN=1`, and explained in the commit.
"""

import json
import os
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import avro.io
import avro.schema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.records.codec import CLASS_OF, decode, encode
from interlock.records.sealing import decode_envelope
from interlock.signing.envelope import Envelope, Signature
from interlock.testing.builders import Deployment
from interlock.testing.strategies import CLASSES, anything
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.time import Micros
from interlock.wire.schemas import FOLDER, known_schemas

FINGERPRINTS = Path(__file__).with_name("fingerprints.json")
HEADER_BYTES = 10
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FILES = {json.loads(path.read_text("utf-8"))["name"]: path for path in sorted(FOLDER.glob("*.avsc"))}
RECORDS = {**{kind.__name__: kind for kind in CLASSES}, "Envelope": Envelope}

by_name = pytest.mark.parametrize("name", FILES)
by_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


def source(name: str) -> Any:
    return json.loads(FILES[name].read_text("utf-8"))


def official(name: str) -> avro.schema.Schema:
    return avro.schema.parse(FILES[name].read_text("utf-8"))


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside a schema."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for item in node if isinstance(node, list) else []:
        yield from parts(item)


# Schemas and records.


def test_every_file_holds_a_record_that_the_code_knows_and_is_named_after_it():
    assert set(FILES) == set(RECORDS) == set(known_schemas())
    for name, path in FILES.items():
        assert path.stem == re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@by_name
def test_the_official_library_reads_every_schema(name: str):
    assert official(name).fullname == f"interlock.v1.{name}"


@pytest.mark.parametrize("kind", PayloadType)
def test_every_payload_type_is_the_full_name_of_a_schema_and_has_a_record(kind: PayloadType):
    assert kind == official(kind.rpartition(".")[2]).fullname
    assert CLASS_OF[kind].__name__ == kind.rpartition(".")[2]


def is_duration(name: str) -> bool:
    return name.endswith("_us") or name == "durations"


def shape(hint: Any, name: str) -> Any:
    """The schema that a type hint must have: without documentation, and records by their names."""
    if hint is Micros:
        return "number" if is_duration(name) else {"type": "number", "logicalType": "timestamp-micros"}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": shape(get_args(hint)[0], name)}
    if get_origin(hint) is types.UnionType:
        [present] = [part for part in get_args(hint) if part is not types.NoneType]
        return ["null", shape(present, name)]
    if get_origin(hint) is Mapping:
        return {"type": "map", "values": shape(get_args(hint)[1], name)}
    if is_dataclass(hint):
        return {"type": "record", "name": hint.__name__}
    if issubclass(hint, Enum):
        return {"type": "enum", "name": hint.__name__, "symbols": [member.value for member in hint]}
    return {str: "string", bytes: "bytes", bool: "boolean", float: "double", int: "number"}[hint]


def bare(node: Any, named: Mapping[str, Any]) -> Any:
    """A schema in the terms of `shape`; `int` and `long` are both a number, as in Python, and a name is what it stands for."""
    if isinstance(node, list):
        return [bare(item, named) for item in node]
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if key not in {"doc", "default", "fields"}}
        return {key: value if key in {"name", "symbols"} else bare(value, named) for key, value in kept.items()}
    return "number" if node in {"int", "long"} else bare(named[node], named) if node in named else node


def nested(record: Any) -> Iterator[Any]:
    """Every dataclass inside a dataclass, itself included."""
    yield record
    for hint in get_type_hints(record).values():
        for part in (hint, *get_args(hint)):
            if is_dataclass(part):
                yield from nested(part)


@by_name
def test_a_schema_and_its_dataclass_have_the_same_fields_in_the_same_order(name: str):
    named = {part["name"]: part for part in parts(source(name)) if "fields" in part or "symbols" in part}
    bodies = {inner: part["fields"] for inner, part in named.items() if "fields" in part}
    records = {record.__name__: record for record in nested(RECORDS[name])}
    assert set(bodies) == set(records)
    for inner, record in records.items():
        hints = get_type_hints(record)
        ours = [(field.name, shape(hints[field.name], field.name)) for field in fields(record)]
        assert ours == [(field["name"], bare(field["type"], named)) for field in bodies[inner]]


WIDEST = {"Network": "internet", "Autonomy": "act", "Logging": "training"}
"""A fallback of which a reader does not know how far it reaches must fit beneath nothing."""


@by_name
def test_every_enum_has_the_default_that_dares_least_for_symbols_that_a_reader_does_not_know(name: str):
    for part in parts(source(name)):
        if "symbols" in part and part["name"] in WIDEST:
            assert part["default"] == part["symbols"][-1] == WIDEST[part["name"]]
        elif "symbols" in part:
            assert part["default"] == part["symbols"][0]
            assert part["default"] in {"other", "unknown", "suspend"}


@by_name
def test_every_time_is_a_timestamp_in_microseconds_and_a_duration_is_a_number(name: str):
    for record in nested(RECORDS[name]):
        body = next(part for part in parts(source(name)) if part.get("name") == record.__name__ and "fields" in part)
        for field in body["fields"]:
            is_time = field["name"] in {"at", "now", "since", "until", "due"} or re.search(
                r"_(at|until|due|after|start|end|since)$", field["name"]
            )
            logical = field["type"].get("logicalType") if isinstance(field["type"], dict) else None
            assert (logical == "timestamp-micros") == bool(is_time), field["name"]


@by_name
def test_what_may_be_absent_is_null_by_default(name: str):
    for part in parts(source(name)):
        for field in part.get("fields", []):
            if isinstance(field["type"], list):
                assert field["type"][0] == "null"
                assert field["default"] is None


@by_name
def test_every_record_field_and_enum_says_what_it_is(name: str):
    for part in parts(source(name)):
        if "fields" in part or "symbols" in part:
            assert part["doc"].strip()
        for field in part.get("fields", []):
            assert field["doc"].strip()


# Bytes.


def told(value: Any, hint: Any, name: str = "") -> Any:
    """A record as another Avro library shows it: times are datetimes, enums are text."""
    if hint is Micros and not is_duration(name):
        return EPOCH + timedelta(microseconds=value)
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        return {field.name: told(getattr(value, field.name), hints[field.name], field.name) for field in fields(value)}
    if isinstance(value, tuple):
        return [told(item, get_args(hint)[0], name) for item in value]
    if isinstance(value, Mapping):
        return {str(key): count for key, count in value.items()}
    return str(value) if isinstance(value, str) else value


def read(name: str, data: bytes) -> Any:
    """What the official library reads, after the header of the single-object encoding."""
    source_of_bytes = BytesIO(data[HEADER_BYTES:])
    record = avro.io.DatumReader(official(name)).read(avro.io.BinaryDecoder(source_of_bytes))
    assert not source_of_bytes.read()
    return record


@by_class
@settings(max_examples=10)
@given(st.data())
def test_the_official_library_reads_what_we_write(kind: Any, data: st.DataObject):
    record = data.draw(anything(kind))
    assert read(kind.__name__, encode(record)) == told(record, kind)


@by_class
@settings(max_examples=10)
@given(st.data())
def test_we_read_what_the_official_library_writes(kind: Any, data: st.DataObject):
    record = data.draw(anything(kind))
    out = BytesIO()
    avro.io.DatumWriter(official(kind.__name__)).write(told(record, kind), avro.io.BinaryEncoder(out))
    assert decode(encode(record)[:HEADER_BYTES] + out.getvalue(), kind) == record


def test_the_official_library_reads_a_sealed_record_down_to_its_content():
    deployment = Deployment()
    sealed = deployment.policy("support", ["atlas", "birch"])
    envelope = read("Envelope", sealed)
    held = tuple(Signature(signature["keyid"], signature["sig"]) for signature in envelope["signatures"])
    assert Envelope(envelope["payload_type"], envelope["payload"], held) == decode_envelope(sealed)
    policy = read("RoutePolicy", envelope["payload"])
    assert [rung["model"]["name"] for rung in policy["routes"][0]["ladder"]] == ["atlas", "birch"]
    assert policy["expires_at"] == datetime(2027, 5, 28, 20, 26, 40, tzinfo=UTC)


# Fingerprints.


def canonical(node: Any, namespace: str = "") -> Any:
    """Avro 1.12, "Parsing Canonical Form": keys in the given order, full names, primitives in their simple form."""
    if isinstance(node, list):
        return [canonical(item, namespace) for item in node]
    if isinstance(node, str):
        primitive = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
        return node if node in primitive or "." in node else f"{namespace}.{node}"
    if node["type"] not in {"record", "enum", "array", "map"}:
        return canonical(node["type"], namespace)
    namespace = node.get("namespace", namespace)
    kept: dict[str, Any] = {"name": f"{namespace}.{node['name']}"} if "name" in node else {}
    kept["type"] = node["type"]
    if "fields" in node:
        kept["fields"] = [
            {"name": field["name"], "type": canonical(field["type"], namespace)} for field in node["fields"]
        ]
    if "symbols" in node:
        kept["symbols"] = node["symbols"]
    for inner in ("items", "values"):
        if inner in node:
            kept[inner] = canonical(node[inner], namespace)
    return kept


def rabin(data: bytes) -> bytes:
    """Avro 1.12, "Schema Fingerprints": CRC-64-AVRO, bit by bit, as eight bytes with the lowest first."""
    empty = 0xC15D213AA4D7A795
    fingerprint = empty
    for byte in data:
        low = (fingerprint ^ byte) & 0xFF
        for _ in range(8):
            low = (low >> 1) ^ (empty if low & 1 else 0)
        fingerprint = (fingerprint >> 8) ^ low
    return fingerprint.to_bytes(8, "little")


def by_specification(name: str) -> bytes:
    return rabin(json.dumps(canonical(source(name)), separators=(",", ":"), ensure_ascii=False).encode())


def test_our_own_reckoning_agrees_with_the_specifications_examples():
    assert rabin(b'"int"')[::-1].hex() == "7275d51a3f395c8f"
    assert rabin(b'"string"')[::-1].hex() == "8f014872634503c7"
    assert rabin(b"") == bytes.fromhex("95a7d7a43a215dc1")


@by_name
def test_a_fingerprint_is_the_one_of_the_specification(name: str):
    assert known_schemas()[name].fingerprint == by_specification(name)


@by_name
def test_the_official_library_computes_the_same_fingerprint_of_the_canonical_form(name: str):
    # Of the schema itself it does not: it writes {"type": "long"} where a logical type was, and the specification "long".
    simple = avro.schema.parse(json.dumps(canonical(source(name))))
    assert known_schemas()[name].fingerprint == simple.fingerprint("CRC-64-AVRO")


def test_no_fingerprint_has_changed_unnoticed():
    now = {name: known_schemas()[name].fingerprint.hex() for name in sorted(FILES)}
    if os.environ.get("INTERLOCK_WRITE_GOLDEN"):
        FINGERPRINTS.write_text(json.dumps(now, indent=2) + "\n", "utf-8")
    assert json.loads(FINGERPRINTS.read_text("utf-8")) == now, (
        "A schema has changed: readers of the old one refuse the new one's records. If that is meant, run this test with "
        "INTERLOCK_WRITE_GOLDEN=1 and say why in the commit."
    )
