"""One agent, several routes: each slot and scope has its own ladder."""

from interlock.records.commands import Verb
from interlock.records.health import Level
from interlock.records.rules import TriggerRule, WatchedTrigger
from interlock.testing.driver import Driver
from interlock.testing.stories import DEPLOYMENT, DOWN, STABLE_S
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros

COST = TriggerRule(WatchedTrigger.COST, 12.0, Micros(0))


def two_tenants(**fields):
    """The general ladder begins with the good model, the free tenants' with the cheap one."""
    rules = [
        DEPLOYMENT.rule(["atlas", "birch"], triggers=(DOWN, COST), **fields),
        DEPLOYMENT.rule(["birch", "cedar"], triggers=(DOWN, COST), scope="free", **fields),
        DEPLOYMENT.rule(["atlas"], triggers=(DOWN,), slot="summary", **fields),
    ]
    it = Driver(DEPLOYMENT, DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))
    for model in ("atlas", "birch", "cedar"):
        for objective in ("unavailable", COST.objective):
            it.verdict(model, objective, Level.HEALTHY)
    it.wait(STABLE_S)
    return it


def targets(it):
    return {route.key: entry.target for route, entry in it.state.routes.items()}


MAIN, FREE, SUMMARY = "support/main/*", "support/main/free", "support/summary/*"


def test_each_route_walks_its_own_ladder():
    it = two_tenants()
    assert targets(it) == {MAIN: "atlas", FREE: "birch", SUMMARY: "atlas"}
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert targets(it) == {MAIN: "birch", FREE: "birch", SUMMARY: None}


def test_a_ceiling_that_one_scope_exceeds_moves_that_scope_alone():
    it = two_tenants()
    it.verdict("birch", COST.objective, Level.DEGRADED, scope="free")
    assert targets(it) == {MAIN: "atlas", FREE: "cedar", SUMMARY: "atlas"}


def test_a_verdict_on_a_routes_own_scope_counts_beside_the_general_one():
    it = two_tenants()
    it.verdict("birch", COST.objective, Level.HEALTHY, scope="free")
    it.verdict("birch", COST.objective, Level.DEGRADED)
    assert targets(it)[FREE] == "cedar"


def test_a_command_may_be_about_one_route():
    it = two_tenants()
    it.command(Verb.SUSPEND, route=FREE)
    assert targets(it) == {MAIN: "atlas", FREE: None, SUMMARY: "atlas"}
    it.command(Verb.SUSPEND)
    assert set(targets(it).values()) == {None}
    it.command(Verb.RESUME, route=MAIN)
    it.wait(STABLE_S)
    assert targets(it) == {MAIN: "atlas", FREE: None, SUMMARY: None}


def test_a_route_that_a_new_policy_drops_is_ordered_no_more():
    it = two_tenants()
    rule = DEPLOYMENT.rule(["atlas", "birch"], triggers=(DOWN,))
    it.document(DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", rule, version=2), "grace", "oscar"))
    orders = len(it.orders)
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    assert len(it.orders) == orders
    assert RouteId.parse(FREE) in it.state.routes
