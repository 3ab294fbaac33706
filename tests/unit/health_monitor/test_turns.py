"""Keys take turns, and those of one key keep their order."""

from interlock.health_monitor.core.turns import in_turn


def test_a_key_with_many_records_keeps_no_other_waiting():
    assert in_turn(["a1", "a2", "a3", "b1", "a4", "c1", "b2"], lambda each: each[0]) == [
        "a1",
        "b1",
        "c1",
        "a2",
        "b2",
        "a3",
        "a4",
    ]


def test_nothing_is_lost_and_nothing_comes_of_nothing():
    assert in_turn([], lambda each: each) == []
    assert sorted(in_turn(range(100), lambda each: each % 7)) == list(range(100))
