"""What a router counts."""

from interlock.router.core.accept import Answer
from interlock.runtime.metrics import Metrics
from interlock.vocabulary.reasons import Reason


class Instruments:
    """Changes by what became of them, heartbeats by whether they renewed the lease, and shards with a live lease.

    Args:
        metrics: Makes the instruments.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._changes = metrics.counter("router_changes", "1", "Records of the routes topic, by answer and reason.")
        self._heartbeats = metrics.counter(
            "router_heartbeats", "1", "Heartbeats, by reason; `renewed` where they count."
        )
        self._live = metrics.gauge("router_shards_live", "1", "Shards with a live lease.")

    def judged(self, answer: Answer, reason: Reason | None) -> None:
        """Count one record of the routes topic."""
        self._changes.add(1, {"answer": str(answer), "reason": str(reason or "")})

    def heard(self, reason: Reason | None) -> None:
        """Count one heartbeat."""
        self._heartbeats.add(1, {"reason": str(reason or "renewed")})

    def live(self, shards: int) -> None:
        """Tell how many shards have a live lease."""
        self._live.set(shards)
