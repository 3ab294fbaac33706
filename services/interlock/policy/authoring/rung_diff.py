"""How two entries for one model of a ladder differ: its acceptance, its registry entry, and the evidence for it. Pure.

Protection counts the other way, as in `policy.lattice`: fewer classes of data that a model is cleared for widens.
"""

from collections.abc import Iterator

from interlock.policy.authoring.differences import (
    NONE,
    Compare,
    Difference,
    Direction,
    all_of,
    falling,
    inside,
    members,
    part,
    rising,
    told_moment,
    told_yes,
)
from interlock.policy.authoring.signatures import claimed
from interlock.policy.lattice import DIMENSIONS, deltas
from interlock.records.models import Evidence, Model
from interlock.records.rules import Rung


def _evidence(before: Rung, after: Rung) -> Iterator[Difference]:
    if before.evidence == after.evidence:
        return
    old, new = (claimed(rung.evidence) for rung in (before, after))
    if isinstance(old, Evidence) and isinstance(new, Evidence):
        found = list(_EVIDENCE(old, new))
        yield from found or [Difference("evidence", "signed", "signed again", Direction.NEITHER)]
    else:
        there = isinstance(new, Evidence) - isinstance(old, Evidence)
        direction = (Direction.NEITHER, Direction.WIDENS, Direction.NARROWS)[there]
        yield Difference("evidence", _told(old), _told(new), direction)


def _told(said: object) -> str:
    return f"by {said.by}" if isinstance(said, Evidence) else NONE


def _dimensions(before: Model, after: Model) -> Iterator[Difference]:
    """The dimensions of the lattice: the same order by which a fallback is compared with its primary."""
    told = {delta.dimension: delta for delta in deltas(before, after)}
    for dimension in DIMENSIONS:
        growing = Direction.NARROWS if dimension.protects else Direction.WIDENS
        old, new = dimension.extent(before), dimension.extent(after)
        if isinstance(old, frozenset):
            yield from members(dimension.name, dimension.extent, growing)(before, after)  # type: ignore[arg-type]  # a set for every model
        elif old != new:
            shown = told[dimension.name]
            more = isinstance(new, int) and old < new
            yield Difference(dimension.name, shown.source, shown.target, growing if more else growing.opposite)


_EVIDENCE: Compare[Evidence] = all_of(
    part("evidence.model", lambda said: said.model),
    part("evidence.model_version", lambda said: said.model_version),
    part("evidence.profile", lambda said: said.profile),
    part("evidence.by", lambda said: said.by),
    falling("evidence.levels.capability_boundaries", lambda said: said.capability_boundaries),
    falling("evidence.levels.safety", lambda said: said.safety),
    falling("evidence.levels.governance_compliance", lambda said: said.governance_compliance),
    part("evidence.report", lambda said: said.report),
    part("evidence.validated_at", lambda said: said.issued_at, told_moment),
    rising("evidence.expires_at", lambda said: said.expires_at, told_moment),
)

_MODEL: Compare[Model] = all_of(
    part("version", lambda model: model.version),
    part("provider", lambda model: model.provider),
    part("endpoint", lambda model: model.endpoint),
    members("intermediaries", lambda model: model.intermediaries, Direction.WIDENS),
    part("served_as", lambda model: model.served_as),
    members("aliases", lambda model: model.aliases, Direction.WIDENS),
    part("identity.id", lambda model: model.identity.id),
    part("identity.owner", lambda model: model.identity.owner),
    part("identity.secret_ref", lambda model: model.identity.secret_ref),
    rising("identity.rotation_due", lambda model: model.identity.rotation_due, told_moment),
    part("deterministic", lambda model: model.capability.deterministic, told_yes),
    _dimensions,
    part("usd_per_mtok", lambda model: model.usd_per_mtok),
    rising("retires_at", lambda model: model.retires_at, told_moment),
)

compare_rungs: Compare[Rung] = all_of(
    part("accepted_by", lambda rung: rung.accepted_by),
    rising("equivalent", lambda rung: rung.equivalent, told_yes),
    rising("accepted_in_advance", lambda rung: rung.accepted_in_advance, told_yes),
    inside(lambda rung: rung.model, _MODEL),
    _evidence,
)
"""Every difference between two rungs with one model."""
