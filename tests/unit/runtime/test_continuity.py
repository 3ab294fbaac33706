import pytest

from interlock.runtime.bus import Position, Record
from interlock.runtime.continuity import Continuity, require_not_shorter
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import AUDIT, ROUTES

LOG, TABLE = Position(AUDIT.name, 2), Position(ROUTES.name, 2)


def records(where, *offsets):
    return [Record(*where, offset=offset, key=b"", value=b"", timestamp_ms=0) for offset in offsets]


def taken(continuity, where, asked, offsets, reached):
    told, stands = continuity.take(where, asked, records(where, *offsets), reached)
    return [each.offset for each in told], stands


def test_a_log_without_a_hole_is_told_as_it_came():
    continuity = Continuity()
    assert taken(continuity, LOG, 5, [5, 6, 7], 8) == ([5, 6, 7], 8)
    assert taken(continuity, LOG, 8, [], 8) == ([], 8)
    continuity.require()


@pytest.mark.parametrize("offsets", [[5, 7], [6, 7]])
def test_the_reader_stays_before_a_hole_and_says_so(offsets):
    continuity = Continuity()
    told, stands = taken(continuity, LOG, 5, offsets, 8)
    assert (told, stands) == ([5], 6) if offsets[0] == 5 else ([], 5)
    with pytest.raises(InfrastructureError, match=f"offset {stands} of {AUDIT.name}-2"):
        continuity.require()


def test_a_hole_with_nothing_behind_it_is_one_too():
    continuity = Continuity()
    assert taken(continuity, LOG, 5, [], 7) == ([], 5)
    with pytest.raises(InfrastructureError):
        continuity.require()


def test_once_the_hole_is_filled_nothing_is_wrong_any_more():
    continuity = Continuity()
    taken(continuity, LOG, 5, [6], 7)
    assert taken(continuity, LOG, 5, [5, 6], 7) == ([5, 6], 7)
    continuity.require()


def test_a_compacted_topic_may_have_holes():
    continuity = Continuity()
    assert taken(continuity, TABLE, 5, [9], 12) == ([9], 12)
    continuity.require()


def test_a_record_that_is_told_twice_is_no_hole():
    assert taken(Continuity(), LOG, 5, [5, 5, 6], 7) == ([5, 5, 6], 7)


def test_a_log_that_ends_before_what_was_read_of_it_is_an_error():
    require_not_shorter({LOG: 5, TABLE: 9}, {LOG: 5, TABLE: 8})
    with pytest.raises(InfrastructureError, match=f"{TABLE.topic}-2 ends at 7, and 8 was reached"):
        require_not_shorter({LOG: 5, TABLE: 7}, {LOG: 5, TABLE: 8})
