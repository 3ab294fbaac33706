"""How broad a model is: a partial order for every dimension, and what it means to replace one model by another.

A fallback must be equal to or narrower than the primary *and* than its predecessor on the ladder, in every dimension: with the
primary alone as the bound, a second fallback could still be broader than the model it replaces. What a model can do or reach may
only shrink; what protects (assurance, clearance, approvals, safety integrity) may only grow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from interlock.records.change import Delta
from interlock.records.models import Model
from interlock.records.rules import Needs, Rung
from interlock.vocabulary.reasons import Reason

Extent = frozenset[str] | int
"""A set, ordered by inclusion, or a rank."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of the lattice.

    Attributes:
        name: As it stands in checks and deltas.
        broader: The reason where a model exceeds its bound.
        extent: What a model can do or reach, or how well it is protected.
        protects: Whether more is better: then a model must have at least what its bound has.
    """

    name: str
    broader: Reason
    extent: Callable[[Model], Extent]
    protects: bool = False

    def within(self, model: Model, bound: Model) -> bool:
        """Whether a model is equal to or narrower than its bound."""
        low, high = (bound, model) if self.protects else (model, bound)
        return at_most(self.extent(low), self.extent(high))


def at_most(low: Extent, high: Extent) -> bool:
    """The order of a dimension: inclusion of sets, or ranks."""
    if isinstance(low, int) and isinstance(high, int):
        return low <= high
    return isinstance(low, frozenset) and isinstance(high, frozenset) and low <= high


def _rank(value: StrEnum) -> int:
    """The place of a member in its enumeration: the narrowest comes first."""
    return list(type(value)).index(value)


DIMENSIONS = (
    Dimension("tools", Reason.BROADER_TOOLS, lambda model: frozenset(model.capability.tools)),
    Dimension("code_execution", Reason.BROADER_CODE_EXECUTION, lambda model: int(model.capability.code_execution)),
    Dimension("network", Reason.BROADER_NETWORK, lambda model: _rank(model.capability.network)),
    Dimension("modalities", Reason.BROADER_MODALITIES, lambda model: frozenset(model.capability.modalities)),
    Dimension("context", Reason.BROADER_CONTEXT, lambda model: model.capability.context_tokens),
    Dimension("outputs", Reason.BROADER_OUTPUTS, lambda model: frozenset(model.capability.outputs)),
    Dimension("autonomy", Reason.BROADER_AUTONOMY, lambda model: _rank(model.capability.autonomy)),
    Dimension("scopes", Reason.BROADER_SCOPES, lambda model: frozenset(model.identity.scopes)),
    Dimension("assurance", Reason.WEAKER_ASSURANCE, lambda model: model.identity.assurance, protects=True),
    Dimension("data classes", Reason.WEAKER_DATA_CLASSES, lambda model: frozenset(model.data.classes), protects=True),
    Dimension("regions", Reason.BROADER_REGIONS, lambda model: frozenset(model.data.regions)),
    Dimension("retention", Reason.BROADER_RETENTION, lambda model: model.data.retention_days),
    Dimension("logging", Reason.BROADER_LOGGING, lambda model: _rank(model.data.logging)),
    Dimension("approvals", Reason.WEAKER_APPROVALS, lambda model: frozenset(model.approvals), protects=True),
    Dimension("integrity", Reason.WEAKER_INTEGRITY, lambda model: model.integrity, protects=True),
)

_SHOWN: tuple[tuple[str, Callable[[Model], object]], ...] = (
    ("tools", lambda model: frozenset(model.capability.tools)),
    ("code_execution", lambda model: model.capability.code_execution),
    ("network", lambda model: model.capability.network),
    ("modalities", lambda model: frozenset(model.capability.modalities)),
    ("context", lambda model: f"{model.capability.context_tokens} tokens"),
    ("outputs", lambda model: frozenset(model.capability.outputs)),
    ("autonomy", lambda model: model.capability.autonomy),
    ("determinism", lambda model: "deterministic" if model.capability.deterministic else "not deterministic"),
    ("identity", lambda model: model.identity.id),
    ("scopes", lambda model: frozenset(model.identity.scopes)),
    ("assurance", lambda model: model.identity.assurance),
    ("data classes", lambda model: frozenset(model.data.classes)),
    ("regions", lambda model: frozenset(model.data.regions)),
    ("retention", lambda model: f"{model.data.retention_days} d"),
    ("logging", lambda model: model.data.logging),
    ("approvals", lambda model: frozenset(model.approvals)),
    ("integrity", lambda model: model.integrity),
    ("provider", lambda model: model.provider),
    ("intermediaries", lambda model: model.intermediaries),
)
"""What a reader is told where two models differ in it. Sets are compared as sets: a name may hold the comma that lists are told with."""

_MATERIAL = frozenset(
    {
        "identity",
        "tools",
        "code_execution",
        "determinism",
        "data classes",
        "regions",
        "retention",
        "logging",
        "intermediaries",
    }
)
"""Rule 7: other identity, data handling, tools or determinism. Who stands in between handles the data, too."""


def lacking(model: Model, needs: Needs) -> Iterator[str]:
    """What the task needs and the model does not have, in words."""
    has = model.capability
    if has.context_tokens < needs.context_tokens:
        yield f"a context window of {needs.context_tokens} tokens"
    for what, wanted, given in (
        ("input", needs.modalities, has.modalities),
        ("output", needs.outputs, has.outputs),
        ("tool", needs.tools, has.tools),
    ):
        yield from (f"{what} {name}" for name in sorted(set(wanted) - set(given)))


def deltas(source: Model, target: Model) -> tuple[Delta, ...]:
    """Every difference of two models that a reader of a routing change should know."""
    pairs = ((name, part(source), part(target)) for name, part in _SHOWN)
    return tuple(Delta(name, _told(before), _told(after)) for name, before, after in pairs if before != after)


def material(primary: Rung, target: Rung) -> tuple[str, ...]:
    """What makes using the target instead of the primary a material change; empty: it is none."""
    declared = () if target.equivalent else ("declared not equivalent",)
    changed = (delta.dimension for delta in deltas(primary.model, target.model) if delta.dimension in _MATERIAL)
    return (*declared, *changed)


def _told(value: object) -> str:
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(value) if isinstance(value, frozenset) else value) or "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
