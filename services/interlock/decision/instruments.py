"""What the decision service counts."""

from interlock.records.change import RoutingChange
from interlock.runtime.metrics import Metrics


class Instruments:
    """Orders by trigger; steps, starts and terms by shard.

    Args:
        metrics: Makes the instruments.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._changes = metrics.counter(
            "routing_changes", "1", "Routing changes journalled, by trigger and kind of target."
        )
        self._steps = metrics.counter("decision_steps", "1", "Steps appended to the audit log, by shard.")
        self._starts = metrics.counter(
            "decision_starts", "1", "Starts of a shard, by what they were made from: the state topic or the whole log."
        )
        self._read = metrics.gauge(
            "decision_start_records", "1", "Records of the audit log that the last start read, by shard."
        )
        self._terms = metrics.counter("decision_terms_ended", "1", "Terms that ended with a doubt, by shard.")

    def stepped(self, shard: int, changes: list[RoutingChange]) -> None:
        """Count one step and its orders."""
        self._steps.add(1, {"shard": shard})
        for change in changes:
            kind = "model" if change.target else "safe_state"
            self._changes.add(1, {"trigger": str(change.cause.trigger), "target": kind})

    def started(self, shard: int, source: str, records: int) -> None:
        """Count one start, and tell how much of the log it read."""
        self._starts.add(1, {"shard": shard, "source": source})
        self._read.set(records, {"shard": shard})

    def doubted(self, shard: int) -> None:
        """Count the end of a term."""
        self._terms.add(1, {"shard": shard})
