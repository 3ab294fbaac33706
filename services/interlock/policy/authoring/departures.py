"""Looser only in as many words: what a policy departs from, and why.

    departures:
      - {from: short-grace, because: "a release under way is finished rather than broken off"}

A departure counts for every route of the policy. It stays a warning for as long as it is needed, is part of what people sign, and says
nothing about what every policy must keep: approval, evidence, no broader fallback, a safe state, notices.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from interlock.policy.authoring.breaches import Case
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath, Problem, field_text
from interlock.policy.authoring.workflows import DEMANDS, Demand, demands_on
from interlock.records.documents import RoutePolicy, Workflow

_BY_NAME = {demand.name: demand for demand in DEMANDS}


def departure_problems(draft: Draft, policy: RoutePolicy) -> Iterator[Problem]:
    """Each departure as a warning at its line, or why it is none."""
    case = Case.of(draft, policy)
    for number, entry in enumerate(draft.document.departures):
        path: FieldPath = ("departures", number, "from")
        demand = _BY_NAME.get(entry.demand)
        fault = _fault(entry.demand, demand, policy.workflow)
        if demand is None or fault is not None:
            yield draft.source.problem(path, *(fault or ("", "")))
            continue
        breaches = list(demand.test(case))
        if breaches:
            where = ", ".join(field_text(breach.path) for breach in breaches)
            mend = f"Whoever signs answers for {where}. To depart no longer: {breaches[0].mend}"
            yield draft.source.warning(path, f"departs from {demand.name}: {entry.because}", mend)
        else:
            what = f"{demand.name} is met, so that nothing is departed from"
            yield draft.source.warning(path, what, "Remove the departure: it would hide what is changed later.")


def _fault(name: str, demand: Demand | None, workflow: Workflow) -> tuple[str, str] | None:
    """What keeps a departure from being one, and the mend; None if nothing does."""
    known = [each.name for each in demands_on(workflow) if not each.firm]
    choice = f"A policy for {workflow} may depart from: {', '.join(known)}."
    if demand is None:
        near = get_close_matches(name, known, n=1)
        own = "Approval, evidence, no broader fallback, a safe state and notices are asked of every policy."
        return f"there is no demand {name!r}", f"Did you mean {near[0]}?" if near else f"{choice} {own}"
    if workflow not in demand.workflows:
        of = ", ".join(demand.workflows)
        return f"{name} is not asked of {workflow}, but of {of}", f"Remove the departure. {choice}"
    if demand.firm:
        return f"{name} is the standard's own, and cannot be departed from: {demand.why}", f"Meet it: {demand.asks}."
    return None
