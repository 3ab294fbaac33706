"""What the notifier counts."""

from interlock.records.telling import NoticeKind
from interlock.runtime.metrics import Metrics
from interlock.vocabulary.time import SECOND, Micros


class Instruments:
    """Outcomes by kind, how long acceptance took, and what is on its way.

    Args:
        metrics: Makes the instruments.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._notices = metrics.counter("notices", "1", "Outcomes of attempts to tell of a change, by kind.")
        self._accepted_after = metrics.histogram(
            "notice_accepted_after", "s", "From a change's issued_at to its acceptance by a channel."
        )
        self._pending = metrics.gauge("notices_pending", "1", "Changes that are not finished on every channel.")

    def ended(self, kind: NoticeKind, age: Micros) -> None:
        """Count one outcome, at that age of the change."""
        self._notices.add(1, {"kind": str(kind)})
        if kind is NoticeKind.ACCEPTED:
            self._accepted_after.record(age / SECOND)

    def pending(self, changes: int) -> None:
        """Tell how many changes are on their way."""
        self._pending.set(changes)
