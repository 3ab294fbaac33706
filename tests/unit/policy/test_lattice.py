from dataclasses import replace
from itertools import chain, combinations, product
from typing import Any

import pytest

from interlock.policy.lattice import DIMENSIONS, Dimension, deltas, excess, material
from interlock.records.change import Delta
from interlock.records.models import Model
from interlock.testing.builders import model
from interlock.vocabulary.reasons import Reason

ATLAS = model("atlas")
FIELDS: dict[str, list[Any]] = {
    "tools": [(), ("a",), ("b",), ("b", "a")],
    "code_execution": [False, True],
    "scopes": [(), ("a",), ("b",), ("b", "a")],
    "regions": [(), ("a",), ("b",), ("b", "a")],
}
"""For each dimension, every extent of a small world."""
NARROWER = {
    "tools": Reason.BROADER_TOOLS,
    "code_execution": Reason.BROADER_CODE_EXECUTION,
    "scopes": Reason.BROADER_SCOPES,
    "regions": Reason.BROADER_REGIONS,
}
by_dimension = pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: dimension.name)


def models(name: str) -> list[Model]:
    """One model for each extent of a dimension."""
    return [replace(ATLAS, **{name: value}) for value in FIELDS[name]]


def within(one: Model, other: Model) -> bool:
    return not any(excess(dimension, one, other) for dimension in DIMENSIONS)


def extents(one: Model) -> list[frozenset[str]]:
    return [dimension.extent(one) for dimension in DIMENSIONS]


def test_the_dimensions_are_these_each_with_a_reason_of_its_own():
    assert {dimension.name: dimension.broader for dimension in DIMENSIONS} == NARROWER


@by_dimension
def test_every_model_is_within_itself(dimension: Dimension):
    assert all(within(one, one) for one in models(dimension.name))


@by_dimension
def test_two_models_within_each_other_have_the_same_extent(dimension: Dimension):
    for one, other in product(models(dimension.name), repeat=2):
        if within(one, other) and within(other, one):
            assert extents(one) == extents(other)


@by_dimension
def test_what_is_within_a_model_is_within_whatever_that_one_is_within(dimension: Dimension):
    for one, middle, other in product(models(dimension.name), repeat=3):
        if within(one, middle) and within(middle, other):
            assert within(one, other)


@by_dimension
def test_a_dimension_is_judged_alone(dimension: Dimension):
    for one, other in product(models(dimension.name), repeat=2):
        for unrelated in DIMENSIONS:
            if unrelated is not dimension:
                assert not excess(unrelated, one, other)


@pytest.mark.parametrize("name", ["tools", "scopes", "regions"])
def test_a_set_is_within_another_exactly_if_it_is_a_subset(name: str):
    [dimension] = [dimension for dimension in DIMENSIONS if dimension.name == name]
    world = ("a", "b", "c")
    subsets = list(chain.from_iterable(combinations(world, size) for size in range(4)))
    for one, other in product(subsets, repeat=2):
        beyond = excess(dimension, replace(ATLAS, **{name: one}), replace(ATLAS, **{name: other}))
        assert beyond == {item for item in world if item in one and item not in other}


def test_executing_code_is_broader_than_not_executing_it():
    [dimension] = [dimension for dimension in DIMENSIONS if dimension.name == "code_execution"]
    yes, no = replace(ATLAS, code_execution=True), replace(ATLAS, code_execution=False)
    assert excess(dimension, yes, no)
    assert not excess(dimension, no, yes)


def test_all_dimensions_together_make_one_partial_order():
    world = [
        replace(ATLAS, **dict(zip(FIELDS, values, strict=True)))
        for values in product([(), ("a",)], [False, True], [(), ("a",)], [(), ("a",)])
    ]
    for one, other in product(world, repeat=2):
        assert within(one, other) == all(
            mine <= theirs for mine, theirs in zip(extents(one), extents(other), strict=True)
        )
    for one, middle, other in product(world, repeat=3):
        assert within(one, other) or not (within(one, middle) and within(middle, other))


def test_the_order_and_the_repetition_of_names_mean_nothing():
    assert within(replace(ATLAS, tools=("b", "a", "b")), replace(ATLAS, tools=("a", "b")))


CHANGED: dict[str, tuple[dict[str, Any], list[Delta], bool]] = {
    "nothing": ({}, [], False),
    "tools": ({"tools": ("pay", "search")}, [Delta("tools", "search", "pay, search")], True),
    "no tools": ({"tools": ()}, [Delta("tools", "search", "none")], True),
    "code execution": ({"code_execution": True}, [Delta("code_execution", "none", "yes")], True),
    "scopes": ({"scopes": ()}, [Delta("scopes", "models.call", "none")], False),
    "regions": ({"regions": ("us",)}, [Delta("regions", "eu", "us")], True),
    "identity": ({"identity": "spiffe://test/other"}, [Delta("identity", ATLAS.identity, "spiffe://test/other")], True),
    "provider": ({"provider": "other"}, [Delta("provider", "atlas-works", "other")], False),
    "endpoint": ({"endpoint": "http://127.0.0.1:10/v1"}, [], False),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_difference_is_told_and_judged_material_or_not(what: str):
    changed, told, is_material = CHANGED[what]
    other = replace(ATLAS, **changed)
    assert list(deltas(ATLAS, other)) == told
    assert material(ATLAS, other) is is_material
