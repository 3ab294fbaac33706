from dataclasses import replace

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.log import NO_TERM, ShardLog
from interlock.vocabulary.time import Micros

CLAIM = AuditRecord(2, AuditKind.CLAIM, "decision-a", NO_TERM, 0, Micros(1), (), (), (), b"")


def step(term: int, sequence: int) -> AuditRecord:
    return replace(CLAIM, kind=AuditKind.STEP, term=term, sequence=sequence)


def counted(records: list[AuditRecord], log: ShardLog | None = None, first_offset: int = 0) -> list[bool]:
    reader = log or ShardLog(shard=2)
    return [reader.take(offset, record) for offset, record in enumerate(records, first_offset)]


def test_steps_under_the_last_claim_count():
    assert counted([CLAIM, step(0, 1), step(0, 2)]) == [True, True, True]


def test_a_step_before_any_claim_is_void():
    assert counted([step(NO_TERM, 1), step(0, 1)]) == [False, False]


def test_a_zombies_step_after_the_next_claim_is_void_and_takes_no_sequence():
    assert counted([CLAIM, step(0, 1), CLAIM, step(0, 2), step(2, 2)]) == [True, True, True, False, True]


def test_a_step_that_was_appended_twice_counts_once():
    assert counted([CLAIM, step(0, 1), step(0, 1), step(0, 2)]) == [True, True, False, True]


def test_nothing_counts_after_a_gap_until_the_next_owner_goes_on_where_the_log_stood():
    assert counted([CLAIM, step(0, 1), step(0, 3), step(0, 4), CLAIM, step(4, 2)]) == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]


def test_records_of_another_shard_are_void_claims_included():
    other = replace(CLAIM, shard=3)
    assert counted([CLAIM, other, step(1, 1), step(0, 1)]) == [True, False, False, True]


def test_a_kind_that_is_not_known_here_is_void():
    assert counted([CLAIM, replace(step(0, 1), kind=AuditKind.OTHER)]) == [True, False]


def test_a_reader_that_begins_at_a_claim_takes_the_count_from_its_first_step():
    log = ShardLog(shard=2, sequence=None)
    assert counted([CLAIM, step(90, 41), step(90, 43), step(90, 42)], log, 90) == [True, True, False, True]


def broken(records: list[AuditRecord], log: ShardLog | None = None, first_offset: int = 0) -> list[bool]:
    """After which records the log shows that one before it is missing."""
    reader, found = log or ShardLog(shard=2), []
    for offset, record in enumerate(records, first_offset):
        reader.take(offset, record)
        found.append(reader.broken)
    return found


def test_a_sequence_that_was_left_out_shows_and_a_step_that_was_appended_twice_is_none():
    assert broken([CLAIM, step(0, 1), step(0, 1), step(0, 3)]) == [False, False, False, True]


def test_steps_of_a_claim_that_was_not_there_show_it():
    assert broken([CLAIM, step(0, 1), step(1, 2), step(2, 3)]) == [False, False, True, True]


def test_a_zombies_steps_show_nothing():
    assert not any(broken([CLAIM, step(0, 1), CLAIM, step(0, 2), step(0, 3), step(2, 2)]))


def test_an_owner_that_goes_on_from_an_earlier_place_shows_that_it_was_told_too_little():
    assert broken([CLAIM, step(0, 1), step(0, 2), CLAIM, step(3, 2)]) == [False, False, False, False, True]
