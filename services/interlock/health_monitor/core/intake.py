"""Which batches count: each once, and only while they tell of the present.

A batch is known by its reporter, its model and a number that only goes up. Numbers are compared for each model by itself, since
the batches of two models travel on two partitions and may overtake each other. They are kept in memory: after a restart, a
batch of the last window could be counted a second time, and an older one is refused by its age.
"""

from interlock.records.health import TelemetryBatch
from interlock.signing.verifier import Refused
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, to_text


class Intake:
    """Remembers the last number of every reporter for every model.

    Args:
        age_us_max: How old the end of a batch may be.
    """

    def __init__(self, age_us_max: Micros) -> None:
        self._age_us_max = age_us_max
        self._last: dict[tuple[str, str], int] = {}

    def refusal(self, batch: TelemetryBatch, now: Micros) -> Refused | None:
        """Why a batch does not count; None: it does, and will not a second time."""
        who = f"{batch.reporter}'s batch {batch.sequence} for {batch.model}"
        if batch.window_end < batch.window_start:
            return Refused(Reason.OUT_OF_BOUNDS, f"{who} ends before it begins")
        if batch.window_end > now + CLOCK_SKEW_US_MAX:
            return Refused(Reason.FROM_THE_FUTURE, f"{who} ends at {to_text(batch.window_end)}")
        if batch.window_end < now - self._age_us_max:
            return Refused(Reason.EXPIRED, f"{who} ended at {to_text(batch.window_end)}")
        last = self._last.get((batch.reporter, batch.model))
        if last is not None and batch.sequence <= last:
            return Refused(Reason.NOT_NEWER, f"{who} after {last}")
        self._last[batch.reporter, batch.model] = batch.sequence
        return None
