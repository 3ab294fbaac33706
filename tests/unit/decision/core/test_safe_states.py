from dataclasses import replace

import pytest

from interlock.records.change import Trigger
from interlock.records.commands import Verb
from interlock.records.health import Level
from interlock.records.rules import Mode, SafeReply, SafeState, TriggerRule, WatchedTrigger
from interlock.testing.stories import DOWN, STABLE_S, driver, policy, running, slow
from interlock.vocabulary.time import SECOND, Micros

REPLIES = {
    SafeState.SUSPEND: SafeReply(),
    SafeState.HUMAN_QUEUE: SafeReply(),
    SafeState.CACHED_RESPONSE: SafeReply(cache_us=Micros(60 * SECOND)),
    SafeState.TEMPLATED_REPLY: SafeReply(text="Please call us."),
}
ONE = ("atlas",)


def dead(state, reply=None, **fields):
    """A route of one model, which has died."""
    it = running(ONE, safe_state=state, safe_reply=reply or REPLIES.get(state, SafeReply()), **fields)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    return it


@pytest.mark.parametrize("state", REPLIES)
def test_a_safe_state_entered_for_want_of_a_rung_is_left_when_one_has_been_stable(state):
    it = dead(state)
    assert (it.last.target, it.last.safe_state) == (None, state)
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(STABLE_S - 1)
    assert it.last.safe_state == state
    it.wait(1)
    assert it.target == "atlas"


def test_a_safe_shutdown_is_left_by_a_resume_only():
    it = dead(SafeState.SAFE_SHUTDOWN)
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(3600)
    assert it.last.safe_state == "safe_shutdown"
    it.command(Verb.RESUME)
    assert it.answer == "accepted"
    it.all_healthy("atlas")
    it.wait(STABLE_S)
    assert it.target == "atlas"


def test_a_route_that_never_was_served_is_not_shut_down_for_good():
    it = driver(ONE, safe_state=SafeState.SAFE_SHUTDOWN)
    assert it.last.safe_state == "safe_shutdown"
    it.all_healthy("atlas")
    it.wait(STABLE_S)
    assert it.target == "atlas"


READ_ONLY = SafeReply(model="birch")


def reading(**fields):
    """A primary that must be suspended for, while the named rung is healthy."""
    triggers = (DOWN, slow(Mode.SUSPEND))
    it = running(("atlas", "birch"), triggers=triggers, safe_state=SafeState.READ_ONLY, safe_reply=READ_ONLY, **fields)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    return it


def test_read_only_names_the_rung_that_answers_without_its_tools():
    it = reading()
    assert (it.last.target, it.last.safe_state) == ("birch", "read_only")
    assert all(check.passed for check in it.last.verification)


def test_read_only_whose_rung_must_be_left_is_a_suspension_and_begins_again_with_the_rung():
    it = reading()
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    assert (it.last.target, it.last.safe_state) == (None, "suspend")
    it.verdict("birch", "unavailable", Level.HEALTHY)
    it.wait(STABLE_S)
    assert (it.last.target, it.last.safe_state) == ("birch", "read_only")


def test_read_only_with_a_rung_that_nobody_knows_is_a_suspension():
    it = running(("atlas", "birch"), safe_state=SafeState.READ_ONLY, safe_reply=READ_ONLY)
    it.lapse("birch")
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert (it.last.target, it.last.safe_state) == (None, "suspend")


def test_read_only_does_not_answer_without_a_guard():
    it = running(("atlas", "birch"), safe_state=SafeState.READ_ONLY, safe_reply=READ_ONLY, guards=("pii-filter",))
    it.guard("pii-filter", Level.UNAVAILABLE)
    assert (it.last.target, it.last.safe_state) == (None, "suspend")


def test_a_trigger_in_suspend_mode_waits_for_a_person_whatever_its_model_does_then():
    it = running(triggers=(DOWN, slow(Mode.SUSPEND)))
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    assert it.last.safe_state == "suspend"
    it.verdict("atlas", "latency>2s", Level.HEALTHY)
    it.wait(3600)
    assert it.target is None
    it.command(Verb.RESUME)
    it.wait(STABLE_S)
    assert it.target == "atlas"


def test_of_two_triggers_the_more_forceful_decides():
    it = running(
        triggers=(slow(Mode.CUTOVER, seconds=10), replace(DOWN, mode=Mode.SUSPEND, for_us=Micros(10 * SECOND)))
    )
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.wait(10)
    assert it.last.safe_state == "suspend"
    assert it.last.cause.trigger is Trigger.UNAVAILABLE


def test_a_silent_guard_is_the_safe_state_at_once_and_its_return_leads_out():
    it = running(guards=("pii-filter",))
    it.guard("pii-filter", Level.UNAVAILABLE)
    assert it.last.safe_state == "suspend"
    assert it.last.cause.trigger is Trigger.GUARD_MISSING
    it.guard("pii-filter", Level.HEALTHY)
    it.wait(STABLE_S)
    assert it.target == "atlas"


def test_a_guard_of_which_nothing_is_known_is_borne_for_the_blind_time():
    it = running(guards=("pii-filter",))
    it.lapse("guard@pii-filter", "guard")
    assert it.target == "atlas"
    it.wait(10)
    assert it.last.cause.trigger is Trigger.GUARD_MISSING


def test_no_route_begins_without_its_guards():
    it = driver(guards=("pii-filter",))
    it.all_healthy("atlas", "birch", "cedar")
    it.wait(60)
    assert it.target is None
    it.guard("pii-filter", Level.HEALTHY)
    it.wait(1)
    assert it.target == "atlas"


@pytest.mark.parametrize("guard_first", [True, False])
def test_a_guard_missing_is_never_answered_with_another_model(guard_first):
    it = running(guards=("pii-filter",))
    if guard_first:
        it.guard("pii-filter", Level.UNAVAILABLE)
        it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    else:
        it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
        it.guard("pii-filter", Level.UNAVAILABLE)
    assert it.target is None


def test_a_new_policy_with_another_safe_state_is_obeyed_at_once():
    it = dead(SafeState.SUSPEND)
    it.document(policy(ONE, version=2, safe_state=SafeState.HUMAN_QUEUE))
    assert it.last.safe_state == "human_queue"
    assert it.last.policy_version == 2


def test_a_tolerated_degradation_lets_a_fallback_be_entered_and_kept_but_not_the_primary():
    it = running(triggers=(DOWN, replace(slow(Mode.CUTOVER), tolerated=True)))
    it.verdict("birch", "latency>2s", Level.DEGRADED)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    assert it.target == "birch"
    it.wait(60)
    assert it.target == "birch"
    it.verdict("birch", "latency>2s", Level.UNAVAILABLE)
    assert it.target == "cedar"


REFUSALS = TriggerRule(WatchedTrigger.REFUSALS, 0.1, Micros(0), Mode.SUSPEND)


@pytest.mark.parametrize("state", [SafeState.SUSPEND, SafeState.READ_ONLY])
def test_refusals_never_lead_to_another_model_not_even_after_a_resume(state):
    it = running(("atlas", "birch"), triggers=(DOWN, REFUSALS), safe_state=state, safe_reply=READ_ONLY)
    it.verdict("atlas", REFUSALS.objective, Level.DEGRADED)
    assert (it.target, it.last.safe_state) == (None, "suspend")
    it.command(Verb.RESUME)
    it.wait(3600)
    assert it.target is None
    it.verdict("atlas", REFUSALS.objective, Level.HEALTHY)
    it.wait(3600)
    assert it.target == "atlas"


def test_a_model_that_refuses_and_dies_as_well_is_replaced():
    it = running(("atlas", "birch"), triggers=(DOWN, REFUSALS))
    it.verdict("atlas", REFUSALS.objective, Level.DEGRADED)
    it.command(Verb.RESUME)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.wait(3600)
    assert it.target == "birch"
