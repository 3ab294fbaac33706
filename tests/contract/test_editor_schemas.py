"""What editors are told, held against what people write and against what the readers of it refuse.

The second opinion is the package `jsonschema`, which knows nothing of our classes.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from interlock.cli.examples import EXAMPLE_NAMES, load_example
from interlock.policy.authoring.document import Document, parse
from interlock.policy.authoring.evidence import EvidenceDocument
from interlock.policy.authoring.meanings import meaning
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.registry import RegistryDocument
from interlock.policy.authoring.schema import schemas
from interlock.policy.authoring.source import Place, Source, read
from interlock.testing.builders import NOW

FOLDER = Path(__file__).parents[2] / "schemas" / "authoring"
KINDS: dict[str, type[Document]] = {
    "policy": PolicyDocument,
    "registry": RegistryDocument,
    "evidence": EvidenceDocument,
}


def judge(kind: str) -> Draft7Validator:
    return Draft7Validator(schemas()[kind])


def plain(text: str) -> Any:
    source = read(text, "it.yaml")
    assert isinstance(source, Source), source
    return source.data


def examples() -> Iterator[tuple[str, str, str]]:
    for name in EXAMPLE_NAMES:
        plan = load_example(name, "testbed", NOW).plan
        yield name, "registry", plan.registry
        yield from ((name, "evidence", text) for text in plan.evidence.values())
        yield from ((name, "policy", text) for text in plan.policies.values())


WRITTEN = list(examples())


@pytest.mark.parametrize(("name", "kind", "text"), WRITTEN, ids=[f"{name}-{kind}" for name, kind, _ in WRITTEN])
def test_every_example_is_what_the_schema_takes(name: str, kind: str, text: str) -> None:
    assert [error.message for error in judge(kind).iter_errors(plain(text))] == []


def test_the_files_are_what_the_code_makes() -> None:
    written = {path.name: json.loads(path.read_text("utf-8")) for path in FOLDER.iterdir()}
    assert written == {f"{kind}.schema.json": schema for kind, schema in schemas().items()}, "run `make docs`"


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_and_says_what_every_field_means(kind: str) -> None:
    made = schemas()[kind]
    Draft7Validator.check_schema(made)
    for part in (made, *made["definitions"].values()):
        for shape in (part, *part.get("anyOf", ())):
            for name, field in shape.get("properties", {}).items():
                assert field["description"].endswith((".", "`.")), (part, name)
                assert field.get("examples") or "$ref" in field or "items" in field or name == "models", name
    with pytest.raises(KeyError):
        meaning(KINDS[kind], "no_such_field")


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_beside_a_field_is_one_that_the_field_takes(kind: str) -> None:
    made = schemas()[kind]
    for name, part in made["definitions"].items():
        for shape in (part, *part.get("anyOf", ())):
            for field, schema in shape.get("properties", {}).items():
                alone = Draft7Validator({**schema, "definitions": made["definitions"]})
                for example in schema.get("examples", ()):
                    assert [error.message for error in alone.iter_errors(example)] == [], f"{name}.{field}"


FULL = {
    "evidence": """
model: atlas
model_version: "1"
profile: chat
by: vera
levels: {capability_boundaries: 1, safety: 1, governance_compliance: 1}
report: a report
validated_at: 2026-10-01
expires_at: 2027-04-01T00:00:00Z
""",
    "registry": """
models:
  atlas:
    entry: 1
    withdrawn: false
    version: "1"
    provider: atlas-works
    endpoint: https://atlas.example/v1
    intermediaries: [cdn.example]
    served_as: atlas-1
    aliases: [atlas]
    identity: {id: spiffe://example/atlas, owner: oscar, secret_ref: env:ATLAS_KEY, scopes: [read], assurance: 2, rotation_due: 2027-06-30}
    data: {classes: [internal], regions: [west], retention_days: 0, logging: metadata}
    capability: {tools: [search], code_execution: false, network: internal, modalities: [text], context_tokens: 128000, outputs: [text], autonomy: suggest, deterministic: false}
    approvals: [iso-42001]
    integrity: 0
    usd_per_mtok: 3.0
    retires_at: never
""",
    "policy": """
agent: support
version: 3
deployment: testbed
workflow: customer_facing
team: helpdesk
expires_at: 2026-12-31
review_within: 5d
unnotified: suspend
last_channel: {webhook: "https://on-call.example/hook", allow_private: false}
departures: [{from: short-grace, because: it must}]
routes:
  - slot: main
    scope: "*"
    task_profile: chat
    evidence_level: 1
    needs: {context_tokens: 1000, modalities: [text], outputs: [json], tools: [search]}
    cost_ceiling: 5.0
    guards: [guardrail-1]
    ladder:
      - {model: atlas, accepted_by: oscar, equivalent: true, accepted_in_advance: false}
    triggers:
      unavailable: {for: 5s, mode: cutover}
      errors: {above: 20%, for: 30s, tolerated: true}
      latency: {p95_above: 1500ms, for: 1m}
      quality: {groundedness: {below: 0.8, for: 5m}}
      refusals: {above: 10%, for: 5m, mode: suspend}
      cost: {usd_per_hour_above: 12, for: 5m}
      credential: {for: 0s}
    blind: 0s
    recovery: {stable: 60s, dwell: 2m, canary: true}
    canary: {steps: [1%, 50%], calls_min: 50, time_min: 60s, wait_max: 30m}
    approval: {within: 30m, ticket: true}
    grace: 90s
    safe_state: {read_only: {model: atlas}}
notify:
  - {webhook: "https://governance.example/hook", allow_private: false}
""",
}
"""One document of each kind with nearly everything in it."""

WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**10, "", " ", "Atlas", "guard@x", "a\tb", "x" * 501, "30", "0s", "1y", "0%", "100%", "101%",
    "1%", "50%", "30s", "ftp://x.example", "https://me@x.example/", "https://x.example/#part", "https:///", "sk-secret", "env:key",
    "2026-13", "31.12.2026", "2026-12-31", "cutover", "canary", "suspend", "read_only", "never", "other", [], ["a", "a"], ["a"],
    {}, {"no_such_field": 1}, {"read_only": {"model": "atlas"}, "suspend": {}},
)  # fmt: skip
"""What is put in the place of every value of these documents."""

ONLY_THE_READER_REFUSES = {("routes.0.canary.steps.0", "50%"), ("routes.0.canary.steps.1", "1%")}
"""No schema of draft 7 can say that a list rises."""


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where every value of a document stands."""
    if path:
        yield path
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from places(inner, (*path, place))


def put(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    around = changed
    for part in path[:-1]:
        around = around[part]
    around[path[-1]] = value
    return changed


def left_out(document: Any, path: tuple[str | int, ...]) -> Any:
    changed = put(document, path, None)
    around = changed
    for part in path[:-1]:
        around = around[part]
    del around[path[-1]]
    return changed


def renamed(document: Any, path: tuple[str | int, ...], name: str) -> Any:
    changed = left_out(document, path)
    around, value = changed, document
    for part in path[:-1]:
        around = around[part]
    for part in path:
        value = value[part]
    around[name] = value
    return changed


def reads(kind: str, document: Any) -> bool:
    return not isinstance(parse(Source("it.yaml", document, {(): Place(1, 1)}), KINDS[kind]), list)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_and_the_reader_take_and_refuse_the_same_values(kind: str) -> None:
    document, schema = plain(FULL[kind]), judge(kind)
    assert reads(kind, document)
    assert schema.is_valid(document)
    tried = [(path, value, put(document, path, value)) for path in places(document) for value in WRONG]
    tried += [(path, "left out", left_out(document, path)) for path in places(document)]
    named = [path for path in places(document) if isinstance(path[-1], str)]
    tried += [(path, name, renamed(document, path, name)) for path in named for name in ("Atlas", "guard@x", "birch")]
    differ = {
        (".".join(map(str, path)), str(value))
        for path, value, changed in tried
        if reads(kind, changed) is not schema.is_valid(changed)
    }
    assert differ == (ONLY_THE_READER_REFUSES if kind == "policy" else set())
