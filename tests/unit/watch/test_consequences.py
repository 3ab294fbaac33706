"""What follows from a breach is a function of the change."""

from dataclasses import replace

from interlock.records.codec import encode
from interlock.testing.virtual_time import START
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.time import Micros, seconds
from interlock.watch.consequences import breach_of, message_id, suspension_of
from interlock.watch.core import Owed, Said

OWED = Owed(
    event_id=bytes(range(32)),
    id="support/main/*@1.0.2",
    root_version=1,
    deployment="testbed",
    agent="support",
    route="support/main/*",
    source="atlas",
    target="birch",
    safe_state=None,
    unnotified=False,
    issued_at=START,
    deadline=seconds(300),
    due=seconds(300),
)


def test_whoever_orders_the_suspension_again_gives_the_same_bytes_whatever_his_clock_and_deadline():
    other = replace(OWED, due=seconds(9_999), deadline=seconds(15))
    assert encode(suspension_of(other)) == encode(suspension_of(OWED))
    assert message_id(other) == message_id(OWED)


def test_another_change_is_another_order():
    other = replace(OWED, event_id=bytes(32))
    assert suspension_of(other).id != suspension_of(OWED).id
    assert message_id(other) != message_id(OWED)


def test_what_is_known_of_the_attempts_is_bounded():
    breach = breach_of(OWED, Said(failures=1, last="x" * 2_000), None, by="watch-1", now=Micros(START))
    assert len(breach.detail) == TEXT_CHARS_MAX
