"""The deadline watch suspends a route of whose change nobody was told in time, and can do nothing else."""

from dataclasses import replace

import pytest

from interlock.records.change import Trigger
from interlock.records.commands import ReviewOutcome, Verb
from interlock.records.documents import Unnotified, Workflow
from interlock.records.health import Level
from interlock.records.rules import Approval, Mode, SafeState
from interlock.records.state import HoldKind
from interlock.testing.builders import model
from interlock.testing.driver import ROUTE, Driver
from interlock.testing.stories import DEPLOYMENT, DOWN, PLAN, STABLE_S, policy, running, slow
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

WATCH = ("watch-1",)


def asking(**fields):
    """An agent that wants to be stopped when nobody was told, on its fallback."""
    it = running(unnotified=Unnotified.SUSPEND, **fields)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target == "birch"
    return it


def test_a_route_of_whose_change_nobody_was_told_is_suspended_and_the_order_says_why():
    it = asking()
    untold = it.last
    it.overdue(untold)
    assert it.answer == "accepted"
    assert (it.last.safe_state, it.target) == ("suspend", None)
    assert it.last.cause.trigger is it.entry.trigger is Trigger.UNNOTIFIED
    assert untold.id in it.last.cause.detail
    assert it.last.cause.evidence == (it.outcomes[-1][0].command.event_id,)
    assert it.entry.hold.kind is HoldKind.ORDERED


@pytest.mark.parametrize("unnotified", [Unnotified.SUSPEND, Unnotified.OTHER])
def test_what_a_release_does_not_know_counts_as_suspend(unnotified):
    it = running(unnotified=unnotified)
    it.overdue(it.last)
    assert it.last.cause.trigger is Trigger.UNNOTIFIED


def test_where_the_policy_wants_breaches_on_record_only_the_watch_stops_nothing():
    it = running()
    outcome = it.overdue(it.last)
    assert it.answer == "not_authorised"
    assert [reason for reason, _ in outcome.findings] == [Reason.NOT_AUTHORISED]
    assert it.target == "atlas"


def test_the_policy_that_is_held_now_decides_and_not_the_one_of_the_change():
    it = running(unnotified=Unnotified.SUSPEND)
    untold = it.last
    it.document(policy(version=2))
    it.overdue(untold)
    assert it.answer == "not_authorised"
    it.document(policy(version=3, unnotified=Unnotified.SUSPEND))
    it.overdue(untold)
    assert it.last.cause.trigger is Trigger.UNNOTIFIED


def test_only_the_route_that_is_named_is_suspended():
    rules = [DEPLOYMENT.rule(["atlas"], slot=slot, triggers=(DOWN,)) for slot in ("main", "other")]
    it = Driver(DEPLOYMENT, None)
    it.document(
        DEPLOYMENT.seal(
            replace(DEPLOYMENT.policy_of("support", *rules), unnotified=Unnotified.SUSPEND), "grace", "oscar"
        )
    )
    it.all_healthy("atlas")
    it.wait(STABLE_S)
    changes = {change.route: change for change in it.orders}
    it.overdue(changes[ROUTE])
    assert it.target is None
    assert it.state.routes[ROUTE._replace(slot="other")].target == "atlas"


def test_a_suspension_ends_with_a_persons_resume_and_no_otherwise():
    it = asking()
    it.overdue(it.last)
    it.all_healthy("atlas")
    it.wait(3_600)
    assert it.target is None
    it.command(Verb.RESUME)
    assert it.target == "atlas"
    assert it.entry.hold is None


def test_two_people_are_needed_to_let_a_payment_agent_go_on_after_the_watch():
    it = asking(workflow=Workflow.MONEY_MOVING)
    it.overdue(it.last)
    it.command(Verb.RESUME)
    assert it.answer == "not_authorised"
    it.command(Verb.RESUME, by=["olga", "oscar"])
    assert it.answer == "accepted"


@pytest.mark.parametrize("by", [("olga",), WATCH])
def test_a_route_that_was_ordered_into_its_safe_state_gets_no_new_order_and_the_answer_is_yes(by):
    it = asking()
    before = it.last
    it.overdue(before) if by == WATCH else it.command(Verb.SUSPEND, by=by)
    orders, cause = list(it.orders), it.entry.hold.cause
    for untold in (before, it.last):
        outcome = it.overdue(untold)
        assert it.answer == "accepted"
        assert [entry.key for entry in outcome.entries] == [f"answer/{it._command}"]
    assert (it.orders, it.entry.hold.cause) == (orders, cause)


def test_a_proposal_does_not_outlive_the_watchs_suspension():
    asked = replace(DEPLOYMENT.rung(model("birch", tools=[])), accepted_in_advance=False)
    it = running(("atlas", asked), unnotified=Unnotified.SUSPEND, approval=Approval(Micros(600 * SECOND)))
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    proposal = it.last
    it.overdue(proposal)
    assert it.last.cause.trigger is Trigger.UNNOTIFIED
    it.command(Verb.APPROVE, about=proposal.proposal, by=["oscar"])
    assert it.answer == "nothing_proposed"


def test_a_canary_is_stopped_like_any_other_route():
    it = running(triggers=(DOWN, slow(Mode.CANARY)), canary=PLAN, unnotified=Unnotified.SUSPEND)
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    it.overdue(it.last)
    assert (it.target, it.entry.canary) == (None, None)


@pytest.mark.parametrize(
    "about",
    [
        "",
        "support/main/*",
        "support/other/*@1.7.1",
        "triage/main/*@1.7.1",
        "support/main/*@1.7.0",
        "support/main/*@1.7.4",
        "support/main/*@1.7.²",
        "support/main/*@1.7.-1",
        "support/main/*@nothing",
    ],
)
def test_what_is_no_change_of_that_route_stops_nothing(about):
    it = asking()
    assert it.last.version == 3
    it.command(Verb.SUSPEND, route=ROUTE.key, about=about, name="unnotified-1", by=WATCH)
    assert it.answer == "change_unknown"
    assert it.target == "birch"


def test_a_route_that_the_policy_has_not_is_unknown():
    it = asking()
    it.command(Verb.SUSPEND, route="support/other/*", about="support/other/*@1.7.1", name="unnotified-1", by=WATCH)
    assert it.answer == "route_unknown"


def test_an_agent_as_a_whole_is_beyond_a_watch():
    it = asking()
    it.command(Verb.SUSPEND, about=it.last.id, name="unnotified-1", by=WATCH)
    assert it.answer == "not_authorised"
    assert "support" not in it.state.suspensions
    assert it.target == "birch"


def test_an_agent_without_a_policy_is_beyond_a_watch():
    it = asking()
    it.command(
        Verb.SUSPEND, agent="triage", route="triage/main/*", about="triage/main/*@1.7.1", name="unnotified-1", by=WATCH
    )
    assert it.answer == "not_authorised"


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in {Verb.SUSPEND, Verb.OTHER}])
def test_what_a_watch_alone_has_signed_does_nothing_else(verb):
    it = asking()
    before = it.state.routes[ROUTE]
    names = {"name": "unnotified-1", "about": it.last.id, "route": ROUTE.key}
    it.command(verb, model="birch", outcome=ReviewOutcome.REVOKE, by=WATCH, **names)
    assert it.answer == "not_authorised"
    assert (it.state.routes[ROUTE], it.target) == (before, "birch")


def test_a_watchs_signature_beside_a_persons_takes_nothing_away():
    it = running()
    it.command(Verb.SUSPEND, by=("olga", *WATCH))
    assert (it.answer, it.last.cause.trigger) == ("accepted", Trigger.SUSPENDED)


@pytest.mark.parametrize("by", [("olga", *WATCH), ("sam", *WATCH)])
def test_a_watchs_signature_beside_a_persons_adds_nothing(by):
    it = asking(workflow=Workflow.MONEY_MOVING)
    it.overdue(it.last)
    it.command(Verb.RESUME, by=by)
    assert it.answer == "not_authorised"
    assert it.target is None


@pytest.mark.parametrize(
    ("name", "about", "seconds"), [("stop", "", 60), ("stop", "support/main/*@1.7.1", 60), ("stop", "", 0)]
)
def test_a_watch_cannot_use_up_the_id_of_a_persons_order(name, about, seconds):
    it = asking()
    it.command(Verb.SUSPEND, route=ROUTE.key, name=name, about=about, seconds=seconds, by=WATCH)
    assert (it.answer, it.target) == ("not_authorised", "birch")
    it.command(Verb.SUSPEND, name=name)
    assert (it.answer, it.last.cause.trigger) == ("accepted", Trigger.SUSPENDED)


def test_an_order_that_one_of_two_signed_does_not_use_up_the_id_of_the_one_that_both_signed():
    it = asking(workflow=Workflow.MONEY_MOVING)
    it.overdue(it.last)
    it.command(Verb.RESUME, name="resume-1")
    assert it.answer == "not_authorised"
    assert it.command(Verb.RESUME, name="resume-1").refused.reason is Reason.NOT_NEWER
    it.command(Verb.RESUME, name="resume-1", by=["olga", "oscar"])
    assert it.answer == "accepted"
    assert it.command(Verb.RESUME, name="resume-1", by=["olga", "oscar"]).refused.reason is Reason.NOT_NEWER


# A hold is told, wherever the route is.


@pytest.mark.parametrize("who", ["olga", "watch-1"])
def test_a_suspension_of_a_route_that_is_in_its_safe_state_already_is_told(who):
    it = running(unnotified=Unnotified.SUSPEND, safe_state=SafeState.HUMAN_QUEUE)
    for name in ("atlas", "birch", "cedar"):
        it.verdict(name, "unavailable", Level.UNAVAILABLE)
    safe = it.last
    assert (safe.safe_state, it.entry.hold) == ("human_queue", None)
    reviews = set(it.state.reviews)
    it.overdue(safe) if who == "watch-1" else it.command(Verb.SUSPEND)
    assert it.last.version == safe.version + 1
    assert (it.last.source, it.last.target, it.last.safe_state) == (None, None, "human_queue")
    assert it.last.cause.trigger is (Trigger.UNNOTIFIED if who == "watch-1" else Trigger.SUSPENDED)
    assert set(it.state.reviews) == reviews, "the route did not move"
    it.all_healthy("atlas")
    it.wait(3_600)
    assert it.last.version == safe.version + 1
    it.command(Verb.RESUME)
    assert it.target == "atlas"


def test_a_suspension_that_is_told_already_is_not_told_again():
    it = running()
    it.command(Verb.SUSPEND)
    told = it.last
    it.command(Verb.SUSPEND, by=["sam"])
    assert it.answer == "accepted"
    assert it.last is told
