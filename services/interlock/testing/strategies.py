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
from interlock.records.commands import ROUTE_VERBS, Command
from interlock.records.documents import Denial, Departure, RoutePolicy
from interlock.records.health import Cell, GuardBeat, TelemetryBatch, Verdict
from interlock.records.models import Capability, DataHandling, Evidence, Identity, Model, Registration
from interlock.records.rules import CanaryPlan, Mode, RouteRule, SafeReply, SafeState, TriggerRule, WatchedTrigger
from interlock.records.state import (
    AnswerEntry,
    Canary,
    ClimbsEntry,
    HistoryEntry,
    ReviewEntry,
    RouteEntry,
    VerdictEntry,
)
from interlock.signing.trust import TrustRoot
from interlock.testing.builders import TRIGGERS, Deployment
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.limits import (
    ASSURANCE_MAX,
    CALLS_MAX,
    CANARY_STEPS_MAX,
    DURATION_US_MAX,
    EVIDENCE_LEVEL_MAX,
    FLAPS_MAX,
    INTEGRITY_MAX,
    MOMENT_US_MAX,
    ROUTE_VERSION_MAX,
    SKETCH_BUCKETS_MAX,
    VERDICT_VALID_US_MAX,
)
from interlock.vocabulary.time import Micros

CLASSES: tuple[type[Any], ...] = (
    *CLASS_OF.values(),
    RouteEntry,
    VerdictEntry,
    AnswerEntry,
    ReviewEntry,
    HistoryEntry,
    ClimbsEntry,
)
"""Every class that has a schema of its own, but for the envelope."""

names = st.from_regex(r"[a-z0-9][a-z0-9._@-]{0,9}", fullmatch=True)
scopes = names | st.just("*")
texts = st.text(max_size=9)

_versions = st.integers(1, 2**63 - 1)
_amounts = st.floats(0, 1e300)
_levels = st.integers(0, EVIDENCE_LEVEL_MAX)
_counts = st.integers(0, CALLS_MAX)
_places = st.integers(1 - SKETCH_BUCKETS_MAX, SKETCH_BUCKETS_MAX - 1)
_BOUNDED: Mapping[tuple[type[Any], str], st.SearchStrategy[Any]] = {
    (Model, "name"): names,
    (Model, "integrity"): st.integers(0, INTEGRITY_MAX),
    (Model, "usd_per_mtok"): _amounts,
    (Identity, "assurance"): st.integers(0, ASSURANCE_MAX),
    (DataHandling, "retention_days"): _counts,
    (Capability, "context_tokens"): _counts,
    (Registration, "version"): _versions,
    (Evidence, "capability_boundaries"): _levels,
    (Evidence, "safety"): _levels,
    (Evidence, "governance_compliance"): _levels,
    (TriggerRule, "threshold"): _amounts,
    (TriggerRule, "metric"): names,
    (CanaryPlan, "steps"): st.sets(st.integers(1, 99), min_size=1, max_size=3).map(lambda steps: tuple(sorted(steps))),
    (CanaryPlan, "calls_min"): _versions,
    (RouteRule, "slot"): names,
    (RouteRule, "scope"): scopes,
    (RouteRule, "evidence_level"): st.integers(1, EVIDENCE_LEVEL_MAX),
    (RouteRule, "cost_ceiling"): st.none() | _amounts,
    (RouteRule, "guards"): st.lists(names, max_size=2).map(tuple),
    (Departure, "demand"): names,
    (Departure, "because"): st.text(min_size=1, max_size=9),
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
    (GuardBeat, "guard"): names,
    (Canary, "step"): st.integers(0, CANARY_STEPS_MAX - 1),
    (RouteEntry, "version"): st.integers(0, ROUTE_VERSION_MAX - 1),
    (RouteEntry, "flaps"): st.integers(0, FLAPS_MAX),
}
_SIMPLE: Mapping[Any, st.SearchStrategy[Any]] = {
    str: texts,
    float: _amounts,
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
        parts["departures"] = _some(hints["departures"], lambda departure: departure.demand) | st.just(())
    return st.fixed_dictionaries(parts).map(lambda drawn: kind(**{**drawn, **_settled(kind, drawn)}))


def _settled(kind: Any, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that must agree with others of the same record."""
    if kind is TriggerRule:
        metric = drawn["metric"] if drawn["trigger"] is WatchedTrigger.QUALITY else ""
        mode = Mode.SUSPEND if drawn["trigger"] is WatchedTrigger.REFUSALS else drawn["mode"]
        return {"metric": metric, "mode": mode}
    if kind is CanaryPlan:
        shorter, longer = sorted((drawn["time_min_us"], drawn["wait_max_us"]))
        return {"time_min_us": shorter, "wait_max_us": max(longer, 1)}
    if kind is RouteRule:
        return {"triggers": (TRIGGERS[0], *drawn["triggers"]), "safe_reply": _reply(drawn)}
    if kind is Verdict:
        return {"valid_until": min(drawn["valid_until"], drawn["issued_at"] + VERDICT_VALID_US_MAX)}
    if kind is Command and drawn["verb"] in ROUTE_VERBS:
        agent = "support" if drawn["agent"] == ANY else drawn["agent"]
        return {"agent": agent, "route": drawn["route"] and f"{agent}/main/*"}
    return {}


def _reply(drawn: Mapping[str, Any]) -> SafeReply:
    """What the safe state of a rule needs."""
    if drawn["safe_state"] is SafeState.READ_ONLY:
        return SafeReply(model=drawn["ladder"][-1].model.name)
    if drawn["safe_state"] is SafeState.TEMPLATED_REPLY:
        return SafeReply(text="A person will answer.")
    reply: SafeReply = drawn["safe_reply"]
    return reply


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
