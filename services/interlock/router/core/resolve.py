"""`resolve`: what to do with one request. A look-up in memory; comparisons of time are what ends a lease and evidence."""

from interlock.policy.admissible import inadmissible
from interlock.router.answers import Serve, Stop
from interlock.router.core.arms import in_canary
from interlock.router.core.standing import Arm, Standing, without_change
from interlock.router.core.state import RouterState
from interlock.vocabulary.identifiers import RouteId, shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Reading


def resolve(state: RouterState, route: RouteId, request_key: str | None, now: Reading) -> Serve | Stop:
    """Serve a model, or stop. Whatever is not known to be allowed, stops."""
    standing = state.standings.get(route)
    if standing is None:
        return _stop(route, without_change(state.book, state.marks, route))
    control, reason = standing.control, _why_not(state, route, standing, now)
    if control is None or reason is not None:
        return _stop(route, standing, reason)
    arm, canary = control, ""
    if standing.canary is not None and now.wall < standing.canary.until:
        canary = standing.canary_id
        arm = standing.canary if in_canary(canary, route, request_key, standing.weight) else control
    return Serve(route, arm.model, standing.change_id, not arm.primary, standing.read_only, canary)


def run_out(state: RouterState, route: RouteId, arm: Arm, now: Reading) -> Reason | None:
    """What has made an arm inadmissible by the passing of time alone; None while nothing has."""
    if now.wall < arm.until:
        return None
    return inadmissible(state.book, route, arm.model.name, now.wall) or Reason.EVIDENCE_EXPIRED


def _why_not(state: RouterState, route: RouteId, standing: Standing, now: Reading) -> Reason | None:
    """Why the route's lease, or time, forbids what it stands for."""
    lease = state.leases.get(shard_of(route.agent, state.shards))
    if lease is None:
        return Reason.NO_LEASE_YET
    if now.boot >= lease.end + standing.grace_us:
        return Reason.LEASE_OVER
    return run_out(state, route, standing.control, now) if standing.control else None


def _stop(route: RouteId, standing: Standing, reason: Reason | None = None) -> Stop:
    why = reason or standing.reason or Reason.ORDERED
    return Stop(route, standing.safe_state, why, standing.change_id, standing.reply)
