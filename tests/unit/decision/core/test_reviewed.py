"""What a reviewer found by trying, each kept from coming back."""

from dataclasses import replace

import pytest

from interlock.decision.core.events import Lapse
from interlock.policy.book import take
from interlock.records.change import Trigger
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.documents import Workflow
from interlock.records.health import Level
from interlock.records.rules import Approval, CanaryPlan, Mode, SafeReply, SafeState
from interlock.records.state import HoldKind
from interlock.signing.verifier import Refused
from interlock.testing.builders import NOW, Deployment, model
from interlock.testing.driver import ROUTE
from interlock.testing.stories import DEPLOYMENT, DOWN, PLAN, STABLE_S, driver, policy, running, slow
from interlock.vocabulary.limits import CHORES_PER_STEP_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

SLOW = "latency>2s"
APPROVAL = Approval(within_us=Micros(600 * SECOND))


def orders_in(it, seconds):
    before = len(it.orders)
    for _ in range(seconds):
        it.wait(1)
    return len(it.orders) - before


def test_a_policy_that_a_root_has_dropped_is_not_followed_by_an_older_one():
    book = DEPLOYMENT.book(policy(version=1), policy(version=2))
    dropped = take(book, DEPLOYMENT.seal(DEPLOYMENT.next_root(2, agents=["triage"]), "root-1", "root-2")).book
    back = take(dropped, DEPLOYMENT.seal(DEPLOYMENT.next_root(3), "root-1", "root-2")).book
    assert "support" not in back.policies
    for version in (1, 2):
        refused = take(back, policy(version=version))
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.POLICY_OLDER
    assert not isinstance(take(back, policy(version=3)), Refused)


def test_with_two_fallbacks_that_both_fail_as_canaries_the_safe_state_is_reached():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    it.judge(Level.DEGRADED)
    it.judge(Level.DEGRADED)
    assert it.last.safe_state == "suspend"
    assert {kept.model for kept in it.entry.kept_away} == {"birch", "cedar"}


def test_canaries_without_any_evidence_end_and_do_not_take_turns_for_ever():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    orders_in(it, 130)
    assert it.last.safe_state == "suspend"
    assert orders_in(it, 60) <= 2


def test_a_canary_that_waits_for_no_time_is_no_plan():
    with pytest.raises(ValueError, match="no shorter"):
        CanaryPlan((5,), 20, Micros(0), Micros(0))


def test_read_only_leaves_a_rung_that_a_new_policy_no_longer_names():
    fields = {"safe_state": SafeState.READ_ONLY, "triggers": (DOWN, slow(Mode.SUSPEND))}
    it = running(("atlas", "birch"), safe_reply=SafeReply(model="birch"), **fields)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    assert it.target == "birch"
    it.document(policy(("atlas", "cedar"), version=2, safe_reply=SafeReply(model="cedar"), **fields))
    assert it.target != "birch"
    it.document(policy(("atlas", "birch"), version=3, triggers=(DOWN, slow(Mode.SUSPEND))))
    assert (it.target, it.last.safe_state) == (None, "suspend")


@pytest.mark.parametrize("way", ["the model blips", "suspended and resumed", "rejected", "frozen and thawed"])
def test_a_trigger_that_asks_for_approval_asks_it_of_every_model_until_the_primary_is_back(way):
    it = running(triggers=(DOWN, slow(Mode.AWAIT_APPROVAL)), approval=APPROVAL)
    if way == "frozen and thawed":
        it.command(Verb.FREEZE, seconds=5)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    if way == "the model blips":
        it.verdict("birch", SLOW, Level.DEGRADED)
        it.verdict("birch", SLOW, Level.HEALTHY)
    elif way == "suspended and resumed":
        it.command(Verb.SUSPEND)
        it.command(Verb.RESUME)
    elif way == "rejected":
        it.command(Verb.REJECT, about=it.last.proposal)
    orders_in(it, 120)
    assert it.target is None
    assert it.entry.hold.kind is HoldKind.APPROVAL


def not_accepted(name):
    return replace(DEPLOYMENT.rung(model(name, tools=[])), accepted_in_advance=False)


def test_a_new_policy_that_no_longer_accepts_the_serving_rung_asks_for_its_approval():
    it = running(("atlas", model("birch", tools=[])), approval=APPROVAL)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target == "birch"
    it.document(policy(("atlas", not_accepted("birch")), version=2, approval=APPROVAL))
    assert it.target is None
    assert it.entry.hold.model == "birch"


def test_a_canary_that_a_new_policy_no_longer_accepts_is_rolled_back():
    fields = {"triggers": (DOWN, slow(Mode.CANARY)), "canary": PLAN, "approval": APPROVAL}
    it = running(("atlas", model("birch", tools=[])), **fields)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    it.document(policy(("atlas", not_accepted("birch")), version=2, **fields))
    assert it.entry.canary is None
    it.judge(Level.HEALTHY) if it.entry.canary else None
    assert it.target != "birch"


def test_a_shorter_freeze_does_not_end_a_longer_one():
    it = running(workflow=Workflow.CLINICAL)
    it.command(Verb.FREEZE, seconds=3600)
    it.command(Verb.FREEZE, seconds=1)
    assert it.entry.frozen_until == NOW + (STABLE_S + 3600) * SECOND


@pytest.mark.parametrize("other", [Level.UNAVAILABLE, Level.UNKNOWN])
def test_a_for_is_not_restarted_by_anything_but_a_healthy_word(other):
    it = running(("atlas", "birch"), triggers=(replace(DOWN, for_us=Micros(30 * SECOND)),))
    for _ in range(10):
        it.verdict("atlas", "unavailable", Level.DEGRADED)
        it.wait(3)
        it.verdict("atlas", "unavailable", other)
        it.wait(1)
    assert it.target == "birch"


def test_the_way_down_by_canary_and_up_by_canary_is_damped():
    it = running(("atlas", "birch"), triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    for _ in range(2):
        it.verdict("atlas", SLOW, Level.DEGRADED)
        while it.target != "birch":
            it.judge(Level.HEALTHY)
            it.wait(10)
        it.verdict("atlas", SLOW, Level.HEALTHY)
        while it.target != "atlas":
            it.wait(1)
            if it.entry.canary is not None:
                it.judge(Level.HEALTHY)
                it.wait(10)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    while it.target != "birch":
        it.judge(Level.HEALTHY)
        it.wait(10)
    assert it.entry.flaps > 0


def test_an_approved_model_that_flaps_is_damped_like_any_other():
    it = running(("atlas", not_accepted("birch")), approval=APPROVAL)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.command(Verb.APPROVE, about=it.last.proposal, by=["oscar"])
    assert it.target == "birch"
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    it.verdict("birch", "unavailable", Level.HEALTHY)
    it.wait(2 * STABLE_S - 1)
    assert it.target is None
    it.wait(1)
    assert it.target == "birch"


def test_read_only_does_not_toggle_with_its_rung_nor_begin_during_a_freeze():
    it = running(
        ("atlas", "birch"),
        safe_state=SafeState.READ_ONLY,
        safe_reply=SafeReply(model="birch"),
        triggers=(DOWN, slow(Mode.SUSPEND)),
    )
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    assert it.last.safe_state == "suspend"
    it.command(Verb.FREEZE, seconds=30)
    it.verdict("birch", "unavailable", Level.HEALTHY)
    it.wait(29)
    assert it.last.safe_state == "suspend"
    it.wait(1)
    assert it.last.safe_state == "read_only"


def test_a_canary_whose_plan_is_dropped_leaves_no_stain_on_its_model():
    it = running(("atlas", "birch"), triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    it.document(policy(("atlas", "birch"), triggers=(DOWN, slow(Mode.CANARY)), version=2))
    assert it.target == "birch"
    assert it.entry.kept_away == ()


def test_a_freeze_does_not_make_a_healthy_canary_inconclusive():
    it = running(("atlas", "birch"), triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", SLOW, Level.DEGRADED)
    it.command(Verb.FREEZE, seconds=120)
    it.judge(Level.HEALTHY)
    orders_in(it, 119)
    assert it.entry.canary is not None
    it.wait(1)
    assert it.last.weight == 50


def test_an_agent_that_is_suspended_as_a_whole_begins_its_new_routes_suspended():
    it = running()
    it.command(Verb.SUSPEND)
    rules = [DEPLOYMENT.rule(["atlas", "birch"], triggers=(DOWN,), slot=slot) for slot in ("main", "tools")]
    it.document(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules, version=2), "grace", "oscar"))
    it.wait(3600)
    assert {entry.target for entry in it.state.routes.values()} == {None}
    it.command(Verb.RESUME)
    it.wait(STABLE_S)
    assert {entry.target for entry in it.state.routes.values()} == {"atlas"}
    assert "support" not in it.state.suspensions


def test_without_a_policy_two_people_are_needed():
    it = running(workflow=Workflow.CLINICAL)
    it.command(Verb.SUSPEND)
    it.document(DEPLOYMENT.seal(DEPLOYMENT.next_root(2, agents=["triage"]), "root-1", "root-2"))
    it.command(Verb.RESUME)
    assert it.answer == "not_authorised"


def test_two_different_commands_with_one_id_are_told():
    it = running()
    it.command(Verb.FREEZE, name="cmd-1")
    again = it.command(Verb.SUSPEND, name="cmd-1")
    assert again.refused.reason is Reason.EQUIVOCATION


def test_what_a_person_took_away_stays_away_beyond_the_primarys_return():
    it = running(("atlas", "birch"))
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.command(Verb.REVIEW, about=it.last.id, outcome=ReviewOutcome.REVOKE, by=["oscar"])
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(60)
    assert it.target == "atlas"
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target is None


def test_a_scoped_verdict_that_lapsed_does_not_shut_its_model_out():
    it = driver(("atlas", "birch"), scope="free")
    route = ROUTE._replace(scope="free")
    it.all_healthy("atlas", "birch")
    for name in ("atlas", "birch"):
        it.verdict(name, "unavailable", Level.HEALTHY)
    it.verdict("atlas", "unavailable", Level.DEGRADED, scope="free")
    it.wait(STABLE_S)
    assert it.state.routes[route].target == "birch"
    it.happen(Lapse("atlas/free/unavailable", it.now))
    it.wait(60)
    assert it.state.routes[route].target == "atlas"


def test_more_chores_than_one_record_holds_are_done_in_the_next():
    it = running(("atlas", "birch"))
    for number in range(CHORES_PER_STEP_MAX + 5):
        it.command(Verb.RESUME, name=f"cmd-{number}")
    first = it.wait(3600)
    assert len([entry for entry in first.entries if entry.value is None]) == CHORES_PER_STEP_MAX
    it.wait(0.2)
    assert len(it.state.answers) == 0


def test_the_first_incident_of_a_route_is_reviewed_and_damped_like_any_other():
    it = running(("atlas", "birch"))
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.last.id in it.state.reviews
    assert it.entry.incident.trigger is Trigger.UNAVAILABLE


def test_another_deployments_words_are_not_ours():
    stranger = Deployment("elsewhere")
    it = running()
    assert it.document(stranger.policy("support", ["atlas"], version=9)).refused is not None


def test_a_primary_that_is_soon_stable_is_waited_for():
    it = driver(("atlas", "birch"))
    it.all_healthy("birch")
    it.wait(1)
    it.all_healthy("atlas")
    orders = len(it.orders)
    orders_in(it, STABLE_S)
    assert [order.target for order in it.orders[orders:]] == ["atlas"]


def test_a_primary_that_falls_again_is_not_waited_for():
    it = driver(("atlas", "birch"))
    it.all_healthy("birch")
    it.wait(1)
    it.all_healthy("atlas")
    it.wait(4)
    assert it.target is None
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target == "birch"


@pytest.mark.parametrize("what", ["suspended", "guard"])
def test_what_is_not_the_models_fault_damps_nothing(what):
    it = running(("atlas", "birch"), guards=("pii-filter",))
    for _ in range(3):
        if what == "suspended":
            it.command(Verb.SUSPEND)
            it.command(Verb.RESUME)
        else:
            it.guard("pii-filter", Level.UNAVAILABLE)
            it.guard("pii-filter", Level.HEALTHY)
        it.wait(STABLE_S)
        assert (it.target, it.entry.flaps) == ("atlas", 0)


def test_a_resume_ends_the_disables_that_name_its_agent_and_no_others():
    it = running(("atlas", "birch"))
    it.command(Verb.DISABLE, model="atlas", seconds=3600)
    it.command(Verb.RESUME)
    assert it.answer == "accepted"
    it.wait(STABLE_S)
    assert it.target == "atlas"
    it.command(Verb.DISABLE, agent="*", model="atlas", seconds=3600)
    it.command(Verb.RESUME)
    assert it.answer == "nothing_to_resume"
    assert it.target == "birch"
