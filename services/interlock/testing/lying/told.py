"""What a reader of one partition is told under some lies. Pure: the records as they are go in, those as they are told come out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.runtime.bus import Position, Record
from interlock.testing.lying.lies import (
    Ahead,
    Cut,
    Drop,
    Freeze,
    Late,
    Lie,
    Reorder,
    Repeat,
    Rewind,
    ServeOld,
    Withhold,
)
from interlock.vocabulary.time import SECOND, Micros

_AHEAD = 1_000
_ALONE_US_MAX = SECOND
"""How long a record waits for another to change places with."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader is told of a partition.

    Attributes:
        records: In the order of their offsets; one that is repeated comes twice.
        position: Where the reader stands afterwards.
        end: What it is told of the offset that the next record will get.
        out_of_range: Whether it is told that its offset does not exist; then nothing else is told.
    """

    records: tuple[Record, ...]
    position: int
    end: int
    out_of_range: bool = False


class Remembered:
    """The records of one partition that passed by, of each key the last two: what `ServeOld` has to serve."""

    def __init__(self) -> None:
        self._last: dict[bytes | None, tuple[Record, ...]] = {}

    def note(self, records: Sequence[Record]) -> None:
        """Take note of records, in order; those that were noted before change nothing."""
        for record in records:
            held = self._last.get(record.key, ())
            if not held or record.offset > held[-1].offset:
                self._last[record.key] = (*held, record)[-2:]

    def before(self, record: Record) -> Record | None:
        """The record of the same key before this one, the last one but this if both are held."""
        held = [each for each in self._last.get(record.key, ()) if each.offset < record.offset]
        return held[-1] if held else None


def silent(lies: Sequence[Lie], where: Position) -> bool:
    """Whether nothing is said of a partition."""
    return any(isinstance(lie, Freeze) and lie.which.about(where) for lie in lies)


def dumb(lies: Sequence[Lie]) -> bool:
    """Whether nothing is answered at all."""
    return any(isinstance(lie, Freeze) and not lie.which.topic for lie in lies)


def dropped(lies: Sequence[Lie]) -> bool:
    """Whether connections are cut."""
    return any(isinstance(lie, Drop) for lie in lies)


@dataclass(frozen=True, slots=True)
class Truth:
    """One partition as it is.

    Attributes:
        where: The partition.
        records: Its records from the reader's position on, as many as are at hand.
        end: Its end; beyond the last of the records if there are more.
    """

    where: Position
    records: tuple[Record, ...]
    end: int


def tell(lies: Sequence[Lie], truth: Truth, position: int, now: Micros, seen: Remembered) -> Told:
    """What a reader that stands at a position is told.

    Args:
        lies: The lies, in the order in which they are told.
        truth: The partition as it is.
        position: Where the reader stands.
        now: Civil time.
        seen: What passed by before, and these records.
    """
    told = Told(truth.records, max([position, *(each.offset + 1 for each in truth.records)]), truth.end)
    for lie in lies:
        if isinstance(lie, Rewind):
            told = _rewound(lie, told, truth.where, position)
        elif isinstance(lie, Ahead):
            told = replace(told, end=told.end + _AHEAD) if lie.which.about(truth.where) else told
        else:
            told = _told(lie, told, now, seen)
    return told


def _rewound(lie: Rewind, told: Told, where: Position, position: int) -> Told:
    if where.topic != lie.topic or told.end <= lie.end:
        return told
    if position > lie.end:
        return Told((), position, lie.end, out_of_range=True)
    return _until(told, lie.end)


def _told(lie: Lie, told: Told, now: Micros, seen: Remembered) -> Told:
    match lie:
        case Withhold():
            return replace(told, records=tuple(each for each in told.records if not lie.which.of(each)))
        case Cut():
            return _until(told, next((each.offset for each in told.records if lie.which.of(each)), None))
        case Late():
            due = (each.offset for each in told.records if lie.which.of(each) and _age(each, now) < lie.by)
            return _until(told, next(due, None))
        case ServeOld():
            return replace(
                told, records=tuple(_old(each, seen) if lie.which.of(each) else each for each in told.records)
            )
        case Repeat():
            twice = (again for each in told.records for again in (each, each)[: 1 + lie.which.of(each)])
            return replace(told, records=tuple(twice))
        case Reorder():
            return _reordered(lie, told, now)
        case _:
            return told


def _until(told: Told, end: int | None) -> Told:
    """What is told of a log that ends there; None: it ends where it did."""
    if end is None:
        return told
    kept = tuple(each for each in told.records if each.offset < end)
    return replace(told, records=kept, position=min(told.position, end), end=end)


def _reordered(lie: Reorder, told: Told, now: Micros) -> Told:
    meant = [each for each in told.records if lie.which.of(each)]
    if len(meant) == 1 and _age(meant[0], now) < _ALONE_US_MAX:
        return _until(told, meant[0].offset)
    places = iter([each.offset for each in meant])
    moved = {next(places): each for each in reversed(meant)}
    return replace(told, records=tuple(_at(moved.get(each.offset, each), each.offset) for each in told.records))


def _old(record: Record, seen: Remembered) -> Record:
    before = seen.before(record)
    return record if before is None else _at(before, record.offset)


def _at(record: Record, offset: int) -> Record:
    return replace(record, offset=offset)


def _age(record: Record, now: Micros) -> int:
    return now - record.timestamp_ms * 1_000
