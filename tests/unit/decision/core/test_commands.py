from dataclasses import replace

import pytest

from interlock.records.change import Trigger
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.documents import Workflow
from interlock.records.health import Level
from interlock.records.rules import Approval, Mode
from interlock.records.state import HoldKind
from interlock.testing.builders import model
from interlock.testing.stories import DEPLOYMENT, DOWN, PLAN, STABLE_S, policy, running, slow
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

APPROVAL = Approval(within_us=Micros(600 * SECOND))
OTHER_TOOLS = model("birch", tools=[])


def rung(named, **fields):
    """A rung that differs materially and was not accepted in advance."""
    return replace(DEPLOYMENT.rung(named), accepted_in_advance=False, **fields)


PROPOSED = ("atlas", rung(OTHER_TOOLS), model("cedar", tools=[]))


def waiting(ladder=PROPOSED, **fields):
    """The primary died; the fallback is a material change and waits for approval."""
    it = running(ladder, approval=APPROVAL, **fields)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.entry.hold.kind is HoldKind.APPROVAL
    return it


# Material change: accepted in advance, or waiting in the safe state.


def test_a_material_change_waits_in_the_safe_state_for_the_agent_owner():
    it = waiting()
    assert (it.target, it.last.safe_state) == (None, "suspend")
    assert it.last.proposal == it.entry.hold.proposal == it.last.id
    assert it.entry.hold.model == it.last.proposed == "birch"
    assert (it.last.proposal_until, it.last.material_in) == (it.entry.hold.until, ("tools",))
    assert "tools" in {delta.dimension for delta in it.last.delta}
    assert "tools" in it.last.cause.detail
    it.command(Verb.APPROVE, about=it.last.proposal, by=["oscar"])
    assert it.answer == "accepted"
    assert (it.target, it.last.cause.trigger, it.last.material) == ("birch", Trigger.APPROVED, True)
    assert (it.last.proposed, it.last.proposal_until) == (None, 0)


def test_a_material_change_that_was_accepted_in_advance_does_not_wait():
    it = running(("atlas", OTHER_TOOLS))
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert (it.target, it.last.material) == ("birch", True)


def test_a_rung_that_is_declared_not_equivalent_is_material():
    it = running(("atlas", rung("birch", equivalent=False)), approval=APPROVAL)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.entry.hold.model == "birch"


def test_the_operator_alone_cannot_approve_a_material_change():
    it = waiting()
    it.command(Verb.APPROVE, about=it.last.proposal, by=["olga"])
    assert it.answer == "not_authorised"
    assert it.target is None


def test_a_trigger_that_asks_for_approval_may_be_answered_by_the_operator():
    it = running(triggers=(DOWN, slow(Mode.AWAIT_APPROVAL)), approval=APPROVAL)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    assert it.entry.hold.model == "birch"
    it.command(Verb.APPROVE, about=it.last.proposal)
    assert it.target == "birch"


def test_an_approval_without_the_ticket_that_the_policy_asks_for_is_refused():
    it = running(("atlas", rung(OTHER_TOOLS)), approval=replace(APPROVAL, ticket=True))
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.command(Verb.APPROVE, about=it.last.proposal, by=["oscar"])
    assert it.answer == "ticket_missing"
    it.command(Verb.APPROVE, about=it.last.proposal, by=["oscar"], ticket="CHG-4711")
    assert it.target == "birch"


def test_a_proposal_that_nobody_answers_times_out_and_the_next_rung_is_climbed_to():
    it = waiting()
    it.wait(599)
    assert it.entry.hold is not None
    it.wait(1)
    assert it.orders[-2].cause.trigger is Trigger.APPROVAL_TIMED_OUT
    assert it.target == "cedar"


def test_a_rejected_proposal_is_withdrawn_and_the_next_rung_considered():
    it = waiting()
    it.command(Verb.REJECT, about=it.last.proposal)
    assert it.answer == "accepted"
    assert it.target == "cedar"
    assert it.entry.rejected == ("birch",)


def test_a_proposal_is_withdrawn_when_its_model_may_no_longer_be_entered():
    it = waiting(("atlas", rung(OTHER_TOOLS)))
    proposal = it.last.proposal
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    assert it.last.cause.trigger is Trigger.APPROVAL_WITHDRAWN
    it.command(Verb.APPROVE, about=proposal, by=["oscar"])
    assert it.answer == "nothing_proposed"
    assert it.target is None


def test_the_primary_leads_out_of_a_proposal_when_it_is_stable_again():
    it = waiting()
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(STABLE_S)
    assert it.target == "atlas"
    assert it.entry.hold is None


def test_an_approval_counts_until_the_route_is_back_at_its_primary():
    it = waiting(("atlas", rung(OTHER_TOOLS)))
    it.command(Verb.APPROVE, about=it.last.proposal, by=["oscar"])
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(STABLE_S)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.entry.hold is not None, "a new incident, a new approval"


def test_an_approval_under_the_old_policy_is_none_under_the_new_one():
    ladder = ("atlas", rung(OTHER_TOOLS))
    it = waiting(ladder)
    it.verdict("birch", "unavailable", Level.UNKNOWN)
    it.document(policy(ladder, approval=APPROVAL, version=2))
    assert it.entry.approved == ()


# Who may order what.


@pytest.mark.parametrize("workflow", [Workflow.CLINICAL, Workflow.MONEY_MOVING])
def test_for_clinical_and_payment_agents_widening_takes_two_people_and_narrowing_one(workflow):
    it = running(workflow=workflow)
    it.command(Verb.SUSPEND)
    assert it.answer == "accepted"
    it.command(Verb.RESUME)
    assert it.answer == "not_authorised"
    it.command(Verb.RESUME, by=["olga", "oscar"])
    assert it.answer == "accepted"
    it.wait(STABLE_S)
    assert it.target == "atlas"


def test_safety_may_suspend_and_disable_and_no_more():
    it = running()
    it.command(Verb.DISABLE, model="birch", by=["sam"])
    assert it.answer == "accepted"
    it.command(Verb.SUSPEND, by=["sam"])
    assert it.answer == "accepted"
    for verb in (Verb.RESUME, Verb.FREEZE, Verb.REVIEW):
        it.wait(1)
        it.command(verb, about="x", by=["sam"])
        assert it.answer == "not_authorised"
    assert it.target is None


# Suspend, freeze, resume.


def test_an_ordered_suspension_is_left_by_a_resume_only_and_the_log_says_who():
    it = running()
    it.command(Verb.SUSPEND)
    assert it.last.cause.trigger is Trigger.SUSPENDED
    assert len(it.last.cause.evidence) == 1
    it.wait(3600)
    assert it.target is None


def test_a_suspension_is_not_delayed_by_a_canary_or_a_freeze():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    it.command(Verb.FREEZE)
    it.command(Verb.SUSPEND)
    assert (it.last.safe_state, it.entry.canary) == ("suspend", None)


def test_a_frozen_route_moves_to_its_safe_state_and_nowhere_else():
    it = running()
    it.command(Verb.FREEZE, seconds=60)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert (it.target, it.last.safe_state) == (None, "suspend")
    it.verdict("atlas", "unavailable", Level.HEALTHY)
    it.wait(59)
    assert it.target is None
    it.wait(1)
    assert it.target == "atlas"


def test_a_frozen_canary_does_not_widen_but_is_rolled_back():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    it.command(Verb.FREEZE, seconds=600)
    it.judge(Level.HEALTHY)
    it.wait(20)
    assert it.last.weight == 5
    it.judge(Level.DEGRADED)
    assert it.entry.canary is None


def test_a_frozen_route_whose_source_dies_in_mid_canary_is_safe():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    it.command(Verb.FREEZE, seconds=600)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.last.safe_state == "suspend"


def test_an_approval_during_a_freeze_waits_for_its_end():
    it = waiting()
    it.command(Verb.FREEZE, seconds=60)
    it.command(Verb.APPROVE, about=it.last.proposal, by=["oscar"])
    assert it.target is None
    it.wait(60)
    assert it.target == "birch"


def test_a_resume_of_a_route_that_is_not_held_has_a_reason():
    it = running()
    it.command(Verb.RESUME)
    assert it.answer == "nothing_to_resume"


# Reviews.


def test_every_change_opens_a_review_with_its_due_date():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    review = it.state.reviews[it.last.id]
    assert (review.source, review.target, review.due) == ("atlas", "birch", it.last.review_due)


@pytest.mark.parametrize("outcome", [ReviewOutcome.CONFIRM, ReviewOutcome.REAPPROVE])
def test_a_review_that_confirms_changes_nothing_but_is_closed(outcome):
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    change = it.last.id
    it.command(Verb.REVIEW, about=change, outcome=outcome, by=["oscar"])
    assert it.answer == "accepted"
    assert change not in it.state.reviews
    assert it.target == "birch"
    it.wait(1)
    it.command(Verb.REVIEW, about=change, outcome=outcome, by=["oscar"])
    assert it.answer == "nothing_to_review"


def test_every_change_can_be_taken_back_by_its_review():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.command(Verb.REVIEW, about=it.last.id, outcome=ReviewOutcome.REVOKE, by=["oscar"])
    assert it.target == "cedar"
    assert it.last.cause.trigger is Trigger.REJECTED
    it.command(Verb.RESUME)
    assert it.entry.rejected == ()


def test_the_operator_may_revoke_but_not_confirm():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    change = it.last.id
    it.command(Verb.REVIEW, about=change, outcome=ReviewOutcome.CONFIRM)
    assert it.answer == "not_authorised"
    it.wait(1)
    it.command(Verb.REVIEW, about=change, outcome=ReviewOutcome.REVOKE)
    assert it.answer == "accepted"


def test_a_review_of_another_agents_change_is_none_of_his():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.command(Verb.REVIEW, agent="triage", about=it.last.id, outcome=ReviewOutcome.REVOKE)
    assert it.answer == "nothing_to_review"
    assert it.target == "birch"


def test_an_overdue_review_is_told_once():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    change = it.last.id
    told = [finding for _ in range(3) for finding in it.wait(86_400).findings]
    assert (Reason.REVIEW_OVERDUE, change) in told
    assert told.count((Reason.REVIEW_OVERDUE, change)) == 1
    assert it.state.reviews[change].overdue


def test_a_rejected_canary_is_rolled_back():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    it.command(Verb.REJECT, about=it.entry.canary.id)
    assert it.answer == "accepted"
    assert "birch" in it.entry.rejected


# Bad input: each a reason.


@pytest.mark.parametrize(
    ("verb", "fields", "reason"),
    [
        (Verb.SUSPEND, {"route": "support/unknown/*"}, "route_unknown"),
        (Verb.SUSPEND, {"agent": "triage"}, "route_unknown"),
        (Verb.FREEZE, {"agent": "triage"}, "route_unknown"),
        (Verb.RESUME, {"agent": "triage", "by": ["olga", "oscar"]}, "route_unknown"),
        (Verb.APPROVE, {"about": "nothing"}, "nothing_proposed"),
        (Verb.REJECT, {"about": ""}, "nothing_proposed"),
        (Verb.REVIEW, {"about": "nothing", "outcome": ReviewOutcome.CONFIRM, "by": ["oscar"]}, "nothing_to_review"),
        (Verb.OTHER, {}, "out_of_bounds"),
        (Verb.SUSPEND, {"seconds": 0}, "expired"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_answered_with_the_reason(verb, fields, reason):
    it = running()
    outcome = it.command(verb, **fields)
    assert it.answer == reason
    assert [found for found, _ in outcome.findings] == [Reason(reason)]
    assert outcome.to_journal
    assert it.target == "atlas"


def test_a_review_without_an_outcome_closes_nothing():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.command(Verb.REVIEW, about=it.last.id, by=["oscar"])
    assert it.answer == "out_of_bounds"
    assert it.last.id in it.state.reviews


def test_a_repeated_command_counts_once():
    it = running()
    it.command(Verb.SUSPEND, name="cmd-1")
    it.command(Verb.RESUME, name="cmd-2")
    again = it.command(Verb.SUSPEND, name="cmd-1")
    assert again.refused.reason is Reason.NOT_NEWER
    assert not again.to_journal
    assert it.entry.hold is None


def test_an_answer_is_kept_until_its_command_has_expired_and_no_repetition_can_count():
    it = running()
    it.command(Verb.SUSPEND, name="cmd-1", seconds=7200)
    it.wait(7199)
    assert "cmd-1" in it.state.answers
    it.wait(1)
    assert "cmd-1" not in it.state.answers
