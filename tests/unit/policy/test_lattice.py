from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.policy.lattice import DIMENSIONS, Dimension, at_most, deltas, lacking, material
from interlock.records.change import Delta
from interlock.records.models import Autonomy, Logging, Model, Network
from interlock.records.rules import Needs, Rung
from interlock.testing.builders import model
from interlock.testing.strategies import anything
from interlock.vocabulary.reasons import Reason

SETS = [tuple(chosen) for size in range(4) for chosen in combinations(("a", "b", "c"), size)]
NETWORKS = [Network.NONE, Network.INTERNAL, Network.INTERNET]
AUTONOMIES = [Autonomy.SUGGEST, Autonomy.ACT_WITH_APPROVAL, Autonomy.ACT]
LOGGINGS = [Logging.NONE, Logging.METADATA, Logging.CONTENT, Logging.TRAINING]


@dataclass(frozen=True)
class Axis:
    """DESIGN 5, rule 1, copied by hand: where a dimension stands in a model, and its values, ranks the narrowest first."""

    part: str
    field: str
    values: list[Any]
    broader: Reason
    protects: bool = False

    def models(self) -> list[Model]:
        """One model for each value, alike in everything else."""
        return [self.having(value) for value in self.values]

    def having(self, value: Any) -> Model:
        changed = {self.field: value}
        return model("atlas", **({self.part: changed} if self.part else changed))

    def within(self, mine: Any, bound: Any) -> bool:
        low, high = (bound, mine) if self.protects else (mine, bound)
        if isinstance(low, tuple):
            return set(low) <= set(high)
        return self.values.index(low) <= self.values.index(high)


AXES = {
    "tools": Axis("capability", "tools", SETS, Reason.BROADER_TOOLS),
    "code_execution": Axis("capability", "code_execution", [False, True], Reason.BROADER_CODE_EXECUTION),
    "network": Axis("capability", "network", NETWORKS, Reason.BROADER_NETWORK),
    "modalities": Axis("capability", "modalities", SETS, Reason.BROADER_MODALITIES),
    "context": Axis("capability", "context_tokens", [0, 1, 8_000, 128_000], Reason.BROADER_CONTEXT),
    "outputs": Axis("capability", "outputs", SETS, Reason.BROADER_OUTPUTS),
    "autonomy": Axis("capability", "autonomy", AUTONOMIES, Reason.BROADER_AUTONOMY),
    "scopes": Axis("identity", "scopes", SETS, Reason.BROADER_SCOPES),
    "assurance": Axis("identity", "assurance", [0, 1, 2, 3, 4], Reason.WEAKER_ASSURANCE, protects=True),
    "data classes": Axis("data", "classes", SETS, Reason.WEAKER_DATA_CLASSES, protects=True),
    "regions": Axis("data", "regions", SETS, Reason.BROADER_REGIONS),
    "retention": Axis("data", "retention_days", [0, 1, 30], Reason.BROADER_RETENTION),
    "logging": Axis("data", "logging", LOGGINGS, Reason.BROADER_LOGGING),
    "approvals": Axis("", "approvals", SETS, Reason.WEAKER_APPROVALS, protects=True),
    "integrity": Axis("", "integrity", [0, 1, 2, 3, 4], Reason.WEAKER_INTEGRITY, protects=True),
}
BY_NAME = {dimension.name: dimension for dimension in DIMENSIONS}
ATLAS = model("atlas")
by_dimension = pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: dimension.name)


def within(one: Model, other: Model) -> bool:
    return all(dimension.within(one, other) for dimension in DIMENSIONS)


# The order.


def test_the_dimensions_are_these_each_with_a_reason_of_its_own():
    assert {dimension.name: dimension.broader for dimension in DIMENSIONS} == {
        name: axis.broader for name, axis in AXES.items()
    }
    assert len({dimension.broader for dimension in DIMENSIONS}) == len(DIMENSIONS)


@by_dimension
def test_a_dimension_is_ordered_as_the_design_says(dimension: Dimension):
    axis = AXES[dimension.name]
    for mine, bound in product(axis.values, repeat=2):
        assert dimension.within(axis.having(mine), axis.having(bound)) == axis.within(mine, bound)


@by_dimension
def test_every_dimension_is_a_partial_order(dimension: Dimension):
    models = AXES[dimension.name].models()
    for one in models:
        assert dimension.within(one, one)
    for one, other in product(models, repeat=2):
        assert one == other or not (dimension.within(one, other) and dimension.within(other, one))
    for one, middle, other in product(models, repeat=3):
        assert dimension.within(one, other) or not (dimension.within(one, middle) and dimension.within(middle, other))


@by_dimension
def test_a_dimension_is_judged_alone(dimension: Dimension):
    for one, other in product(AXES[dimension.name].models(), repeat=2):
        assert all(unrelated.within(one, other) for unrelated in DIMENSIONS if unrelated is not dimension)


@settings(max_examples=150)
@given(anything(Model), anything(Model))
def test_whatever_two_models_are_the_order_answers_and_each_is_within_itself(one: Model, other: Model):
    assert within(one, one)
    if within(one, other) and within(other, one):
        assert all(dimension.extent(one) == dimension.extent(other) for dimension in DIMENSIONS)


def test_the_order_and_the_repetition_of_names_mean_nothing():
    mixed, sorted_ = AXES["tools"].having(("b", "a", "b")), AXES["tools"].having(("a", "b"))
    assert within(mixed, sorted_)
    assert within(sorted_, mixed)
    assert deltas(mixed, sorted_) == ()


def test_a_set_and_a_rank_cannot_be_compared_so_neither_is_within_the_other():
    assert not at_most(frozenset(), 1)
    assert not at_most(0, frozenset("a"))


# What the task needs.

NEEDS: dict[str, tuple[Needs, list[str]]] = {
    "nothing": (Needs(), []),
    "what it has": (Needs(128_000, ("text",), ("json", "text"), ("search",)), []),
    "a larger window": (Needs(context_tokens=128_001), ["a context window of 128001 tokens"]),
    "another input": (Needs(modalities=("text", "image")), ["input image"]),
    "another output": (Needs(outputs=("audio", "json")), ["output audio"]),
    "another tool": (Needs(tools=("search", "pay")), ["tool pay"]),
    "all of it": (
        Needs(200_000, ("video", "image"), ("audio",), ("pay",)),
        ["a context window of 200000 tokens", "input image", "input video", "output audio", "tool pay"],
    ),
}


@pytest.mark.parametrize("what", NEEDS)
def test_what_the_task_needs_and_the_model_lacks_is_said_in_words(what: str):
    needs, missing = NEEDS[what]
    assert list(lacking(ATLAS, needs)) == missing


# Differences, and which of them are material.

CHANGED: dict[str, tuple[dict[str, Any], list[Delta], bool]] = {
    "nothing": ({}, [], False),
    "tools": ({"tools": ("pay", "search")}, [Delta("tools", "search", "pay, search")], True),
    "no tools": ({"tools": ()}, [Delta("tools", "search", "none")], True),
    "code": ({"capability": {"code_execution": True}}, [Delta("code_execution", "no", "yes")], True),
    "determinism": (
        {"capability": {"deterministic": True}},
        [Delta("determinism", "not deterministic", "deterministic")],
        True,
    ),
    "identity": ({"identity": {"id": "spiffe://o"}}, [Delta("identity", "spiffe://test/agent", "spiffe://o")], True),
    "data classes": ({"data": {"classes": ()}}, [Delta("data classes", "internal", "none")], True),
    "regions": ({"data": {"regions": ("us",)}}, [Delta("regions", "eu", "us")], True),
    "retention": ({"data": {"retention_days": 30}}, [Delta("retention", "0 d", "30 d")], True),
    "logging": ({"data": {"logging": Logging.NONE}}, [Delta("logging", "metadata", "none")], True),
    "intermediaries": ({"intermediaries": ("x", "a")}, [Delta("intermediaries", "none", "x, a")], True),
    "network": ({"capability": {"network": Network.NONE}}, [Delta("network", "internal", "none")], False),
    "modalities": ({"capability": {"modalities": ()}}, [Delta("modalities", "text", "none")], False),
    "context": ({"capability": {"context_tokens": 1}}, [Delta("context", "128000 tokens", "1 tokens")], False),
    "outputs": ({"capability": {"outputs": ("text",)}}, [Delta("outputs", "json, text, tool_calls", "text")], False),
    "autonomy": (
        {"capability": {"autonomy": Autonomy.SUGGEST}},
        [Delta("autonomy", "act_with_approval", "suggest")],
        False,
    ),
    "scopes": ({"identity": {"scopes": ()}}, [Delta("scopes", "models.call", "none")], False),
    "assurance": ({"identity": {"assurance": 3}}, [Delta("assurance", "2", "3")], False),
    "approvals": ({"approvals": ("mdr",)}, [Delta("approvals", "none", "mdr")], False),
    "integrity": ({"integrity": 2}, [Delta("integrity", "0", "2")], False),
    "provider": ({"provider": "other"}, [Delta("provider", "atlas-works", "other")], False),
    "endpoint": ({"endpoint": "http://127.0.0.1:10/v1"}, [], False),
    "price": ({"usd_per_mtok": 9.0}, [], False),
}


def rung(subject: Model, *, equivalent: bool = True) -> Rung:
    return Rung(subject, "oscar", b"", equivalent=equivalent)


@pytest.mark.parametrize("what", CHANGED)
def test_a_difference_is_told_and_judged_material_or_not(what: str):
    changed, told, is_material = CHANGED[what]
    other = model("atlas", **changed)
    assert list(deltas(ATLAS, other)) == told
    assert material(rung(ATLAS), rung(other)) == (tuple(delta.dimension for delta in told) if is_material else ())


def test_every_dimension_is_told_where_two_models_differ_in_it():
    for name, axis in AXES.items():
        first, *_, last = axis.models()
        assert name in {delta.dimension for delta in deltas(first, last)}


def test_a_rung_that_was_declared_not_equivalent_is_material_whatever_it_is():
    declared = "declared not equivalent"
    assert material(rung(ATLAS), rung(ATLAS, equivalent=False)) == (declared,)
    assert material(rung(ATLAS), rung(model("atlas", tools=()), equivalent=False)) == (declared, "tools")
    assert material(rung(ATLAS, equivalent=False), rung(ATLAS)) == ()


def test_a_name_with_a_comma_hides_no_difference():
    one, two = AXES["tools"].having(("a, b",)), AXES["tools"].having(("a", "b"))
    assert deltas(one, two) == (Delta("tools", "a, b", "a, b"),)
    assert material(rung(one), rung(two)) == ("tools",)


@settings(max_examples=100)
@given(st.data())
def test_where_an_extent_differs_a_difference_is_told(data: st.DataObject):
    one, other = data.draw(anything(Model)), data.draw(anything(Model))
    told = {delta.dimension for delta in deltas(one, other)}
    assert told >= {dimension.name for dimension in DIMENSIONS if dimension.extent(one) != dimension.extent(other)}
    assert deltas(one, one) == ()
