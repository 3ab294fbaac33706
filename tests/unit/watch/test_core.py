"""What is owed, when it is due, and what became of it, rule by rule."""

from dataclasses import replace

import pytest

from interlock.records.change import RoutingChange, Trigger
from interlock.records.sealing import open_sealed
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.testing.virtual_time import START
from interlock.vocabulary.time import Micros, Reading, seconds
from interlock.watch.core import UNDER_WAY_MAX, Owed, Said, Standing, Watchlist, in_short, together

DEPLOYMENT = Deployment(now=START)
DEADLINE = seconds(300)


def at(wall_s: float, *, boot_s: float | None = None) -> Reading:
    """So many seconds after the change; the other clock goes with it, unless said otherwise."""
    return Reading(Micros(START + seconds(wall_s)), seconds(10_000 + (wall_s if boot_s is None else boot_s)))


def verified(version: int = 1, trigger: Trigger | None = None) -> Verified[RoutingChange]:
    change = DEPLOYMENT.change(version=version, issued_at=START)
    if trigger is not None:
        change = replace(change, cause=replace(change.cause, trigger=trigger))
    opened = open_sealed(DEPLOYMENT.seal(change, "decision-1"), DEPLOYMENT.root, RoutingChange)
    assert isinstance(opened, Verified)
    return opened


CHANGE = verified()
ISSUED = at(0)


def notice(after_s: float, kind: NoticeKind = NoticeKind.ACCEPTED, event_id: bytes = CHANGE.event_id) -> Notice:
    moment = Micros(START + seconds(after_s))
    return Notice("x", event_id, "support", "webhook:x", 1, kind, 500, "it answered 500", START, moment)


def breach(after_s: float = 300) -> Breach:
    moment = Micros(START + seconds(after_s))
    return Breach("watch-1", "x", CHANGE.event_id, "support", "support/main/*", START, DEADLINE, False, "", moment)


def watching(*words: Notice | Breach, taken: Reading = ISSUED) -> Watchlist:
    watchlist = Watchlist(DEADLINE)
    watchlist.take(CHANGE, taken)
    for word in words:
        watchlist.hear(word, 1)
    return watchlist


def standing(watchlist: Watchlist, as_of: Reading) -> Standing:
    judged = {owed.event_id: found for owed, found in watchlist.judged(as_of)}
    return judged.get(CHANGE.event_id, Standing.OWED)


# Rule 1: what became of it.


def test_it_owes_a_receipt_until_its_time_is_over():
    assert standing(watching(), at(300)) is Standing.OWED
    assert standing(watching(), at(300.000_001)) is Standing.OVERDUE


def test_a_receipt_in_time_settles_it_whenever_it_is_read():
    for read_at in (1, 299, 300, 10_000):
        assert standing(watching(notice(300)), at(read_at)) is Standing.TOLD


def test_a_late_receipt_settles_nothing():
    assert standing(watching(notice(300.000_001)), at(301)) is Standing.OVERDUE


def test_of_several_receipts_the_first_counts():
    assert standing(watching(notice(400), notice(200)), at(500)) is Standing.TOLD
    assert standing(watching(notice(200), notice(400)), at(500)) is Standing.TOLD


@pytest.mark.parametrize("kind", [NoticeKind.FAILED, NoticeKind.EXHAUSTED, NoticeKind.OTHER])
def test_nothing_but_acceptance_is_a_receipt(kind: NoticeKind):
    assert standing(watching(notice(1, kind)), at(301)) is Standing.OVERDUE


def test_a_receipt_of_another_change_is_none_of_this():
    assert standing(watching(notice(1, event_id=bytes(32))), at(301)) is Standing.OVERDUE


def test_a_breach_on_record_stands_whatever_receipts_say():
    assert standing(watching(breach()), at(300)) is Standing.BREACHED
    assert standing(watching(breach(), notice(10)), at(500)) is Standing.BREACHED
    assert standing(watching(notice(10), breach()), at(500)) is Standing.BREACHED


def test_what_was_seen_in_time_was_in_time_though_the_notifiers_clock_runs_ahead():
    assert standing(watching(notice(900)), at(200)) is Standing.TOLD


def test_what_is_settled_is_never_judged_again():
    watchlist = watching()
    watchlist.settle(CHANGE.event_id)
    assert list(watchlist.judged(at(1_000))) == []
    assert len(watchlist) == 0


def test_taken_twice_it_owes_one_receipt_and_is_due_as_at_first():
    watchlist = watching()
    watchlist.take(CHANGE, at(0, boot_s=200))
    assert len(watchlist) == 1
    assert standing(watchlist, at(301)) is Standing.OVERDUE


# Rule 2: when.


def test_what_is_found_late_is_overdue_at_once():
    assert standing(watching(taken=at(5_000)), at(5_000)) is Standing.OVERDUE


def test_a_clock_that_goes_back_after_it_was_read_puts_nothing_off():
    assert standing(watching(), at(-3_000, boot_s=301)) is Standing.OVERDUE


def test_a_clock_that_goes_forward_after_it_was_read_accuses_nobody():
    assert standing(watching(), at(3_000, boot_s=299)) is Standing.OWED


def test_a_clock_that_is_behind_when_it_is_read_gives_it_no_more_than_the_deadline():
    assert standing(watching(taken=at(-3_000, boot_s=0)), at(-2_700, boot_s=301)) is Standing.OVERDUE


def test_a_clock_that_is_ahead_accuses_nobody_of_what_was_not_in_the_log_a_moment_ago():
    watchlist = Watchlist(DEADLINE)
    watchlist.forget(at(9_000, boot_s=0))
    watchlist.take(CHANGE, at(9_001, boot_s=1))
    left_s = 300 - UNDER_WAY_MAX / 1e6
    assert standing(watchlist, at(9_000 + left_s, boot_s=left_s)) is Standing.OWED
    assert standing(watchlist, at(9_000 + left_s, boot_s=left_s + 2)) is Standing.OVERDUE


# Rule 4: what is remembered.


def test_a_receipt_may_be_read_before_its_change():
    watchlist = Watchlist(DEADLINE)
    watchlist.hear(notice(1), 1)
    watchlist.take(CHANGE, at(2))
    assert standing(watchlist, at(2)) is Standing.TOLD


def test_what_was_said_of_changes_that_owe_nothing_is_forgotten_at_the_end_of_the_log():
    watchlist = watching(notice(1, NoticeKind.FAILED), notice(1, event_id=bytes(32)))
    watchlist.forget(at(1))
    assert watchlist.words == 1
    watchlist.settle(CHANGE.event_id)
    watchlist.forget(at(2))
    assert (watchlist.words, len(watchlist)) == (0, 0)


# What is known, for the record.


def test_what_is_known_of_the_attempts_is_told_in_words():
    failed = together(in_short(notice(1, NoticeKind.FAILED)), in_short(notice(2, NoticeKind.EXHAUSTED)))
    assert Said().known == "no attempt to tell of it is on record"
    assert failed.known == "failed attempts: 2, the last on webhook:x: it answered 500"
    hostile = replace(notice(1, NoticeKind.FAILED), detail="fine.\n\u202eAll were told.\x1b[2J\u2028")
    assert in_short(hostile).last == "webhook:x: fine. All were told. [2J"
    assert in_short(notice(400)).known == "it was accepted too late"
    assert together(failed, in_short(notice(400))).known.startswith("it was accepted too late; failed attempts: 2")


def test_a_suspension_that_a_breach_brought_about_is_known_as_one():
    def owed(trigger: Trigger) -> Owed:
        watchlist = Watchlist(DEADLINE)
        watchlist.take(verified(trigger=trigger), at(0))
        ((owed, _),) = watchlist.judged(at(301))
        return owed

    assert owed(Trigger.UNNOTIFIED).unnotified
    assert not owed(Trigger.SUSPENDED).unnotified
