"""Rules 3 and 6: where a route should be now.

While the current rung may stay, only the rungs above it are candidates, each after its stable period. Otherwise the target is the
first rung of the ladder that policy allows and that may be entered; if there is none, the safe state, at once. A safe state is
left like a lower rung: upwards, after the stable period.
"""

from dataclasses import dataclass

from interlock.decision.core.usable import Case, entry_checks, stable, why_leave
from interlock.policy.admissible import checks
from interlock.records.change import Cause, Check, Trigger
from interlock.records.state import RouteEntry
from interlock.vocabulary.time import duration_text


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a route should be: a model or None for the safe state, why, and what was verified on the way."""

    target: str | None
    cause: Cause
    verification: tuple[Check, ...]


def choose(case: Case, entry: RouteEntry | None) -> Choice | None:
    """Where the route should go from what was last ordered for it; None: it stays where it is."""
    if entry is None:
        return _first(case, Cause(Trigger.POLICY, None, "the route's first policy took effect"))
    leave = why_leave(case, entry.target) if entry.target is not None else None
    if leave is not None:
        return _first(case, leave)
    return _recovery(case, entry)


def _first(case: Case, cause: Cause) -> Choice:
    """The first rung that may be entered, else the safe state. The rung that is left never may: what forces it out, fails here."""
    verified: list[Check] = []
    for rung in case.rule.ladder:
        made = _consider(case, rung.model.name)
        verified += made
        if all(check.passed for check in made):
            return Choice(rung.model.name, cause, tuple(verified))
    return Choice(None, cause, tuple(verified))


def _recovery(case: Case, entry: RouteEntry) -> Choice | None:
    """The highest rung above the current one that was healthy for the stable period."""
    place = case.rule.index(entry.target) if entry.target is not None else None
    for rung in case.rule.ladder[:place]:
        name = rung.model.name
        made = _consider(case, name)
        if all(check.passed for check in made) and stable(case, name):
            detail = f"{name} has been healthy for {duration_text(case.rule.stable_us)}"
            return Choice(name, Cause(Trigger.RECOVERED, name, detail), tuple(made))
    return None


def _consider(case: Case, model: str) -> list[Check]:
    return [*checks(case.state.book, case.route, model, case.now), *entry_checks(case, model)]
