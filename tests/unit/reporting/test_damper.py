from interlock.reporting.damper import LIKE_FINDINGS_PER_SECOND_MAX, Damper
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

T0 = Micros(1_780_000_000 * SECOND)


def test_a_few_a_second_are_told_and_the_next_one_says_how_many_were_not():
    damper = Damper()
    flood = [damper.admit(Reason.BAD_SIGNATURE, "t", T0) for _ in range(100)]
    assert flood[:LIKE_FINDINGS_PER_SECOND_MAX] == [0] * LIKE_FINDINGS_PER_SECOND_MAX
    assert set(flood[LIKE_FINDINGS_PER_SECOND_MAX:]) == {None}
    assert damper.admit(Reason.BAD_SIGNATURE, "t", Micros(T0 + SECOND)) == 100 - LIKE_FINDINGS_PER_SECOND_MAX
    assert damper.admit(Reason.BAD_SIGNATURE, "t", Micros(T0 + SECOND)) == 0


def test_a_flood_of_one_kind_does_not_hide_another():
    damper = Damper()
    for _ in range(100):
        damper.admit(Reason.BAD_SIGNATURE, "t", T0)
    assert damper.admit(Reason.EQUIVOCATION, "t", T0) == 0
    assert damper.admit(Reason.BAD_SIGNATURE, "u", T0) == 0


def test_a_clock_that_was_put_back_does_not_silence_anything():
    damper = Damper()
    for _ in range(100):
        damper.admit(Reason.BAD_SIGNATURE, "t", T0)
    assert damper.admit(Reason.BAD_SIGNATURE, "t", Micros(T0 - 3_600 * SECOND)) is not None
