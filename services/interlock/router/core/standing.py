"""What a route may serve, time apart: what follows from its change under the documents that are held."""

from dataclasses import dataclass
from functools import cached_property

from interlock.policy.admissible import admissible_until
from interlock.policy.book import Book
from interlock.records.change import RoutingChange
from interlock.records.models import Model
from interlock.records.rules import RouteRule, SafeReply, SafeState
from interlock.router.answers import Serve, Stop
from interlock.router.core.arms import salt_of
from interlock.router.core.fit import canary_of, canary_unfit, control_of, control_unfit, ruling
from interlock.router.core.marks import Marks
from interlock.signing.verifier import Verified
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros


@dataclass(frozen=True, slots=True)
class Arm:
    """A model that may serve a route.

    Attributes:
        model: The model.
        primary: Whether it is the ladder's first.
        until: From then on it is not admissible any more.
    """

    model: Model
    primary: bool
    until: Micros


NOWHERE = -1
"""The shard of a route without a change: nobody has said it yet, and nothing is asked of it."""


@dataclass(frozen=True)  # without slots, for its answers: a route is asked for thousands of times between two changes
class Standing:
    """What a route may serve, and the answers to a request that follow from it.

    Attributes:
        route: The route.
        shard: The shard that decides it.
        control: Serves what no canary takes; None: the route stops.
        canary: Serves its share of the requests; None: there is no canary, or policy forbids its model.
        canary_id: Id of the canary that was ordered; empty: none.
        weight: The canary's share, per cent.
        cut: Why the canary arm serves nothing although it was ordered; None: it serves, or none was ordered.
        read_only: Whether `control` serves without tools.
        reason: Why the route stops; None where the change itself ordered the safe state.
        change_id: The change it rests on; empty if there is none.
        grace_us: How long the route is kept after the lease has ended.
        safe_state: The safe state in which it stops; never `read_only`, which takes an order that names its rung.
        reply: What that safe state needs.
    """

    route: RouteId
    shard: int
    control: Arm | None
    canary: Arm | None
    canary_id: str
    weight: int
    cut: Reason | None
    read_only: bool
    reason: Reason | None
    change_id: str
    grace_us: Micros
    safe_state: SafeState
    reply: SafeReply

    @cached_property
    def undivided(self) -> Serve | None:
        """The answer while no canary divides the requests."""
        return self._serve(self.control, "")

    @cached_property
    def source(self) -> Serve | None:
        """The answer to a request that stays with the source while a canary divides them."""
        return self._serve(self.control, self.canary_id)

    @cached_property
    def tried(self) -> Serve | None:
        """The answer to a request in the canary arm."""
        return self._serve(self.canary, self.canary_id)

    @cached_property
    def salt(self) -> bytes:
        """What its canary divides the requests by."""
        return salt_of(self.canary_id, self.route)

    @cached_property
    def stopped(self) -> Stop:
        """The answer while the route stops for its own reason, or because it was ordered to."""
        return self.stopped_for(self.reason or Reason.ORDERED)

    def stopped_for(self, reason: Reason) -> Stop:
        """The answer while the route stops for a reason of the moment."""
        return Stop(self.route, self.safe_state, reason, self.change_id, self.reply)

    def _serve(self, arm: Arm | None, canary: str) -> Serve | None:
        if arm is None:
            return None
        return Serve(self.route, arm.model, self.change_id, not arm.primary, self.read_only, canary)


def standing(
    book: Book, marks: Marks, change: Verified[RoutingChange], refused: Reason | None, now: Micros
) -> Standing:
    """What follows from a change.

    Args:
        book: The documents that are held.
        marks: What was ever held.
        change: The current change of the route.
        refused: Why this router does not obey it; None: it obeys as far as policy allows.
        now: The time.
    """
    order = change.value
    rule = ruling(book, marks, order.route)
    reason = refused or control_unfit(book, marks, change, now)
    cut = canary_unfit(book, marks, change, now)
    return Standing(
        route=order.route,
        shard=order.shard,
        control=_arm(book, order.route, rule, control_of(order)) if reason is None else None,
        canary=_arm(book, order.route, rule, canary_of(order)) if reason is None and cut is None else None,
        canary_id=order.canary,
        weight=order.weight,
        cut=cut,
        read_only=order.safe_state is not None,
        reason=reason,
        change_id=order.id,
        grace_us=rule.grace_us if rule else NEVER,
        safe_state=_safe_state(rule, order),
        reply=rule.safe_reply if rule else SafeReply(),
    )


def without_change(book: Book, marks: Marks, route: RouteId) -> Standing:
    """A route that nobody has ordered yet, or that no policy names."""
    rule = ruling(book, marks, route)
    reason = Reason.NO_CHANGE_YET if rule else Reason.ROUTE_UNKNOWN
    reply = rule.safe_reply if rule else SafeReply()
    return Standing(route, NOWHERE, None, None, "", 0, None, False, reason, "", NEVER, _safe_state(rule, None), reply)


def _safe_state(rule: RouteRule | None, order: RoutingChange | None) -> SafeState:
    """The safe state in which a route stops, whether it was ordered to or not: never a wider one than what was ordered."""
    ordered = order is not None and order.safe_state == SafeState.SUSPEND
    if rule is None or ordered or rule.safe_state is SafeState.READ_ONLY:
        return SafeState.SUSPEND
    return rule.safe_state


def _arm(book: Book, route: RouteId, rule: RouteRule | None, model: str | None) -> Arm | None:
    place = rule.index(model) if rule and model is not None else None
    if rule is None or place is None or model is None:
        return None
    return Arm(rule.ladder[place].model, place == 0, admissible_until(book, route, model))
