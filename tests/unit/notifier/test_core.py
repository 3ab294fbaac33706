import itertools

from hypothesis import given
from hypothesis import strategies as st

from interlock.notifier.core import (
    ATTEMPT_S_MAX,
    DEADLINE_S,
    SCHEDULE_S,
    SLOTS,
    Progress,
    apply,
    asked_to_wait,
    attempt_limit,
    kind_of,
    next_attempt,
    slot_at,
)
from interlock.records.telling import Notice, NoticeKind
from interlock.vocabulary.time import NEVER, SECOND, Micros, seconds


def outcome(slot: int, kind: NoticeKind) -> Notice:
    return Notice("change", b"event", "support", "webhook:a", slot, kind, 500, "", NEVER, NEVER)


def after(*slots: int) -> Progress:
    progress = Progress()
    for slot in slots:
        progress = apply(progress, outcome(slot, kind_of(slot, accepted=False)))
    return progress


def test_the_schedule_is_the_one_of_the_design():
    assert SCHEDULE_S[:8] == (0, 2, 5, 10, 20, 40, 60, 70)
    assert SCHEDULE_S[-3:] == (270, 280, 289)
    assert SLOTS == 30


def test_the_first_attempt_is_due_at_once():
    assert next_attempt(Progress(), seconds(0)) == 0
    assert slot_at(seconds(0)) == 1


def test_the_next_attempt_is_due_at_the_next_slot():
    assert next_attempt(after(1), seconds(0.1)) == seconds(2)
    assert next_attempt(after(1, 2, 3), seconds(5.1)) == seconds(10)


def test_a_slot_that_passed_meanwhile_is_due_at_once_and_uses_the_latest_slot():
    due = next_attempt(after(1), seconds(33))
    assert due is not None
    assert due <= seconds(33)
    assert SCHEDULE_S[slot_at(seconds(33)) - 1] == 20
    assert next_attempt(after(1, slot_at(seconds(33))), seconds(34)) == seconds(40)


def test_who_was_never_told_is_told_at_once_even_after_the_deadline():
    assert next_attempt(Progress(), seconds(4_000)) == 0
    assert kind_of(slot_at(seconds(4_000)), accepted=False) is NoticeKind.EXHAUSTED


def test_nobody_is_told_again_after_the_deadline():
    assert next_attempt(after(1, 2, 3), seconds(291)) is None


def test_after_the_last_slot_failed_there_is_no_other():
    assert after(SLOTS).end is NoticeKind.EXHAUSTED
    assert next_attempt(after(SLOTS), seconds(289)) is None


def test_an_accepted_channel_is_at_its_end_whatever_else_is_on_record():
    accepted = outcome(4, NoticeKind.ACCEPTED)
    for notices in ([accepted, outcome(SLOTS, NoticeKind.EXHAUSTED)], [outcome(SLOTS, NoticeKind.EXHAUSTED), accepted]):
        progress = Progress()
        for notice in notices:
            progress = apply(progress, notice)
        assert progress.end is NoticeKind.ACCEPTED


def test_retry_after_moves_the_attempt_to_the_first_slot_behind_it():
    assert next_attempt(asked_to_wait(after(1), seconds(25)), seconds(1)) == seconds(40)


def test_retry_after_beyond_the_last_slot_is_ignored():
    assert next_attempt(asked_to_wait(after(1), seconds(600)), seconds(1)) == seconds(2)


def test_an_attempt_leaves_the_last_slot_its_time():
    assert attempt_limit(seconds(0)) == seconds(10)
    assert attempt_limit(seconds(280)) == seconds(9)
    assert attempt_limit(seconds(289)) == seconds(10)


durations = st.integers(0, ATTEMPT_S_MAX * SECOND)
outages = st.integers(0, 400 * SECOND)
waits = st.one_of(st.none(), st.integers(0, 700 * SECOND))


@given(
    first_seen=st.integers(0, 700 * SECOND),
    attempts=st.lists(st.tuples(durations, outages | st.just(0), waits), min_size=40, max_size=40),
    stopped_early=st.integers(0, 40),
)
def test_whatever_happens_attempts_keep_to_the_schedule_and_to_the_deadline(first_seen, attempts, stopped_early):
    """Each slot is used at most once; only a first attempt begins late; a restart anywhere goes on from the notices alone."""
    age, progress, on_record = Micros(first_seen), Progress(), []
    begun: list[Micros] = []
    for number, (duration, outage, wait) in enumerate(attempts):
        if number == stopped_early:  # a restart: all that is left is what was written down
            progress = Progress()
            for notice in reversed(on_record):
                progress = apply(progress, notice)
        due = next_attempt(progress, age)
        if due is None:
            break
        age = max(age, due)
        begun.append(age)
        slot = slot_at(age)
        assert slot > progress.slot
        on_record.append(outcome(slot, kind_of(slot, accepted=False)))
        progress = apply(progress, on_record[-1])
        age = Micros(age + min(duration, attempt_limit(age)))
        assert len(begun) == 1 or age <= DEADLINE_S * SECOND
        if wait is not None:
            progress = asked_to_wait(progress, Micros(age + wait))
        age = Micros(age + outage)
    assert begun[0] == first_seen
    assert all(at <= 290 * SECOND for at in begun[1:])
    slots = [notice.attempt for notice in on_record]
    assert len(set(slots)) == len(slots)
    assert progress.end is NoticeKind.EXHAUSTED or age > 290 * SECOND


@given(duration=durations)
def test_a_receiver_that_always_fails_is_tried_at_the_last_slot_however_slow_it_is(duration):
    age, progress, begun = seconds(0), Progress(), []
    while (due := next_attempt(progress, age)) is not None:
        age = max(age, due)
        begun.append(age)
        slot = slot_at(age)
        progress = apply(progress, outcome(slot, kind_of(slot, accepted=False)))
        age = Micros(age + min(duration, attempt_limit(age)))
    assert begun[-1] == seconds(289)
    assert progress.end is NoticeKind.EXHAUSTED
    assert all(later - earlier <= seconds(20) for earlier, later in itertools.pairwise(begun))
