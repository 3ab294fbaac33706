from interlock.records.health import Level
from interlock.trials.explore.facts import NOTHING, Oracle
from interlock.trials.explore.policies import ROUTE
from interlock.trials.explore.rule_worlds import guarded, verdicts
from interlock.trials.explore.world import UNIT
from interlock.trials.explore.worlds import revocation

SAID = NOTHING.heard(0, policy=True)
UNAVAILABLE = "unavailable"


def oracle(world, facts, t=0):
    return Oracle(world, facts, ROUTE, world.wall(t))


def healthy(world, *models, facts=SAID):
    for model in models:
        facts = facts.judged(model, UNAVAILABLE, Level.HEALTHY, world.wall(0))
    return facts


def test_the_first_order_goes_to_the_first_healthy_rung_or_the_safe_state():
    world = revocation()
    assert oracle(world, SAID).expected(None, 0, first=True) == {None}
    assert oracle(world, healthy(world, "birch")).expected(None, 0, first=True) == {"birch"}


def test_a_route_leaves_what_has_failed_for_the_next_healthy_rung():
    world = revocation()
    facts = healthy(world, "birch").judged("atlas", UNAVAILABLE, Level.UNAVAILABLE, world.wall(0))
    assert oracle(world, facts).expected("atlas", 0, first=False) == {"birch"}


def test_a_for_is_waited_for_and_a_denial_is_not():
    world = verdicts()
    facts = healthy(world, "birch").judged("atlas", UNAVAILABLE, Level.UNAVAILABLE, world.wall(0))
    assert oracle(world, facts).may_stay("atlas")
    assert not oracle(world, facts, 1).may_stay("atlas")
    assert not oracle(world, facts.heard(1, policy=False)).may_stay("atlas")


def test_a_climb_needs_the_stable_period_and_may_be_held_back():
    world = revocation()
    facts = healthy(world, "atlas", "birch")
    assert oracle(world, facts, 0).expected("birch", world.wall(0), first=False) == {"birch"}
    assert oracle(world, facts, 1).expected("birch", world.wall(0), first=False) == {"atlas", "birch"}


def test_evidence_ends_at_its_time():
    world = revocation()
    assert oracle(world, SAID, 2).admissible("birch")
    assert not oracle(world, SAID, 3).admissible("birch")


def test_a_newer_policy_drops_a_rung_and_an_older_one_does_not_bring_it_back():
    world = revocation()
    assert not oracle(world, NOTHING.heard(1, policy=True).heard(0, policy=True)).admissible("birch")


def test_without_its_guard_a_route_stops():
    world = guarded()
    facts = healthy(world, "atlas")
    assert oracle(world, facts).expected("atlas", 0, first=False) == {None}
    there = facts.judged("guard@filter", "guard", Level.HEALTHY, world.wall(0))
    assert oracle(world, there).expected("atlas", 0, first=False) == {"atlas"}
    silent = there.lapsed("guard@filter", "guard", world.wall(0))
    assert oracle(world, silent).guarded()
    assert not oracle(world, silent, 1).guarded()
    assert world.blind_us == UNIT
