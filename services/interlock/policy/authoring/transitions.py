"""Whether a route can move as its policy says: every mode and every rung has what it needs to be carried out.

A trigger that asks for a canary needs a plan, one that asks for approval a time to wait, and a model that fails every call cannot
serve beside its canary. A material rung is accepted in advance, or there is a time in which its approval is awaited.
"""

from collections.abc import Iterator

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath, Problem
from interlock.policy.authoring.triggers import trigger_path
from interlock.policy.lattice import material
from interlock.records.rules import BARE, Mode, RouteRule

_PLAN = "`canary: {steps: [1%, 5%, 25%, 50%], calls_min: 50, time_min: 60s, wait_max: 30m}`"
_WINDOW = "`approval: {within: 30m}`"


def transition_problems(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    """What keeps one route from moving as it should."""
    yield from _trigger_problems(draft, number, rule)
    yield from _material_problems(draft, number, rule)
    yield from _recovery_problems(draft, number, rule)


def _recovery_problems(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    """`recovery.canary` orders nothing: a route with a plan returns by canary. So what it says must be what happens."""
    recovery, path = draft.document.routes[number].recovery, ("routes", number, "recovery", "canary")
    if recovery is None or "canary" not in recovery.model_fields_set:
        return
    if recovery.canary and rule.canary is None:
        yield draft.source.problem(path, "recovery by canary has no plan", f"Add {_PLAN} to the route.")
    if not recovery.canary and rule.canary is not None:
        mend = "Remove the line, or the plan: without one the route returns at once."
        yield draft.source.problem(path, "a route with a canary plan returns by canary", mend)


def _trigger_problems(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    for trigger in rule.triggers:
        path: FieldPath = ("routes", number, *trigger_path(trigger), "mode")
        if trigger.mode is Mode.CANARY and trigger.trigger in BARE:
            what = f"a model that is left for {trigger.trigger} cannot serve beside its canary"
            yield draft.source.problem(path, what, "Write `mode: cutover`, or leave the mode out.")
        elif trigger.mode is Mode.CANARY and rule.canary is None:
            yield draft.source.problem(path, "there is no plan for a canary", f"Add {_PLAN} to the route.")
        elif trigger.mode is Mode.AWAIT_APPROVAL and rule.approval.within_us == 0:
            what = "nobody can approve: the route has no time in which an approval is awaited"
            yield draft.source.problem(path, what, f"Add {_WINDOW} to the route.")


def _material_problems(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    primary = rule.ladder[0]
    if not primary.equivalent:
        path: FieldPath = ("routes", number, "ladder", 0, "equivalent")
        yield draft.source.problem(path, "the primary is always equivalent to itself", "Remove the line.")
        return
    for place, rung in enumerate(rule.ladder[1:], start=1):
        differs = material(primary, rung)
        if differs and not rung.accepted_in_advance and rule.approval.within_us == 0:
            what = (
                f"{rung.model.name} is a material change ({', '.join(differs)}) that nobody accepted or could approve"
            )
            mend = f"Write `accepted_in_advance: true` beside it, or add {_WINDOW} to the route."
            yield draft.source.problem(("routes", number, "ladder", place, "model"), what, mend)
