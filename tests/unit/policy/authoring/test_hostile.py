"""Whatever stands in a document, the answer is a policy or problems with their mend: never an exception."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from interlock.policy.authoring.check import check, forbids
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.document import parse
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.problems import FieldPath, Problem
from interlock.policy.authoring.registry import RegistryDocument, registrations
from interlock.policy.authoring.source import Source, read
from interlock.testing.builders import NOW

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**14,
    0.5,
    "",
    "*",
    "guard@x",
    "x" * 81,
    "\u202e",
    "100%",
    "0s",
    "never",
    [],
    {},
    [[]],
)

MORE = """\
    evidence_level: 1
    needs: {context_tokens: 1000, modalities: [text], outputs: [json], tools: [search]}
    cost_ceiling: 5.0
    guards: [guardrail-1]
    canary: {steps: [5%, 50%], calls_min: 9, time_min: 1s, wait_max: 1m}
    approval: {within: 30m, ticket: true}
"""
TRIGGERS = """\
      quality: {truth: {below: 0.8, for: 5m, mode: canary}}
      refusals: {above: 10%, for: 5m, mode: suspend}
      cost: {usd_per_hour_above: 12, for: 10m, tolerated: true}
      credential: {for: 0s}
"""


def changed(data: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Any]]:
    """Every place of a document, each with every hostile value in it, and each taken away."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from (((*path, key), hostile) for hostile in HOSTILE)
        yield from changed(value, (*path, key))


def put(data: Any, path: FieldPath, value: Any) -> Any:
    whole = deepcopy(data)
    place = whole
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return whole


def told(found: object) -> bool:
    """Whether the answer is a list of problems, each with its mend."""
    return isinstance(found, list) and bool(found) and all(isinstance(p, Problem) and p.mend and p.line for p in found)


@pytest.mark.parametrize("safe_state", ["suspend", "{read_only: {model: birch}}", "{templated_reply: {text: Wait.}}"])
def test_no_value_anywhere_in_a_policy_is_more_than_a_problem(
    draft_of: Callable[..., Draft | list[Problem]], policy_text: str, safe_state: str
) -> None:
    text = policy_text.replace("    grace:", f"{MORE}    grace:").replace("    blind:", f"{TRIGGERS}    blind:")
    draft = draft_of(text.replace("safe_state: suspend", f"safe_state: {safe_state}"))
    assert isinstance(draft, Draft), draft
    outcomes = set()
    for path, value in changed(draft.source.data):
        source = replace(draft.source, data=put(draft.source.data, path, value))
        document = parse(source, PolicyDocument)
        if isinstance(document, PolicyDocument):
            made = replace(draft, source=source, document=document)
            policy = compile_policy(made, NOW)
            found = policy if isinstance(policy, list) else check(made, policy, NOW)
            outcomes.add("problem" if forbids(found) else "compiled")
            assert not found or told(found), (path, value)
        else:
            assert told(document), (path, value)
            outcomes.add("refused")
    assert outcomes == {"compiled", "problem", "refused"}


def test_no_value_anywhere_in_the_registry_is_more_than_a_problem(registry_text: str) -> None:
    source = read(registry_text, "registry.yaml")
    assert isinstance(source, Source)
    for path, value in changed(source.data):
        document = parse(replace(source, data=put(source.data, path, value)), RegistryDocument)
        if isinstance(document, RegistryDocument):
            assert registrations(document, "testbed", NOW)
        else:
            assert told(document), (path, value)
