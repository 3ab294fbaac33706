"""What somebody who stole the decision key may publish on the routes topic.

Every forgery is made from the last genuine order, so that it is right in all but one respect. A stolen decision key may choose
among what policy approves, and no more: such a forgery may be obeyed until the heartbeats end the lease, the others never.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from interlock.records.change import Heartbeat, RoutingChange
from interlock.trials.explore.world import ELSEWHERE, SHARD, World
from interlock.vocabulary.time import SECOND, Micros

UNAPPROVED = "zebra"
"""A model that stands on no ladder."""

SMUGGLED = "the rung that should never have been approved"
"""The worlds of smuggled rungs call each route by the one that it must never have."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """One way to forge an order.

    Attributes:
        make: The forged order, from the last genuine one, at a time.
        obeyed: Whether policy leaves a router no reason to refuse it.
        partition: Where it is put.
    """

    make: Callable[[RoutingChange, World, Micros], RoutingChange]
    obeyed: bool = False
    partition: int = SHARD


def _next(change: RoutingChange, target: str | None = None, **fields: object) -> RoutingChange:
    """An order like the last one, with the next number."""
    usual = {"version": change.version + 1, "target": target or change.target, "weight": 100, "canary": ""}
    return replace(change, **{**usual, "safe_state": None, **fields})  # type: ignore[arg-type]


def _other(change: RoutingChange, world: World) -> str:
    """An approved model that the order does not name."""
    approved = [name for name, _ in world.documents[0].ladders[change.route]]
    return next((name for name in approved if name != change.target), approved[0])


FORGERIES: Mapping[str, Forgery] = {
    SMUGGLED: Forgery(lambda order, world, now: _next(order, order.slot)),
    "an unapproved model": Forgery(lambda order, world, now: _next(order, UNAPPROVED)),
    "a canary of an unapproved model": Forgery(
        lambda order, world, now: _next(
            order, UNAPPROVED, source=_other(replace(order, target=""), world), weight=50, canary="forged"
        )
    ),
    "an approved model that nobody chose": Forgery(
        lambda order, world, now: _next(order, _other(order, world)), obeyed=True
    ),
    "another order under the number of the last": Forgery(
        lambda order, world, now: replace(_next(order, _other(order, world)), version=order.version), obeyed=True
    ),
    "an order of a term that is over": Forgery(
        lambda order, world, now: replace(_next(order, _other(order, world)), term=0, version=90), obeyed=True
    ),
    "an order under the first policy": Forgery(
        lambda order, world, now: _next(
            order, world.documents[0].ladders[order.route][-1][0], policy_version=1, policy_digest=_first(world)
        ),
        obeyed=True,
    ),
    "an order under a policy that nobody signed": Forgery(
        lambda order, world, now: _next(order, policy_digest=bytes(32))
    ),
    "an order under a policy of the future": Forgery(lambda order, world, now: _next(order, policy_version=9)),
    "an order under a trust root of the future": Forgery(lambda order, world, now: _next(order, root_version=9)),
    "an order for another deployment": Forgery(lambda order, world, now: _next(order, deployment="elsewhere")),
    "an order on another shard": Forgery(lambda order, world, now: _next(order), partition=ELSEWHERE),
    "an order that names another shard": Forgery(lambda order, world, now: _next(order, shard=ELSEWHERE)),
    "an order of another shard, on its own": Forgery(
        lambda order, world, now: _next(order, shard=ELSEWHERE), partition=ELSEWHERE
    ),
    "an order for a route that no policy names": Forgery(lambda order, world, now: _next(order, slot="nowhere")),
    "an order from the future": Forgery(
        lambda order, world, now: _next(
            order, issued_at=Micros(now + 60 * SECOND), not_after=Micros(now + 120 * SECOND)
        ),
        obeyed=True,
    ),
    "an order that is long past": Forgery(
        lambda order, world, now: _next(order, issued_at=Micros(now - 120 * SECOND), not_after=Micros(now)),
        obeyed=True,
    ),
    "an order that names nothing": Forgery(lambda order, world, now: replace(_next(order), target=None)),
    "a canary without a name": Forgery(lambda order, world, now: replace(_next(order), weight=50)),
    "a canary of its own source": Forgery(
        lambda order, world, now: replace(_next(order), source=order.target, weight=50, canary="forged")
    ),
    "a canary of nothing": Forgery(
        lambda order, world, now: replace(_next(order), source="atlas", weight=0, canary="forged")
    ),
    "a name for no canary": Forgery(lambda order, world, now: replace(_next(order), canary="forged")),
    "a safe state that policy does not name": Forgery(
        lambda order, world, now: replace(_next(order), target=None, safe_state="cached_response")
    ),
    "a served route in a safe state": Forgery(lambda order, world, now: replace(_next(order), safe_state="suspend")),
    "read_only by a model that policy does not name for it": Forgery(
        lambda order, world, now: replace(_next(order), safe_state="read_only")
    ),
}
"""By what a story calls them."""


BEAT_FORGERIES: Mapping[str, Callable[[Heartbeat, Micros], Heartbeat]] = {
    "a heartbeat of another deployment": lambda beat, now: replace(beat, deployment="elsewhere", beat=beat.beat + 1),
    "a heartbeat of another shard": lambda beat, now: replace(beat, shard=ELSEWHERE, beat=beat.beat + 1),
    "a heartbeat from the future": lambda beat, now: replace(
        beat, issued_at=Micros(now + 60 * SECOND), beat=beat.beat + 1
    ),
}
"""Heartbeats by the right key that are not for this shard, or not of this time; made from the last genuine one."""


def forged(name: str, order: RoutingChange, world: World, now: Micros) -> RoutingChange:
    """One forgery, from the last genuine order."""
    return replace(FORGERIES[name].make(order, world, now), id=f"{order.route.key}@forged")


def never(name: str) -> bool:
    """Whether no router may ever obey a forgery."""
    return bool(name) and not FORGERIES[name].obeyed


def partition_of(name: str) -> int:
    """Where a forgery is put."""
    return FORGERIES[name].partition


def _first(world: World) -> bytes:
    return world.deployment.book(world.documents[0].sealed).policies["support"].event_id
