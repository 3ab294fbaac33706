"""What a router does by itself is told, and told once."""

from dataclasses import replace

import pytest

from interlock.records.documents import Denial
from interlock.router.core.own_steps import OwnSteps
from interlock.testing.builders import NOW, SUPPORT, Deployment, model
from interlock.testing.router_driver import RouterDriver
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

DEPLOYMENT = Deployment()
CANARY = {"source": "atlas", "weight": 25, "canary": "canary-1"}
CUT = "support/main/* is served by its source alone: canary canary-1"


def ending(name):
    """A rung whose evidence expires in 30 seconds."""
    subject = model(name)
    evidence = DEPLOYMENT.evidence(subject, expires_at=Micros(NOW + 30 * SECOND))
    return replace(DEPLOYMENT.rung(subject), evidence=evidence)


class Told:
    """A router, and everything that it has told of its own steps."""

    def __init__(self, *ladder, target="atlas", **fields):
        self.router = RouterDriver(DEPLOYMENT, DEPLOYMENT.policy("support", ladder))
        self.own_steps = OwnSteps()
        self.all = []
        self.router.obeys(target, **fields)
        self.second()

    def second(self, *, beat=True):
        """One second passes; what was told in it."""
        self.router.wait(1)
        if beat:
            self.router.beat()
        return self.now()

    def now(self):
        """What is told now."""
        told = self.own_steps.since_last(self.router.state, self.router.now)
        self.all += told
        return told

    def seconds(self, number, *, beat=True):
        return [step for _ in range(number) for step in self.second(beat=beat)]


def test_nothing_is_told_of_what_was_ordered():
    told = Told("atlas", "birch", target="birch", **CANARY)
    told.router.order("atlas")
    told.router.order(None)
    assert told.seconds(5) == []


def test_the_end_of_a_lease_is_told_once_and_again_when_it_ends_again():
    told = Told("atlas")
    ended = [(Reason.LEASE_OVER, "shard 0: its routes are kept for their grace, then stop")]
    assert told.seconds(14, beat=False) == []
    assert told.seconds(20, beat=False) == ended
    assert told.seconds(2) == []
    assert told.seconds(20, beat=False) == ended


def test_a_model_that_has_run_out_is_told_once():
    told = Told(ending("atlas"))
    told.seconds(28)
    assert told.all == []
    assert told.second() == [(Reason.EVIDENCE_EXPIRED, "support/main/* stops: change change-1")]
    assert told.seconds(20) == []


@pytest.mark.parametrize("target", ["birch", "atlas"])
def test_a_canary_that_has_run_out_is_told_once(target):
    """Whether the canary's model is the one above or the one below."""
    source = "atlas" if target == "birch" else "birch"
    ladder = [ending(name) if name == target else name for name in ("atlas", "birch")]
    told = Told(*ladder, target=target, **{**CANARY, "source": source})
    told.seconds(28)
    assert told.all == []
    assert told.second() == [(Reason.EVIDENCE_EXPIRED, CUT)]
    assert told.seconds(20) == []


def test_a_canary_that_is_denied_is_told_once():
    told = Told("atlas", "birch", target="birch", **CANARY)
    told.router.document(DEPLOYMENT.seal(Denial("d", "birch", "a leak", NOW), "sam"))
    assert told.second() == [(Reason.DENIED, CUT)]
    assert told.seconds(20) == []


def test_when_both_arms_run_out_the_stop_is_told():
    told = Told(ending("atlas"), ending("birch"), target="birch", **CANARY)
    told.seconds(40)
    assert told.all == [(Reason.EVIDENCE_EXPIRED, "support/main/* stops: change change-1")]


def test_what_was_told_is_not_told_again_when_another_route_changes():
    other = RouteId("support", "other", "*")
    rules = [
        DEPLOYMENT.rule([rung, "birch"], slot=slot) for slot, rung in (("main", ending("atlas")), ("other", "cedar"))
    ]
    told = Told("atlas")
    policy = DEPLOYMENT.policy_of("support", *rules, version=2)
    told.router.document(DEPLOYMENT.seal(policy, "grace", "oscar"))
    told.router.order("atlas")
    assert len(told.seconds(30)) == 1
    for target in ("cedar", "birch"):
        told.router.order(target, other)
        assert told.seconds(2) == []


def test_what_ran_out_is_named():
    told = Told(model("atlas", retires_at=Micros(NOW + 30 * SECOND)))
    assert told.seconds(40) == [(Reason.MODEL_RETIRED, "support/main/* stops: change change-1")]


def test_of_a_canary_whose_route_stops_nothing_is_told():
    told = Told("atlas", "birch", target="birch", **CANARY)
    for name in ("atlas", "birch"):
        told.router.document(DEPLOYMENT.seal(Denial(f"deny-{name}", name, "a leak", NOW), "sam"))
    assert told.seconds(3) == []


def test_only_routes_with_a_canary_are_looked_at_for_one():
    told = Told("atlas", "birch", target="birch", **CANARY)
    assert set(told.router.state.canaries) == {SUPPORT}
    told.router.order("atlas")
    assert not told.router.state.canaries


def test_a_cut_that_lasts_no_longer_than_a_moment_is_told():
    told = Told("atlas", "birch", target="birch", **CANARY)
    told.router.document(DEPLOYMENT.seal(Denial("d", "birch", "a leak", NOW), "sam"))
    assert told.now() == [(Reason.DENIED, CUT)]
    told.router.order("atlas")
    assert told.now() == []


def test_changes_by_the_thousand_do_not_cost_a_look_at_every_route_each():
    """A model that runs out within a second of the last look is told of at the next one."""
    told = Told(ending("atlas"), "birch")
    told.seconds(28)
    told.router.wait(0.5)
    told.router.order("atlas")
    assert told.now() == []
    told.router.wait(0.7)
    assert told.now() == []
    told.router.wait(0.4)
    assert told.now() == [(Reason.EVIDENCE_EXPIRED, "support/main/* stops: change change-2")]
