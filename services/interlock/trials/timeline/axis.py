"""The time axis: where its ticks are, and what is written at them.

Up to two days, ticks stand at round times since the moment from which times are counted (`30 s`, `1 h 30 min`); beyond, at midnights
UTC, written as dates, where the start is a date at all.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.trials.timeline.lanes import Timeline
from interlock.vocabulary.time import SECOND, Micros

_MINUTE, _HOUR, _DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
_MONTH = 30 * _DAY
_MILLISECOND = SECOND // 1_000
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (SECOND, "s"))
_STEPS = (
    *(count * _MILLISECOND for count in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(count * SECOND for count in (1, 2, 5, 10, 15, 30)),
    *(count * _MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 3, 6, 12)),
    *(count * _DAY for count in (1, 2, 7, 14, 30, 90, 180, 365)),
)
_DATES_FROM_US = 2 * _DAY
_A_DATE_US = 365 * _DAY
"""A start before 1971 is no date: its story counts from 0."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of the axis."""

    at: Micros
    label: str


def ticks(timeline: Timeline, count_max: int) -> list[Tick]:
    """The ticks of a timeline: as many as are useful, and at most so many."""
    step = _step(timeline.length, count_max)
    zero = 0 if _has_dates(timeline) else timeline.zero
    first = zero - (zero - timeline.start) // step * step
    moments = [Micros(at) for at in range(first, timeline.end + 1, step)]
    return [Tick(at, _date(at, step) if _has_dates(timeline) else elapsed(Micros(at - zero))) for at in moments]


def _step(length: int, count_max: int) -> int:
    """The smallest round step that gives no more ticks than that, one at the start included."""
    steps_max = max(count_max - 1, 1)
    fitting = (step for step in _STEPS if length // step <= steps_max)
    return next(fitting, -(-length // (steps_max * _STEPS[-1])) * _STEPS[-1])


def _has_dates(timeline: Timeline) -> bool:
    """Whether the ticks are dates."""
    return timeline.start >= _A_DATE_US and timeline.length >= _DATES_FROM_US


def caption(timeline: Timeline) -> str:
    """What the axis counts: from which moment, and how long."""
    lasts = elapsed(Micros(timeline.length))
    if timeline.start < _A_DATE_US:
        return f"time since the beginning; {lasts} in all"
    from_when = timeline.start if _has_dates(timeline) else timeline.zero
    moment = f"{_EPOCH + timedelta(microseconds=from_when):%Y-%m-%d %H:%M:%S} UTC"
    return f"{'days, UTC; from' if _has_dates(timeline) else 'time since'} {moment}; {lasts} in all"


def elapsed(duration: Micros) -> str:
    """A duration for people, in its two largest units: `0 s`, `1.5 s`, `1 min 30 s`, `3 d 4 h`."""
    if duration < _MINUTE:
        return f"{round(duration / SECOND, 3 if duration < SECOND else 1):g} s"
    whole = (duration + SECOND // 2) // SECOND * SECOND
    place = next(number for number, (size, _) in enumerate(_UNITS) if whole >= size)
    parts = []
    for size, unit in _UNITS[place : place + 2]:
        if whole >= size:
            parts.append(f"{whole // size} {unit}")
        whole %= size
    return " ".join(parts)


def _date(at: int, step: int) -> str:
    moment = _EPOCH + timedelta(microseconds=at)
    if step >= _MONTH:
        return f"{moment:%b %Y}"
    return f"{moment.day} {moment:%b %Y}" if moment.timetuple().tm_yday == 1 else f"{moment.day} {moment:%b}"
