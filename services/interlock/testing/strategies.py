"""Any record of any class, for Hypothesis: built from the type hints of the dataclasses, inside the bounds that they set.

    @given(anything(Verdict))
    def test_…(verdict): …

Needs `hypothesis`, which is installed with `interlock[dev]`.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from interlock.records.codec import CLASS_OF
from interlock.records.commands import Command
from interlock.records.documents import Denial, RoutePolicy, RouteRule, TriggerRule
from interlock.records.health import Cell, TelemetryBatch, Verdict
from interlock.records.models import Model
from interlock.records.state import RouteEntry, VerdictEntry
from interlock.signing.trust import TrustRoot
from interlock.testing.builders import Deployment
from interlock.vocabulary.limits import CALLS_MAX, DURATION_US_MAX, MOMENT_US_MAX, SKETCH_BUCKETS_MAX
from interlock.vocabulary.time import Micros

CLASSES: tuple[type[Any], ...] = (*CLASS_OF.values(), RouteEntry, VerdictEntry)
"""Every class that has a schema of its own, but for the envelope."""

names = st.from_regex(r"[a-z0-9][a-z0-9._@-]{0,9}", fullmatch=True)
scopes = names | st.just("*")
texts = st.text(max_size=9)

_versions = st.integers(1, 2**63 - 1)
_counts = st.integers(0, CALLS_MAX)
_places = st.integers(1 - SKETCH_BUCKETS_MAX, SKETCH_BUCKETS_MAX - 1)
_BOUNDED: Mapping[tuple[type[Any], str], st.SearchStrategy[Any]] = {
    (Model, "name"): names,
    (TriggerRule, "threshold"): st.floats(0, 1e300),
    (RouteRule, "slot"): names,
    (RouteRule, "scope"): scopes,
    (RoutePolicy, "agent"): names,
    (RoutePolicy, "version"): _versions,
    (Denial, "id"): names,
    (Denial, "model"): names,
    (Command, "id"): names,
    (Command, "agent"): scopes,
    (Command, "model"): names,
    (Cell, "outcomes"): st.dictionaries(texts, _counts, max_size=3),
    (Cell, "models_named"): st.dictionaries(texts, _counts, max_size=3),
    (Cell, "latency"): st.dictionaries(_places, _counts, max_size=3),
    (Cell, "first_token"): st.dictionaries(_places, _counts, max_size=3),
    (TelemetryBatch, "reporter"): names,
    (TelemetryBatch, "model"): names,
    (Verdict, "model"): names,
    (Verdict, "scope"): scopes,
}
_SIMPLE: Mapping[Any, st.SearchStrategy[Any]] = {
    str: texts,
    bytes: st.binary(max_size=9),
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31 - 1),
    types.NoneType: st.none(),
}


@cache
def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Any record of a class; a trust root differs from the test deployment's in version and audience only."""
    if kind is TrustRoot:
        root = Deployment().root
        return st.builds(lambda version, name: replace(root, version=version, deployment=name), _versions, texts)
    hints = get_type_hints(kind)
    parts = {field.name: _part(kind, field.name, hints[field.name]) for field in fields(kind)}
    if kind is RouteRule:
        parts["ladder"] = _some(hints["ladder"], lambda rung: rung.model.name)
    if kind is RoutePolicy:
        parts["routes"] = _some(hints["routes"], lambda rule: (rule.slot, rule.scope))
        parts["notify"] = _some(hints["notify"], lambda webhook: webhook)
    return st.builds(kind, **parts)


def _some(hint: Any, key: Callable[[Any], Any]) -> st.SearchStrategy[Any]:
    return st.lists(anything(get_args(hint)[0]), min_size=1, max_size=3, unique_by=key).map(tuple)


def _part(kind: Any, name: str, hint: Any) -> st.SearchStrategy[Any]:
    bounded = _BOUNDED.get((kind, name))
    return _value(hint, name) if bounded is None else bounded


def _value(hint: Any, name: str = "") -> st.SearchStrategy[Any]:
    if hint is Micros:
        return st.integers(0, DURATION_US_MAX if name.endswith("_us") else MOMENT_US_MAX)
    if get_origin(hint) is tuple:
        return st.lists(_value(get_args(hint)[0]), max_size=3).map(tuple)
    if get_origin(hint) is types.UnionType:
        return st.one_of(*(_value(part) for part in get_args(hint)))
    if isinstance(hint, type) and is_dataclass(hint):
        return anything(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return _SIMPLE[hint]
