from dataclasses import replace

import pytest

from interlock.decision.core.decide import decide
from interlock.decision.core.events import Document, Tick
from interlock.records.change import Trigger
from interlock.records.codec import encode
from interlock.records.health import Level, Verdict
from interlock.records.rules import TriggerRule, WatchedTrigger
from interlock.testing.builders import TRIGGERS, Deployment, model
from interlock.testing.driver import OBJECTIVES, ROUTE, Driver
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

DEPLOYMENT = Deployment()
LADDER = ["atlas", "birch", "cedar"]


def driver(ladder=LADDER, **kwargs):
    return Driver(DEPLOYMENT, DEPLOYMENT.policy("support", ladder, **kwargs))


def running(ladder=LADDER, **kwargs):
    """A driver whose route is on its primary, every rung healthy."""
    it = driver(ladder, **kwargs)
    it.all_healthy(*[rung if isinstance(rung, str) else rung.name for rung in ladder])
    it.wait(5)
    return it


def test_a_route_whose_models_are_unknown_starts_in_its_safe_state():
    it = driver()
    assert it.target is None
    assert [(order.source, order.target, order.safe_state) for order in it.orders] == [(None, None, "suspend")]


def test_a_safe_state_entered_for_want_of_a_rung_is_left_only_after_the_stable_period():
    it = driver()
    it.all_healthy("atlas")
    it.wait(4.9)
    assert it.target is None
    it.wait(0.1)
    assert it.target == "atlas"
    assert it.orders[-1].cause.trigger is Trigger.RECOVERED


def test_a_dead_primary_is_left_for_the_first_usable_rung():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target == "birch"
    assert it.orders[-1].cause.trigger is Trigger.UNAVAILABLE
    assert it.orders[-1].source == "atlas"


def test_a_rung_that_is_not_known_to_be_healthy_is_passed_over():
    it = running()
    it.verdict("birch", "latency>2s", Level.UNKNOWN)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target == "cedar"


def test_a_healthier_model_lower_on_the_ladder_is_never_preferred():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert [order.target for order in it.orders][-1] == "birch"
    it.wait(600)
    assert it.target == "birch"


def test_without_a_usable_rung_the_route_goes_to_its_safe_state_at_once():
    it = running(["atlas"])
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target is None
    assert it.orders[-1].safe_state == "suspend"
    assert not all(check.passed for check in it.orders[-1].verification)


def test_a_higher_rung_is_returned_to_after_its_stable_period():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.wait(60)
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(4)
    assert it.target == "birch"
    it.wait(1)
    assert it.target == "atlas"


def test_a_rung_that_dies_while_the_primary_is_back_but_not_yet_stable_is_left_for_the_primary():
    it = running(["atlas", "birch"])
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.wait(60)
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    assert it.target == "atlas"


@pytest.mark.parametrize("objective", [objective for objective in OBJECTIVES if objective != "unavailable"])
def test_a_trigger_counts_once_it_has_lasted_for_its_for(objective):
    triggers = tuple(
        replace(rule, for_us=Micros(10 * SECOND)) if rule.objective == objective else rule for rule in TRIGGERS
    )
    it = running(triggers=triggers)
    it.verdict("atlas", objective, Level.DEGRADED)
    it.wait(9.9)
    assert it.target == "atlas"
    it.wait(0.1)
    assert it.target == "birch"
    assert str(it.orders[-1].cause.trigger) == objective.partition(">")[0]


def test_a_trigger_that_ends_before_its_for_moves_nothing():
    triggers = tuple(replace(rule, for_us=Micros(10 * SECOND)) for rule in TRIGGERS)
    it = running(triggers=triggers)
    it.verdict("atlas", "errors>0.2", Level.DEGRADED)
    it.wait(9)
    it.verdict("atlas", "errors>0.2", Level.HEALTHY)
    it.wait(60)
    assert it.target == "atlas"


def test_an_objective_that_the_policy_does_not_watch_moves_nothing():
    it = running(triggers=[TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0))])
    outcome = it.verdict("atlas", "errors>0.2", Level.DEGRADED)
    assert outcome.refused is not None
    assert outcome.refused.reason is Reason.MODEL_NOT_USED
    assert it.target == "atlas"


def test_silence_is_borne_for_the_blind_time_and_then_counts_as_unavailable():
    it = running(["atlas"])
    it.lapse("atlas")
    it.wait(9.9)
    assert it.target == "atlas"
    it.wait(0.1)
    assert it.target is None
    assert it.orders[-1].cause.trigger is Trigger.UNAVAILABLE


def test_a_word_after_silence_ends_the_blind_time():
    it = running(["atlas"])
    it.lapse("atlas")
    it.wait(9)
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(60)
    assert it.target == "atlas"


def test_a_disabled_model_is_left_at_once_and_comes_back_when_the_command_has_expired():
    it = running()
    it.disable("atlas", seconds=60)
    assert it.target == "birch"
    assert it.orders[-1].cause.trigger is Trigger.DISABLED
    it.wait(59)
    assert it.target == "birch"
    it.wait(1)
    assert it.target == "atlas"
    assert not it.state.disables


def test_a_repeated_or_expired_command_has_no_effect():
    it = running()
    it.disable("atlas", seconds=60)
    again = it.disable("atlas", seconds=60)
    assert again.refused is not None
    assert again.refused.reason is Reason.NOT_NEWER
    late = it.disable("birch", seconds=0, name="cmd-2")
    assert late.findings == ((Reason.EXPIRED, "disable birch for support during 0ms"),)
    assert late.to_journal


def test_a_command_for_a_route_that_does_not_exist_is_refused_and_journalled():
    it = running()
    outcome = it.disable("atlas", agent="triage")
    assert [reason for reason, _ in outcome.findings] == [Reason.ROUTE_UNKNOWN]
    assert it.answer == "route_unknown"
    assert outcome.to_journal
    assert it.target == "atlas"


def test_a_denied_model_is_left_at_once():
    it = running()
    it.deny("atlas")
    assert it.target == "birch"
    assert it.orders[-1].cause.trigger is Trigger.DENIED
    it.wait(600)
    assert it.target == "birch"


def test_evidence_that_expires_moves_the_route_without_any_event_but_time():
    until = Micros(DEPLOYMENT.now + 30 * SECOND)
    rung = replace(DEPLOYMENT.rung("atlas"), evidence=DEPLOYMENT.evidence(model("atlas"), expires_at=until))
    it = Driver(DEPLOYMENT, DEPLOYMENT.policy("support", [rung, "birch"]))
    it.all_healthy("atlas", "birch")
    it.wait(5)
    assert it.target == "atlas"
    it.wait(24.9)
    assert it.target == "atlas"
    it.wait(0.1)
    assert it.target == "birch"
    assert it.orders[-1].cause.trigger is Trigger.EVIDENCE_EXPIRED


def test_a_broader_fallback_that_was_smuggled_into_a_policy_is_never_chosen():
    it = running(["atlas", model("birch", tools=["search", "shell"])])
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target is None


def test_a_new_policy_is_a_new_order_for_the_same_target():
    it = running()
    it.document(DEPLOYMENT.policy("support", LADDER, version=2))
    assert (it.target, it.orders[-1].cause.trigger, it.orders[-1].policy_version) == ("atlas", Trigger.POLICY, 2)


def test_a_new_policy_without_the_current_model_moves_the_route():
    it = running()
    it.document(DEPLOYMENT.policy("support", ["birch"], version=2))
    assert it.target == "birch"


def test_a_new_trust_root_orders_every_route_again():
    it = running()
    it.document(DEPLOYMENT.seal(DEPLOYMENT.next_root(2), "root-1", "root-2"))
    assert it.orders[-1].root_version == 2
    assert it.target == "atlas"


def test_versions_count_up_by_one_and_name_the_order():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert [order.version for order in it.orders] == [1, 2, 3]
    assert it.orders[-1].id == "support/main/*@1.7.3"


def test_a_change_says_what_was_verified_who_accepted_it_and_what_differs():
    it = running(["atlas", model("birch", tools=[])])
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    order = it.orders[-1]
    assert {check.model for check in order.verification} == {"atlas", "birch"}
    assert all(check.passed for check in order.verification if check.model == "birch")
    assert {delta.dimension for delta in order.delta} == {"tools", "provider"}
    assert (order.material, order.team, order.accepted_by) == (True, "team-support", "oscar")
    assert order.cause.evidence


def test_a_verdict_that_changes_nothing_is_not_journalled():
    it = running()
    assert not it.verdict("atlas", "unavailable", Level.HEALTHY).to_journal
    assert not it.wait(1).to_journal


def test_a_verdict_for_a_model_nobody_uses_is_a_reason():
    outcome = running().verdict("zebra", "unavailable", Level.UNAVAILABLE)
    assert outcome.refused is not None
    assert outcome.refused.reason is Reason.MODEL_NOT_USED


def test_a_verdict_that_ran_out_or_comes_from_the_future_is_a_reason():
    it = running()
    late, it.now = it.now, Micros(it.now + 60 * SECOND)
    old = it.opened(DEPLOYMENT.seal(replace(_verdict(it), issued_at=late, valid_until=late), "health-1"), Verdict)
    assert it.happen(old).refused.reason is Reason.EXPIRED
    ahead = Micros(it.now + 60 * SECOND)
    new = it.opened(
        DEPLOYMENT.seal(replace(_verdict(it), issued_at=ahead, valid_until=Micros(ahead + 1)), "health-1"), Verdict
    )
    assert it.happen(new).refused.reason is Reason.FROM_THE_FUTURE
    assert it.target == "atlas"


def test_a_clock_that_jumps_back_moves_nothing_back():
    it = running()
    before = it.state.now
    it.now = Micros(it.now - 3600 * SECOND)
    it.happen(Tick())
    assert it.state.now == before
    assert it.target == "atlas"


def test_deciding_is_deterministic():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.disable("birch")
    again = Driver(DEPLOYMENT, None)
    for event, now, outcome in it.outcomes:
        once_more = decide(again.state, event, now)
        assert once_more.entries == outcome.entries
        assert [encode(change) for change in once_more.changes] == [encode(change) for change in outcome.changes]
        again.state = once_more.state
    assert again.state.digest.root == it.state.digest.root


def test_a_policy_of_another_shard_is_held_but_not_decided():
    it = Driver(DEPLOYMENT, None)
    it.state = replace(it.state, shards=1_000_003)
    outcome = it.happen(Document(DEPLOYMENT.policy("support", LADDER)))
    assert not outcome.to_journal
    assert "support" in it.state.book.policies
    assert ROUTE not in it.state.routes


def _verdict(it):
    return Verdict("atlas", "*", "unavailable", Level.UNAVAILABLE, "", 1, (), it.now, it.now, it.now)
