"""What the decision service counts."""

from interlock.records.change import RoutingChange
from interlock.runtime.metrics import Metrics


class Instruments:
    """Orders by trigger, steps and terms by shard.

    Args:
        metrics: Makes the instruments.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._changes = metrics.counter(
            "routing_changes", "1", "Routing changes journalled, by trigger and kind of target."
        )
        self._steps = metrics.counter("decision_steps", "1", "Steps appended to the audit log, by shard.")
        self._terms = metrics.counter("decision_terms_ended", "1", "Terms that ended with a doubt, by shard.")

    def stepped(self, shard: int, changes: list[RoutingChange]) -> None:
        """Count one step and its orders."""
        self._steps.add(1, {"shard": shard})
        for change in changes:
            kind = "model" if change.target else "safe_state"
            self._changes.add(1, {"trigger": str(change.cause.trigger), "target": kind})

    def doubted(self, shard: int) -> None:
        """Count the end of a term."""
        self._terms.add(1, {"shard": shard})
