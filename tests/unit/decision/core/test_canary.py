from interlock.records.change import Trigger
from interlock.records.health import Level
from interlock.records.rules import CanaryPlan, Mode
from interlock.testing.stories import DOWN, PLAN, STABLE_S, policy, running, slow
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

SLOW = "latency>2s"


def in_canary(**fields):
    """A primary that is slow, and a canary of the first fallback in its first step."""
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN, **fields)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    return it


def steps(it):
    return [(order.source, order.target, order.weight) for order in it.orders]


def test_a_trigger_in_canary_mode_begins_at_the_first_step_and_the_source_serves_the_rest():
    it = in_canary()
    assert steps(it)[-1] == ("atlas", "birch", 5)
    assert it.last.canary == it.entry.canary.id != ""
    assert it.target == "atlas"
    assert it.last.cause.trigger is Trigger.LATENCY


def test_a_canary_that_is_judged_healthy_widens_step_by_step_and_is_promoted():
    it = in_canary()
    first = it.last.canary
    for _ in range(2):
        it.judge(Level.HEALTHY)
        it.wait(10)
    assert steps(it)[-3:] == [("atlas", "birch", 5), ("atlas", "birch", 50), ("atlas", "birch", 100)]
    assert [order.canary for order in it.orders[-3:]] == [first, first, ""]
    assert it.last.cause.trigger is Trigger.CANARY_PASSED
    assert it.entry.canary is None


def test_a_step_lasts_its_minimum_time_whatever_is_said():
    it = in_canary()
    it.judge(Level.HEALTHY)
    it.wait(9)
    assert it.last.weight == 5
    it.wait(1)
    assert it.last.weight == 50


def test_a_step_with_too_small_a_sample_is_not_passed():
    it = in_canary()
    it.judge(Level.HEALTHY, calls=19)
    it.wait(20)
    assert it.last.weight == 5
    it.judge(Level.HEALTHY, calls=20)
    assert it.last.weight == 50


def test_no_evidence_never_widens_and_is_rolled_back_after_the_longest_wait():
    it = in_canary(ladder=("atlas", "birch"))
    it.wait(59)
    assert it.last.weight == 5
    it.wait(1)
    rolled_back = it.orders[-2]
    assert (rolled_back.source, rolled_back.target, rolled_back.weight) == ("birch", "atlas", 100)
    assert rolled_back.cause.trigger is Trigger.CANARY_INCONCLUSIVE


def test_a_judgement_that_lapses_is_no_evidence():
    it = in_canary()
    it.judge(Level.HEALTHY)
    canary = it.entry.canary
    it.lapse("birch", f"canary.{canary.id}.0")
    it.wait(10)
    assert it.last.weight == 5


def test_a_failed_canary_is_rolled_back_at_once_and_its_model_kept_away():
    it = in_canary()
    it.judge(Level.DEGRADED, calls=1)
    rolled_back, after = it.orders[-2:]
    assert (rolled_back.source, rolled_back.target, rolled_back.weight) == ("birch", "atlas", 100)
    assert rolled_back.cause.trigger is Trigger.CANARY_FAILED
    assert (after.target, after.weight) == ("cedar", 5), "the next rung is tried, not the one that failed"
    assert ([kept.model for kept in it.entry.kept_away], it.entry.flaps) == (["birch"], 1)


def test_where_the_only_fallback_failed_as_a_canary_the_route_is_safe_for_its_model_may_not_stay():
    it = in_canary(ladder=("atlas", "birch"))
    it.judge(Level.DEGRADED)
    assert it.last.safe_state == "suspend"
    assert it.target is None


def test_if_the_source_dies_in_mid_canary_and_nothing_speaks_against_the_target_it_is_promoted_at_once():
    it = in_canary()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert (it.last.source, it.last.target, it.last.weight) == ("atlas", "birch", 100)
    assert it.last.cause.trigger is Trigger.UNAVAILABLE
    assert "birch is promoted" in it.last.cause.detail


def test_if_the_source_dies_and_the_target_too_the_next_rung_is_entered():
    it = in_canary()
    it.verdict("birch", SLOW, Level.DEGRADED)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert (it.target, it.last.weight) == ("cedar", 100)


def test_a_denied_canary_is_rolled_back_at_once():
    it = in_canary(ladder=("atlas", "birch"))
    it.deny("birch")
    assert it.orders[-2].cause.trigger is Trigger.CANARY_FAILED
    assert it.entry.canary is None


def test_a_router_that_refuses_the_canary_keeps_it_from_widening():
    it = in_canary()
    it.refuse(it.last)
    it.judge(Level.HEALTHY)
    it.wait(20)
    assert it.last.weight == 5
    it.wait(40)
    assert it.orders[-2].cause.trigger is Trigger.CANARY_INCONCLUSIVE


def test_a_refusal_of_another_change_is_no_refusal_of_this_one():
    it = in_canary()
    assert it.refuse(it.orders[0]).refused.reason is Reason.CHANGE_UNKNOWN
    assert not it.entry.nacked


def test_a_judgement_of_another_canary_or_step_is_a_reason():
    it = in_canary()
    for judged in ("canary.unknown.0", f"canary.{it.entry.canary.id}.1", "canary.", "canary"):
        assert it.verdict("birch", judged, Level.HEALTHY).refused is not None
    assert it.verdict("cedar", f"canary.{it.entry.canary.id}.0", Level.HEALTHY).refused.reason is Reason.CANARY_UNKNOWN
    assert it.last.weight == 5


def test_a_policy_without_the_step_ends_the_canary():
    it = in_canary()
    it.judge(Level.HEALTHY)
    it.wait(10)
    shorter = CanaryPlan((5,), 20, Micros(10 * SECOND), Micros(60 * SECOND))
    it.document(policy(triggers=(DOWN, slow(Mode.CANARY)), canary=shorter, version=2))
    assert Trigger.CANARY_INCONCLUSIVE in [order.cause.trigger for order in it.orders]


def test_recovery_goes_by_canary_and_its_source_is_the_lower_rung():
    it = running(canary=PLAN)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert (it.last.target, it.last.weight) == ("birch", 100), "cutover does not wait for a canary"
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(STABLE_S)
    assert steps(it)[-1] == ("birch", "atlas", 5)
    for _ in range(2):
        it.judge(Level.HEALTHY)
        it.wait(10)
    assert steps(it)[-1] == ("birch", "atlas", 100)
    assert it.entry.incident is None


def test_both_arms_of_a_canary_are_verified_against_the_policy_before_it_begins():
    it = in_canary()
    named = {check.model for check in it.last.verification}
    assert "birch" in named
    assert all(check.passed for check in it.last.verification if check.model == "birch")


def test_every_order_of_a_canary_says_what_was_verified_of_the_model_that_it_leads_to():
    it = in_canary(ladder=("atlas", "birch"))
    it.judge(Level.HEALTHY)
    it.wait(10)
    it.judge(Level.DEGRADED)
    for order in it.orders[-4:-1]:
        assert order.target in {check.model for check in order.verification}
