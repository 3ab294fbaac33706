"""What records refuse of themselves when they are built: values out of bounds."""

from interlock.vocabulary.limits import DURATION_US_MAX
from interlock.vocabulary.time import Micros


def require(holds: bool, fault: str) -> None:
    """Refuse a record whose values are out of bounds; the decoder answers with `Reason.OUT_OF_BOUNDS`."""
    if not holds:
        raise ValueError(fault)


def require_duration(duration: Micros) -> None:
    """Refuse a duration that is negative, or so long that a time of today and it would make no time."""
    require(0 <= duration <= DURATION_US_MAX, "a duration is out of bounds")
