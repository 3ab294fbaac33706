"""What a router does by itself: it stops what has run out, and takes a canary's share back where policy forbids its model.

Nobody ordered these steps, so the router must tell of them (S8). Each is told once.
"""

from __future__ import annotations  # rpds maps take type parameters in annotations only

from collections.abc import Iterator

from rpds import HashTrieMap

from interlock.router.core.resolve import run_out
from interlock.router.core.standing import Standing
from interlock.router.core.state import RouterState
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import FOREVER, SECOND, Micros, Reading

LOOK_US_MIN = SECOND
"""Time between two looks at every route: with 100,000 of them a look takes a tenth of a second, and each change is new."""

_Step = tuple[Reason, str]


def live(state: RouterState, shard: int, now: Reading) -> bool:
    """Whether a shard has a live lease."""
    lease = state.leases.get(shard)
    return lease is not None and now.boot < lease.end


class OwnSteps:
    """Remembers what was told: shards whose lease was live, and by route the steps that were taken under its change."""

    def __init__(self) -> None:
        self._live: frozenset[int] = frozenset()
        self._told: dict[RouteId, frozenset[_Step]] = {}
        self._seen: HashTrieMap[RouteId, Standing] = HashTrieMap()
        self._next: Micros = FOREVER
        self._looked_at: Micros | None = None

    def since_last(self, state: RouterState, now: Reading) -> list[_Step]:
        """The steps since the last call, each a reason and words."""
        alive = frozenset(shard for shard in range(state.shards) if live(state, shard, now))
        over, self._live = self._live - alive, alive
        found = [
            (Reason.LEASE_OVER, f"shard {shard}: its routes are kept for their grace, then stop")
            for shard in sorted(over)
        ]
        return found + self._of_routes(state, now)

    def _of_routes(self, state: RouterState, now: Reading) -> list[_Step]:
        unchanged = state.standings is self._seen and now.wall < self._next
        if unchanged or (self._looked_at is not None and now.boot < self._looked_at + LOOK_US_MIN):
            return []
        taken = {route: steps for route, each in state.standings.items() if (steps := _steps(state, route, each, now))}
        found = [step for route, steps in taken.items() for step in sorted(steps - self._told.get(route, frozenset()))]
        self._told, self._seen = taken, state.standings
        self._next, self._looked_at = _next_end(state, now), now.boot
        return found


def _steps(state: RouterState, route: RouteId, standing: Standing, now: Reading) -> frozenset[_Step]:
    return frozenset((reason, f"{route.key} {words}") for reason, words in _own(state, route, standing, now))


def _own(state: RouterState, route: RouteId, standing: Standing, now: Reading) -> Iterator[_Step]:
    """What was not ordered and yet is so, for one route."""
    if standing.control is None:
        return
    reason = run_out(state, route, standing.control, now)
    if reason is not None:
        yield reason, f"stops: change {standing.change_id}"
        return
    cut = run_out(state, route, standing.canary, now) if standing.canary else standing.cut
    if cut is not None:
        yield cut, f"is served by its source alone: canary {standing.canary_id}"


def _next_end(state: RouterState, now: Reading) -> Micros:
    arms = (arm for each in state.standings.values() for arm in (each.control, each.canary))
    return min((arm.until for arm in arms if arm is not None and arm.until > now.wall), default=FOREVER)
