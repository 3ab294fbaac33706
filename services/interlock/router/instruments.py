"""What a router counts."""

from interlock.router.core.accept import Answer
from interlock.runtime.metrics import Metrics
from interlock.vocabulary.reasons import Reason


class Instruments:
    """Changes by what became of them, heartbeats by whether they renewed the lease, shards with a live lease, and words that wait.

    Args:
        metrics: Makes the instruments.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._changes = metrics.counter("router_changes", "1", "Records of the routes topic, by answer and reason.")
        self._heartbeats = metrics.counter(
            "router_heartbeats", "1", "Heartbeats, by reason; `renewed` where they count."
        )
        self._unsaid = metrics.gauge(
            "router_acknowledgements_unsaid", "1", "Acknowledgements that the broker is not known to have."
        )
        self._given_up = metrics.counter(
            "router_acknowledgements_given_up", "1", "Acknowledgements given up, since too many waited."
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

    def unsaid(self, words: int) -> None:
        """Tell how many acknowledgements wait."""
        self._unsaid.set(words)

    def given_up(self) -> None:
        """Count an acknowledgement that will not be said."""
        self._given_up.add(1)
