"""Rule 9: the order itself, with everything that a person or a router needs to judge it."""

from interlock.decision.core.state import State
from interlock.decision.core.target import Choice
from interlock.policy.lattice import deltas, material
from interlock.records.change import Delta, RoutingChange
from interlock.records.documents import RouteRule, Rung
from interlock.records.models import Model
from interlock.records.state import RouteEntry
from interlock.vocabulary.identifiers import Order, RouteId
from interlock.vocabulary.limits import CHANGE_VALID_US
from interlock.vocabulary.time import Micros


def make_change(state: State, route: RouteId, rule: RouteRule, choice: Choice, now: Micros) -> RoutingChange:
    """The order that puts a route where the choice says."""
    held = state.book.policies[route.agent]
    before = state.routes.get(route)
    rung = _rung(rule, choice.target)
    order = Order(state.book.trust.version, state.term, before.version + 1 if before else 1)
    return RoutingChange(
        id=f"{route.key}@{order}",
        deployment=state.book.trust.deployment,
        shard=state.shard,
        root_version=order.root,
        term=order.term,
        version=order.version,
        agent=route.agent,
        slot=route.slot,
        scope=route.scope,
        policy_version=held.value.version,
        policy_digest=held.event_id,
        source=before.target if before else None,
        target=choice.target,
        safe_state=None if rung else str(rule.safe_state),
        cause=choice.cause,
        verification=choice.verification,
        delta=_delta(rule, before, rung),
        material=rung is not None and material(rule.ladder[0].model, rung.model),
        team=held.value.team,
        accepted_by=rung.accepted_by if rung else "",
        review_due=Micros(now + held.value.review_within_us),
        issued_at=now,
        not_after=Micros(now + CHANGE_VALID_US),
    )


def route_entry(change: RoutingChange, event_id: bytes) -> RouteEntry:
    """What the state keeps of an order."""
    return RouteEntry(
        version=change.version,
        target=change.target,
        entered_at=change.issued_at,
        trigger=change.cause.trigger,
        policy_digest=change.policy_digest,
        root_version=change.root_version,
        event_id=event_id,
    )


def _rung(rule: RouteRule, model: str | None) -> Rung | None:
    place = rule.index(model) if model is not None else None
    return None if place is None else rule.ladder[place]


def _delta(rule: RouteRule, before: RouteEntry | None, rung: Rung | None) -> tuple[Delta, ...]:
    """What is otherwise than before; from the safe state or a model off the ladder, than the primary."""
    if rung is None:
        return ()
    source = _rung(rule, before.target if before else None)
    compared: Model = (source or rule.ladder[0]).model
    return deltas(compared, rung.model)
