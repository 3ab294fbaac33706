"""What a router does by itself when time passes: it stops routes whose lease is over or whose model is no longer admissible.

Nobody ordered these steps, so the router must tell of them (S8). Each is told once.
"""

from interlock.router.core.state import RouterState
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, Reading


def live(state: RouterState, shard: int, now: Reading) -> bool:
    """Whether a shard has a live lease."""
    lease = state.leases.get(shard)
    return lease is not None and now.boot < lease.end


class OwnSteps:
    """Remembers what was told: shards whose lease was live, and routes whose model has run out, by when it did."""

    def __init__(self) -> None:
        self._live: frozenset[int] = frozenset()
        self._run_out: dict[RouteId, Micros] = {}

    def since_last(self, state: RouterState, now: Reading) -> list[tuple[Reason, str]]:
        """The steps since the last call, each a reason and words."""
        alive = frozenset(shard for shard in range(state.shards) if live(state, shard, now))
        over, self._live = self._live - alive, alive
        found = [
            (Reason.LEASE_OVER, f"shard {shard}: its routes are kept for their grace, then stop")
            for shard in sorted(over)
        ]
        run_out = {
            route: standing.until
            for route, standing in state.standings.items()
            if standing.model and standing.until <= now.wall
        }
        found += [
            (Reason.EVIDENCE_EXPIRED, route.key)
            for route, until in run_out.items()
            if self._run_out.get(route) != until
        ]
        self._run_out = run_out
        return found
