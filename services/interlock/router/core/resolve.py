"""`resolve`: what to do with one request. A look-up in memory; comparisons of time are what ends a lease and evidence."""

from interlock.policy.admissible import inadmissible
from interlock.router.answers import Serve, Stop
from interlock.router.core.arms import divided
from interlock.router.core.standing import Arm, Standing, without_change
from interlock.router.core.state import RouterState
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Reading


def resolve(state: RouterState, route: RouteId, request_key: str | None, now: Reading) -> Serve | Stop:
    """Serve a model, or stop. Whatever is not known to be allowed, stops."""
    standing = state.standings.get(route)
    if standing is None:
        return without_change(state.book, state.marks, route).stopped
    reason = _why_not(state, route, standing, now)
    if reason is not None:
        return standing.stopped_for(reason)
    answer, canary = standing.undivided, standing.canary
    if canary is not None and now.wall < canary.until:
        inside = divided(standing.salt, request_key, standing.weight)
        answer = standing.tried if inside else standing.source
    return answer or standing.stopped


def run_out(state: RouterState, route: RouteId, arm: Arm, now: Reading) -> Reason | None:
    """What has made an arm inadmissible by the passing of time alone; None while nothing has."""
    if now.wall < arm.until:
        return None
    return inadmissible(state.book, route, arm.model.name, now.wall) or Reason.EVIDENCE_EXPIRED


def _why_not(state: RouterState, route: RouteId, standing: Standing, now: Reading) -> Reason | None:
    """Why the route's lease, or time, forbids what it stands for."""
    lease = state.leases.get(standing.shard)
    if lease is None:
        return Reason.NO_LEASE_YET
    if now.boot >= lease.end + standing.grace_us:
        return Reason.LEASE_OVER
    return run_out(state, route, standing.control, now) if standing.control else None
