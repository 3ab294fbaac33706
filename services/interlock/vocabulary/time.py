"""Time as one integer: microseconds since the Unix epoch, UTC.

Cores never read a clock: the time is an argument. A router needs two clocks at once, see `Reading`. Durations written by
people are strings such as `250ms`, `30s`, `5m`, `2h`, `90d`.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, NewType

from interlock.vocabulary.limits import DURATION_US_MAX, MOMENT_US_MAX

Micros = NewType("Micros", int)
"""A point in time (since 1970-01-01T00:00:00Z) or a duration, in microseconds."""

NEVER = Micros(0)
FOREVER = Micros(MOMENT_US_MAX)
"""The end of time: what has no end ends then."""

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"ms": 1_000, "s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": 86_400 * SECOND}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")


class Reading(NamedTuple):
    """Both clocks, read together.

    Attributes:
        wall: Civil time; can be stepped by an administrator or by NTP.
        boot: Time since boot, the time asleep included (`CLOCK_BOOTTIME`); never goes back. Leases are measured on it.
    """

    wall: Micros
    boot: Micros


def seconds(value: float) -> Micros:
    """Convert seconds to microseconds."""
    return Micros(round(value * SECOND))


def to_text(moment: Micros) -> str:
    """Write a point in time as RFC 3339 in UTC, with milliseconds."""
    text = (_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def from_datetime(moment: datetime) -> Micros:
    """Convert an aware datetime; a naive one is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Micros((aware - _EPOCH) // timedelta(microseconds=1))


def parse_duration(text: str) -> Micros:
    """Read a duration written by a person.

    Raises:
        ValueError: The text is not a whole number followed by ms, s, m, h or d, or it is more than ten years.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a duration; write a whole number and a unit, such as 250ms, 30s, 5m, 2h or 90d"
        )
    duration = int(match[1]) * _UNITS[match[2]]
    if duration > DURATION_US_MAX:
        raise ValueError(f"{text!r} is longer than {duration_text(Micros(DURATION_US_MAX))}")
    return Micros(duration)


def duration_text(value: Micros) -> str:
    """Write a duration in the largest unit that divides it: the inverse of `parse_duration`."""
    for unit in ("d", "h", "m", "s", "ms"):
        if value and value % _UNITS[unit] == 0:
            return f"{value // _UNITS[unit]}{unit}"
    return f"{value / 1000:g}ms"
