"""`resolve`: what to do with one request. A look-up in memory; the two comparisons of time are what ends a lease and evidence."""

from interlock.router.answers import Serve, Stop
from interlock.router.core.state import RouterState
from interlock.vocabulary.identifiers import RouteId, shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Reading


def resolve(state: RouterState, route: RouteId, now: Reading) -> Serve | Stop:
    """Serve a model, or stop. Whatever is not known to be allowed, stops."""
    standing = state.standings.get(route)
    if standing is None:
        return Stop(route, "suspend", Reason.ROUTE_UNKNOWN, "")
    lease = state.leases.get(shard_of(route.agent, state.shards))
    if lease is None:
        return Stop(route, standing.safe_state, Reason.NO_LEASE_YET, standing.change_id)
    if now.boot >= lease.end + standing.grace_us:
        return Stop(route, standing.safe_state, Reason.LEASE_OVER, standing.change_id)
    if standing.model is None:
        return Stop(route, standing.safe_state, standing.reason or Reason.ORDERED, standing.change_id)
    if now.wall >= standing.until:
        return Stop(route, standing.safe_state, Reason.EVIDENCE_EXPIRED, standing.change_id)
    return Serve(route, standing.model, standing.change_id, not standing.primary)
