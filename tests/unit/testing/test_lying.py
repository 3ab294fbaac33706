"""What a reader is told under each lie, and how that is said in Kafka's protocol."""

import pytest
from aiokafka.record.memory_records import MemoryRecords

from interlock.runtime.bus import Position, Record
from interlock.testing.lying.frames import batch_of
from interlock.testing.lying.lies import (
    Ahead,
    Cut,
    Freeze,
    Late,
    Reorder,
    Repeat,
    Rewind,
    ServeOld,
    Which,
    Withhold,
)
from interlock.testing.lying.told import Remembered, Truth, dumb, silent, tell
from interlock.vocabulary.time import SECOND, Micros, seconds

WHERE = Position("t", 0)
NOW = Micros(100 * SECOND)
SECOND_B = Which("t", "b", after=Micros(42 * SECOND))
LOG = tuple(
    Record("t", 0, offset, key.encode(), f"{key}{offset}".encode(), (40 + offset) * 1_000)
    for offset, key in enumerate("abab")
)


def told(*lies, position=0, records=LOG, now=NOW):
    """The values that are told with their offsets, where the reader stands, the end that it is told, and whether it is refused."""
    seen = Remembered()
    seen.note(LOG[: position + len(records)])
    said = tell(lies, Truth(WHERE, records[position:] if records is LOG else records, 4), position, now, seen)
    values = [(each.offset, each.value.decode()) for each in said.records]
    return values, said.position, said.end, said.out_of_range


TRUTH = [(0, "a0"), (1, "b1"), (2, "a2"), (3, "b3")]


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        (Withhold(SECOND_B), (TRUTH[:3], 4, 4, False)),
        (Withhold(Which("t", "b")), ([TRUTH[0], TRUTH[2]], 4, 4, False)),
        (Withhold(Which("other")), (TRUTH, 4, 4, False)),
        (Cut(Which("t", "b")), (TRUTH[:1], 1, 1, False)),
        (ServeOld(Which("t", "b")), ([*TRUTH[:3], (3, "b1")], 4, 4, False)),
        (Repeat(Which("t", "a")), ([TRUTH[0], *TRUTH[:3], TRUTH[2], TRUTH[3]], 4, 4, False)),
        (Reorder(Which("t")), ([(0, "b3"), (1, "a2"), (2, "b1"), (3, "a0")], 4, 4, False)),
        (Late(Which("t"), seconds(58)), (TRUTH[:3], 3, 3, False)),
        (Ahead(Which("t")), (TRUTH, 4, 1004, False)),
        (Rewind("t", 2), (TRUTH[:2], 2, 2, False)),
    ],
)
def test_what_is_told(lie, expected):
    assert told(lie) == expected


def test_nothing_untrue_is_told_without_a_lie():
    assert told() == (TRUTH, 4, 4, False)


def test_a_reader_beyond_an_older_end_is_told_that_its_offset_does_not_exist():
    assert told(Rewind("t", 2), position=3) == ([], 3, 2, True)


def test_of_several_lies_each_is_told_of_what_those_before_it_left():
    assert told(Withhold(Which("t", "a")), Reorder(Which("t"))) == ([(1, "b3"), (3, "b1")], 4, 4, False)


def test_one_record_waits_for_another_to_change_places_with_but_not_for_ever():
    alone = LOG[3:]
    assert told(Reorder(Which("t")), position=3, records=alone, now=Micros(43_500_000)) == ([], 3, 3, False)
    assert told(Reorder(Which("t")), position=3, records=alone) == ([(3, "b3")], 4, 4, False)


def test_a_frozen_topic_is_silent_and_a_frozen_broker_is_dumb():
    assert silent([Freeze(Which("t"))], WHERE)
    assert not silent([Freeze(Which("other"))], WHERE)
    assert not dumb([Freeze(Which("t"))])
    assert dumb([Freeze(Which())])


def test_a_batch_says_what_is_told_and_where_the_reader_then_stands():
    records = MemoryRecords(batch_of((LOG[1], LOG[3]), 1, 7))
    batch = records.next_batch()
    assert batch is not None
    assert batch.validate_crc()
    assert [(each.offset, each.key, each.value, each.timestamp) for each in batch] == [
        (1, b"b", b"b1", 41_000),
        (3, b"b", b"b3", 43_000),
    ]
    assert batch.next_offset == 7


def test_an_empty_batch_moves_the_reader_on():
    batch = MemoryRecords(batch_of((), 5, 9)).next_batch()
    assert batch is not None
    assert batch.validate_crc()
    assert (list(batch), batch.next_offset) == ([], 9)
