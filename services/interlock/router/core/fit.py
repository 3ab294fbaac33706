"""`unfit`: why policy forbids what a change orders. Rule 1 is asked anew, whatever decision says it checked.

The questions, in this order: whether the change makes sense at all; whether its policy is the one that is held; whether that
policy names this safe state; whether it allows the model that serves, and at last the one that a canary tries.
"""

from interlock.policy.admissible import inadmissible
from interlock.policy.book import Book
from interlock.records.change import RoutingChange
from interlock.records.rules import WHOLE, RouteRule, SafeState
from interlock.router.core.marks import Marks
from interlock.signing.verifier import Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros


def control_of(order: RoutingChange) -> str | None:
    """The model that serves what no canary takes: the one that is to be left while a canary runs, otherwise the target."""
    return order.source if order.weight < WHOLE else order.target


def canary_of(order: RoutingChange) -> str | None:
    """The model that a canary tries; None if the change orders no canary."""
    return order.target if order.weight < WHOLE else None


def unfit(book: Book, marks: Marks, change: Verified[RoutingChange], now: Micros) -> Reason | None:
    """Why policy forbids what a change orders; None if it allows all of it."""
    return control_unfit(book, marks, change, now) or canary_unfit(book, marks, change, now)


def control_unfit(book: Book, marks: Marks, change: Verified[RoutingChange], now: Micros) -> Reason | None:
    """Why policy forbids what a change orders, the canary arm apart; None if it allows that."""
    order = change.value
    if not _makes_sense(order):
        return Reason.CHANGE_MALFORMED
    reason = _policy_unfit(book, marks, change)
    if reason is not None:
        return reason
    rule = book.rule(order.route)
    if rule is None:
        return Reason.ROUTE_UNKNOWN
    if not _its_safe_state(order, rule):
        return Reason.SAFE_STATE_DIFFERS
    return model_unfit(book, marks, order.route, control_of(order), now)


def canary_unfit(book: Book, marks: Marks, change: Verified[RoutingChange], now: Micros) -> Reason | None:
    """Why policy forbids the model that a canary tries; None if it allows it, or the change orders no canary."""
    return model_unfit(book, marks, change.value.route, canary_of(change.value), now)


def ruling(book: Book, marks: Marks, route: RouteId) -> RouteRule | None:
    """The rule of a route; None if none is held, or only one that is older than what was held before (S3)."""
    held = book.policies.get(route.agent)
    if held is None or held.value.version < marks.number(f"policy/{route.agent}"):
        return None
    return book.rule(route) if book.trust.version >= marks.number("root") else None


def _makes_sense(order: RoutingChange) -> bool:
    """Whether the parts of a change fit together: something serves, or the route stops; a canary has two arms and a name."""
    serves = order.safe_state is None
    if (order.target is not None) != (serves or order.safe_state == SafeState.READ_ONLY):
        return False
    if order.weight == WHOLE:
        return not order.canary
    two_arms = order.source is not None and order.source != order.target
    return serves and two_arms and bool(order.canary) and 0 < order.weight < WHOLE


def _policy_unfit(book: Book, marks: Marks, change: Verified[RoutingChange]) -> Reason | None:
    order = change.value
    held = book.policies.get(order.agent)
    if book.trust.version < max(order.root_version, marks.number("root")):
        return Reason.POLICY_NOT_HELD
    if held is None or held.value.version < max(order.policy_version, marks.number(f"policy/{order.agent}")):
        return Reason.POLICY_NOT_HELD
    if order.policy_version < held.value.version:
        return Reason.POLICY_OLDER
    return Reason.POLICY_DIGEST_DIFFERS if order.policy_digest != held.event_id else None


def _its_safe_state(order: RoutingChange, rule: RouteRule) -> bool:
    """Whether a change names no other safe state than the route's own, or `suspend`, which is open to every route."""
    if order.safe_state in {None, SafeState.SUSPEND}:
        return True
    own_rung = order.target is None or order.target == rule.safe_reply.model
    return order.safe_state == rule.safe_state and own_rung


def model_unfit(book: Book, marks: Marks, route: RouteId, model: str | None, now: Micros) -> Reason | None:
    """Why a model may not speak for a route, whatever was ordered; None if it may, or if it is none."""
    if model is None:
        return None
    if marks.number(f"deny/{model}"):
        return Reason.DENIED
    registered = book.registry.get(model)
    if (registered.value.version if registered else 0) < marks.number(f"model/{model}"):
        return Reason.REGISTRATION_NOT_HELD
    return inadmissible(book, route, model, now)
