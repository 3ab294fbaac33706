"""Rule 9: the order itself, with everything that a person or a router needs to judge it."""

from dataclasses import replace

from interlock.decision.core.choice import Choice, next_order_id
from interlock.decision.core.expected import UNEXPECTED, expected_duration
from interlock.decision.core.usable import Case
from interlock.policy.lattice import deltas, material
from interlock.records.change import Delta, RoutingChange
from interlock.records.rules import WHOLE, RouteRule, Rung, once
from interlock.records.state import RouteEntry
from interlock.vocabulary.limits import CHANGE_VALID_US
from interlock.vocabulary.time import NEVER, Micros


def make_change(case: Case, choice: Choice) -> RoutingChange:
    """The order that puts a route where the choice says."""
    state, route, rule, after = case.state, case.route, case.rule, choice.after
    held = state.book.policies[route.agent]
    expected = expected_duration(case.state.history, after.incident, case.now) if after.incident else UNEXPECTED
    source, target, weight = _arms(case, after)
    to, primary, hold = rule.rung(target), rule.ladder[0], after.hold
    proposed = rule.rung(hold.model) if hold else None
    judged = proposed or to
    return RoutingChange(
        id=next_order_id(case),
        deployment=state.book.trust.deployment,
        shard=state.shard,
        root_version=state.book.trust.version,
        term=state.term,
        version=case.entry.version + 1 if case.entry else 1,
        agent=route.agent,
        slot=route.slot,
        scope=route.scope,
        policy_version=held.value.version,
        policy_digest=held.event_id,
        source=source,
        target=target,
        safe_state=after.safe_state,
        weight=weight,
        canary=after.canary.id if after.canary else "",
        proposal=hold.proposal if hold else "",
        proposed=proposed.model.name if proposed else None,
        proposal_until=hold.until if hold else NEVER,
        cause=choice.cause,
        verification=choice.verification,
        delta=_delta(rule, rule.rung(source) or primary, judged),
        material_in=_material(rule, judged),
        team=held.value.team,
        accepted_by=to.accepted_by if to else "",
        review_due=Micros(case.now + held.value.review_within_us),
        expected_us=expected.us,
        expected_from=expected.incidents,
        expected_like=expected.like,
        issued_at=case.now,
        not_after=Micros(case.now + CHANGE_VALID_US),
    )


def ordered(after: RouteEntry, change: RoutingChange, event_id: bytes) -> RouteEntry:
    """What the state keeps of an order."""
    return replace(
        after,
        hold=replace(after.hold, told=True) if after.hold else None,
        version=change.version,
        policy_digest=change.policy_digest,
        root_version=change.root_version,
        event_id=event_id,
    )


def _arms(case: Case, after: RouteEntry) -> tuple[str | None, str | None, int]:
    """Source, target and the target's weight; in a canary the source is the model that serves the rest."""
    entry, plan = case.entry, case.rule.canary
    if after.canary is not None and plan is not None:
        return after.target, after.canary.model, plan.steps[after.canary.step]
    rolled_back = entry is not None and entry.canary is not None and entry.target == after.target
    if entry is not None and entry.canary is not None and rolled_back:
        return entry.canary.model, after.target, WHOLE
    served = entry is not None and entry.safe_state is None
    return (entry.target if entry and served else None), after.target, WHOLE


def _delta(rule: RouteRule, source: Rung, target: Rung | None) -> tuple[Delta, ...]:
    """What is otherwise than before; from the safe state or a model off the ladder, than the primary."""
    if target is None:
        return ()
    told = ("delta", source.model.name, target.model.name)
    return once(rule, told, lambda: deltas(source.model, target.model))


def _material(rule: RouteRule, target: Rung | None) -> tuple[str, ...]:
    if target is None:
        return ()
    return once(rule, ("material", target.model.name), lambda: material(rule.ladder[0], target))
