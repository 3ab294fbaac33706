"""The pages of what stands on the bus: topics, records, and who may sign them."""

import json
from collections.abc import Iterator
from typing import Any

from interlock.signing.roles import SIGNED_BY, Role
from interlock.vocabulary.payloads import PayloadType
from interlock.wire.schemas import FOLDER, known_schemas
from interlock.wire.topics import TOPICS, config
from pages.markdown import anchor, codes, table


def topics() -> str:
    """The topics of a deployment; `interlock kafka topics` makes and checks them. Every record is an `Envelope`."""
    rows = [
        (
            f"`{spec.name}`",
            spec.carries,
            ", ".join(_link(kind) for kind in spec.payloads),
            spec.key,
            codes(spec.written_by),
            spec.partitions,
        )
        for spec in TOPICS
    ]
    settings = [(f"`{spec.name}`", *(f"`{value}`" for value in config(spec).values())) for spec in TOPICS]
    return "\n\n".join(
        [
            table(("topic", "carries", "records", "key", "written by", "partitions"), rows),
            "How each is configured on the broker; a retention of `-1` is for ever.",
            table(("topic", *(f"`{key}`" for key in config(TOPICS[0]))), settings),
        ]
    )


def records() -> str:
    """Every record, from `schemas/*.avsc`. A fingerprint is the 8 bytes that follow `c3 01` in Avro's single-object encoding."""
    parts = []
    for path in sorted(FOLDER.glob("*.avsc")):
        schema = json.loads(path.read_text("utf-8"))
        kind = PayloadType.parse(f"{schema['namespace']}.{schema['name']}")
        signed = f" Signed by {_signers(kind)}." if kind else ""
        crc = known_schemas()[schema["name"]].fingerprint.hex(" ")
        parts += [f"## {schema['name']}", f"{schema['doc']}{signed} `schemas/{path.name}`, fingerprint `{crc}`."]
        parts += [_fields(schema), *_inner(schema)]
    return "\n\n".join(parts)


def roles() -> str:
    """Who must sign what: `and` is two distinct people, `or` is either. The binding is in `signing/roles.py`."""
    kinds = [(_link(kind), _signers(kind)) for kind in SIGNED_BY]
    by_role = [(f"`{role}`", ", ".join(_link(kind) for kind in _signed_by(role))) for role in Role]
    return f"{table(('record', 'signed by'), kinds)}\n\n{table(('role', 'may sign'), by_role)}"


def _link(kind: PayloadType) -> str:
    name = kind.rpartition(".")[2]
    return f"[`{name}`](records.md#{anchor(name)})"


def _signed_by(role: Role) -> list[PayloadType]:
    return [kind for kind, rule in SIGNED_BY.items() if any(role in alternative for alternative in rule)]


def _signers(kind: PayloadType) -> str:
    rule = SIGNED_BY[kind]
    return " or ".join(" and ".join(f"`{role}`" for role in Role if role in alternative) for alternative in rule)


def _fields(record: dict[str, Any]) -> str:
    rows = [(f"`{field['name']}`", _kind(field["type"]), field["doc"]) for field in record["fields"]]
    return table(("field", "type", "what it is"), rows)


def _inner(record: dict[str, Any]) -> Iterator[str]:
    """The records and enums that a record defines for its fields, one after the other."""
    for named in _defined([field["type"] for field in record["fields"]]):
        yield f"### {record['name']}: {named['name']}"
        if named["type"] == "record":
            yield from (named["doc"], _fields(named))
        else:
            yield f"{named['doc']} One of {codes(named['symbols'])}."


def _defined(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _defined(item)
    elif isinstance(node, dict):
        if "name" in node:
            yield node
        yield from _defined([field["type"] for field in node.get("fields", [])])
        yield from _defined([node.get("items"), node.get("values")])


def _kind(node: Any) -> str:
    """A type in words; a record or enum by its name."""
    match node:
        case list():
            return " or ".join(_kind(item) for item in node)
        case str():
            return node.rpartition(".")[2]
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"type": "map", "values": values}:
            return f"map of {_kind(values)}"
        case {"name": name}:
            return f"`{name}`"
    return f"{node['type']}, {node['logicalType']}"
