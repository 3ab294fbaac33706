"""What people's editors are told: a JSON schema for each kind of document, made from the very classes that read it. Pure.

With it an editor completes names, explains fields, and underlines what could never be read. It knows one file only; what files mean
together, and whether a policy may be signed, is said by `interlock policy check`.

The schemas are of draft 7, which every YAML language server reads.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from interlock.policy.authoring.document import Document
from interlock.policy.authoring.evidence import EvidenceDocument
from interlock.policy.authoring.meanings import meaning
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.registry import RegistryDocument
from interlock.policy.authoring.source import Source, read

DRAFT = "http://json-schema.org/draft-07/schema#"
_TITLES: Mapping[str, tuple[str, type[Document]]] = {
    "policy": ("An agent's policy", PolicyDocument),
    "registry": ("The registry of models", RegistryDocument),
    "evidence": ("A validator's evidence", EvidenceDocument),
}
_BOUNDS = {"maxLength": "maxItems", "minLength": "minItems"}
"""Pydantic gives a list that a validator turned into a set the bounds of a text."""


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind of document, by the name of its kind."""
    return {kind: _schema(title, document) for kind, (title, document) in _TITLES.items()}


def _schema(title: str, document: type[Document]) -> dict[str, Any]:
    made = document.model_json_schema(ref_template="#/definitions/{model}")
    kinds = {kind.__name__: kind for kind in _kinds(document)}
    defined = {name: _told(part, kinds[name]) for name, part in made.pop("$defs", {}).items()}
    return {"$schema": DRAFT, "title": title, **_told(made, document), "definitions": defined}


def _kinds(kind: Any) -> Iterator[type[Document]]:
    """Every class that a document is made of."""
    if isinstance(kind, type) and issubclass(kind, Document):
        yield kind
        for field in kind.model_fields.values():
            yield from _kinds(field.annotation)
    else:
        for part in get_args(kind):
            yield from _kinds(part)


def _told(part: dict[str, Any], kind: type[Document]) -> dict[str, Any]:
    """One document's schema, with what each field means, and without what helps nobody."""
    told: dict[str, Any] = _plain(part)
    for shape in (told, *told.get("anyOf", ())):
        for name, field in shape.get("properties", {}).items():
            field["description"] = meaning(kind, name)
    return told


def _plain(part: Any) -> Any:
    """A part of a schema, with examples and defaults as values, and with a list's bounds as a list's."""
    if isinstance(part, list):
        return [_plain(each) for each in part]
    if not isinstance(part, dict):
        return part
    items = part.get("type") == "array"
    told = {str(key): _plain(value) for key, value in part.items() if key != "title"}
    plain = {_BOUNDS.get(key, key) if items else key: value for key, value in told.items()}
    if "properties" in part:
        plain["properties"] = {name: _plain(field) for name, field in part["properties"].items()}
    if "examples" in part:
        plain["examples"] = [_value(example) for example in part["examples"]]
    if "patternProperties" in part:
        plain["additionalProperties"] = False
    if {"type": "null"} in part.get("anyOf", ()):
        plain = {**_valued(plain.pop("anyOf")), **plain}
    if not isinstance(part.get("default"), bool | str) or part.get("type") not in {"boolean", "string"}:
        plain.pop("default", None)
    return plain


def _valued(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    """What may be left out is left out, never written without a value."""
    (kind,) = (kind for kind in kinds if kind != {"type": "null"})
    return kind


def _value(example: str) -> Any:
    """An example, which is written as YAML, as its value."""
    source = read(f"example: {example}", "example")
    return source.data["example"] if isinstance(source, Source) else example
