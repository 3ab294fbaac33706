"""What the deadline watch counts."""

from interlock.runtime.metrics import Metrics


class Instruments:
    """Breaches, what came of telling of them, what is owed, and signs of life.

    Args:
        metrics: Makes the instruments.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._breaches = metrics.counter("breaches", "1", "Changes that nobody was told of in time.")
        self._told = metrics.counter("last_channel", "1", "Attempts to tell the last channel, by outcome.")
        self._owed = metrics.gauge("receipts_owed", "1", "Changes whose receipt is waited for.")
        self._heartbeats = metrics.counter(
            "outside_heartbeats", "1", "Signs of life to the switch outside, by outcome."
        )

    def breached(self) -> None:
        """Count one breach."""
        self._breaches.add(1)

    def told(self, *, accepted: bool) -> None:
        """Count one attempt on a last channel."""
        self._told.add(1, {"outcome": "accepted" if accepted else "failed"})

    def owed(self, changes: int) -> None:
        """Tell how many receipts are waited for."""
        self._owed.set(changes)

    def heartbeat(self, *, given: bool) -> None:
        """Count one sign of life."""
        self._heartbeats.add(1, {"outcome": "given" if given else "failed"})
