"""What a router does by itself: it stops what has run out, and takes a canary's share back where policy forbids its model.

Nobody ordered these steps, so the router must tell of them (S8). Each is told once.
"""

from __future__ import annotations  # rpds maps take type parameters in annotations only

from rpds import HashTrieMap

from interlock.router.core.resolve import run_out
from interlock.router.core.standing import Standing
from interlock.router.core.state import RouterState
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import FOREVER, SECOND, Micros, Reading

LOOK_US_MIN = SECOND
"""Time between two looks at the end of every route's model: with 100,000 of them a look takes a tenth of a second."""

Step = tuple[Reason, str]
"""A reason, and words."""


def live(state: RouterState, shard: int, now: Reading) -> bool:
    """Whether a shard has a live lease."""
    lease = state.leases.get(shard)
    return lease is not None and now.boot < lease.end


class OwnSteps:
    """Remembers what was told: shards whose lease was live, canaries that are cut, and models that have run out."""

    def __init__(self) -> None:
        self._live: frozenset[int] = frozenset()
        self._cut: frozenset[Step] = frozenset()
        self._run_out: frozenset[Step] = frozenset()
        self._seen: HashTrieMap[RouteId, Standing] = HashTrieMap()
        self._next: Micros = FOREVER
        self._looked_at: Micros | None = None

    def since_last(self, state: RouterState, now: Reading) -> list[Step]:
        """The steps since the last call."""
        alive = frozenset(shard for shard in range(state.shards) if live(state, shard, now))
        over, self._live = self._live - alive, alive
        found = [
            (Reason.LEASE_OVER, f"shard {shard}: its routes are kept for their grace, then stop")
            for shard in sorted(over)
        ]
        cut = _cut(state, now)
        found += sorted(cut - self._cut)
        self._cut = cut
        return found + self._models(state, now)

    def _models(self, state: RouterState, now: Reading) -> list[Step]:
        """What has run out, looked for where an end has come or the routes have changed, and not for each of many changes."""
        unchanged = state.standings is self._seen and now.wall < self._next
        if unchanged or (self._looked_at is not None and now.boot < self._looked_at + LOOK_US_MIN):
            return []
        gone, self._next = _gone(state, now)
        found = sorted(gone - self._run_out)
        self._run_out, self._seen, self._looked_at = gone, state.standings, now.boot
        return found


def _cut(state: RouterState, now: Reading) -> frozenset[Step]:
    """The canaries whose share the source serves, while it does."""
    steps = []
    for route in state.canaries:
        standing = state.standings[route]
        if standing.control is None or run_out(state, route, standing.control, now) is not None:
            continue
        reason = run_out(state, route, standing.canary, now) if standing.canary else standing.cut
        if reason is not None:
            steps.append((reason, f"{route.key} is served by its source alone: canary {standing.canary_id}"))
    return frozenset(steps)


def _gone(state: RouterState, now: Reading) -> tuple[frozenset[Step], Micros]:
    """The routes that stop because their model has run out, and when the next one will."""
    steps, following = [], FOREVER
    for route, standing in state.standings.items():
        control = standing.control
        if control is None:
            continue
        if now.wall < control.until:
            following = min(following, control.until)
            continue
        reason = run_out(state, route, control, now) or Reason.EVIDENCE_EXPIRED
        steps.append((reason, f"{route.key} stops: change {standing.change_id}"))
    return frozenset(steps), following
