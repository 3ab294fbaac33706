"""How broad a model is: one partial order for every dimension, set inclusion.

A fallback must be equal to or narrower than the primary *and* than its predecessor on the ladder, in every dimension: with the
primary alone as the bound, a second fallback could still be broader than the model it replaces.
"""

from collections.abc import Callable
from dataclasses import dataclass

from interlock.records.change import Delta
from interlock.records.documents import Model
from interlock.vocabulary.reasons import Reason


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of the lattice.

    Attributes:
        name: As it stands in checks and deltas.
        broader: The reason where a model exceeds its bound.
        extent: What a model can do or reach in this dimension.
    """

    name: str
    broader: Reason
    extent: Callable[[Model], frozenset[str]]


DIMENSIONS = (
    Dimension("tools", Reason.BROADER_TOOLS, lambda model: frozenset(model.tools)),
    Dimension(
        "code_execution",
        Reason.BROADER_CODE_EXECUTION,
        lambda model: frozenset({"yes"} if model.code_execution else ()),
    ),
    Dimension("scopes", Reason.BROADER_SCOPES, lambda model: frozenset(model.scopes)),
    Dimension("regions", Reason.BROADER_REGIONS, lambda model: frozenset(model.regions)),
)


def excess(dimension: Dimension, model: Model, bound: Model) -> frozenset[str]:
    """What a model has beyond its bound in one dimension; empty: it is equal or narrower."""
    return dimension.extent(model) - dimension.extent(bound)


def deltas(source: Model, target: Model) -> tuple[Delta, ...]:
    """Every difference of two models that a reader of a routing change should know."""
    found = [
        Delta(dimension.name, _text(dimension.extent(source)), _text(dimension.extent(target)))
        for dimension in DIMENSIONS
        if dimension.extent(source) != dimension.extent(target)
    ]
    if source.identity != target.identity:
        found.append(Delta("identity", source.identity, target.identity))
    if source.provider != target.provider:
        found.append(Delta("provider", source.provider, target.provider))
    return tuple(found)


def material(primary: Model, target: Model) -> bool:
    """Whether using the target instead of the primary is a material change: other tools, identity or data handling."""
    return any(
        delta.dimension in {"tools", "code_execution", "identity", "regions"} for delta in deltas(primary, target)
    )


def _text(extent: frozenset[str]) -> str:
    return ", ".join(sorted(extent)) or "none"
