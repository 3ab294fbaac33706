import pytest

from interlock.decision.core.state import State
from interlock.policy.book import Book
from interlock.records.change import Trigger
from interlock.records.health import Level
from interlock.records.rules import Mode
from interlock.testing.builders import NOW, Deployment
from interlock.testing.driver import Driver
from interlock.testing.stories import DOWN, STABLE_S, policy, running, slow
from interlock.vocabulary.limits import CLIMBS_MIN
from interlock.vocabulary.time import SECOND, Micros


def flap(it):
    """The primary dies, the fallback serves, the primary comes back."""
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.target == "birch"
    it.verdict("atlas", "unavailable", Level.HEALTHY)


def seconds_until_return(it):
    waited = 0
    while it.target != "atlas":
        it.wait(1)
        waited += 1
    return waited


def test_each_flap_doubles_the_stable_period():
    it = running()
    waits = []
    for _ in range(4):
        flap(it)
        waits.append(seconds_until_return(it))
    assert waits == [STABLE_S, 2 * STABLE_S, 4 * STABLE_S, 8 * STABLE_S]


def test_a_rung_that_was_kept_for_long_is_not_damped():
    it = running()
    flap(it)
    seconds_until_return(it)
    it.wait(10 * STABLE_S)
    flap(it)
    assert seconds_until_return(it) == STABLE_S


def test_a_rung_is_kept_for_its_dwell_time_before_the_route_climbs():
    it = running(dwell_us=Micros(20 * SECOND))
    flap(it)
    assert seconds_until_return(it) == 20


def test_the_dwell_time_never_delays_leaving():
    it = running(dwell_us=Micros(3600 * SECOND))
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.verdict("birch", "unavailable", Level.UNAVAILABLE)
    it.verdict("cedar", "unavailable", Level.UNAVAILABLE)
    assert it.last.safe_state == "suspend"


def test_how_long_like_incidents_have_lasted_is_expected_of_the_next():
    it = running(blind_us=Micros(3600 * SECOND))
    lasted = []
    for hold in (100, 300, 200):
        it.wait(3600)
        it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
        it.wait(hold)
        it.verdict("atlas", "unavailable", Level.HEALTHY)
        seconds_until_return(it)
        lasted.append(hold + STABLE_S)
    it.wait(3600)
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    assert it.last.expected_us == sorted(lasted)[1] * SECOND
    assert it.orders[0].expected_us == 0


@pytest.mark.parametrize("agents", [CLIMBS_MIN + 10])
def test_only_so_many_routes_move_up_in_one_window(agents):
    names = [f"agent-{number:03}" for number in range(agents)]
    deployment = Deployment(agents=names)
    it = Driver(deployment, None)
    for name in names:
        rule = deployment.rule(["atlas", "birch"], triggers=(DOWN,))
        it.document(deployment.seal(deployment.policy_of(name, rule), "grace", "oscar"))
    for name in ("atlas", "birch"):
        it.verdict(name, "unavailable", Level.HEALTHY)

    def settle():
        while it.wait(0).changes:
            pass

    def served():
        return sum(entry.safe_state is None for entry in it.state.routes.values())

    settle()
    it.wait(STABLE_S)
    settle()
    assert served() == CLIMBS_MIN
    it.wait(9)
    settle()
    assert served() == CLIMBS_MIN
    it.wait(1)
    settle()
    assert served() == agents
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    settle()
    assert {entry.target for entry in it.state.routes.values()} == {"birch"}, "going down is never capped"


def test_an_incident_outlives_a_new_policy():
    it = running()
    it.verdict("atlas", "unavailable", Level.UNAVAILABLE)
    it.document(policy(version=2))
    assert it.last.cause.trigger is Trigger.POLICY
    assert it.entry.incident.trigger is Trigger.UNAVAILABLE


def test_time_alone_is_noticed_at_its_moment_and_a_tick_looks_at_nothing_else():
    it = running(triggers=(DOWN, slow(Mode.CUTOVER, seconds=30)))
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    for _ in range(29):
        assert not it.wait(1).to_journal
    it.wait(1)
    assert it.target == "birch"


def test_a_shard_that_is_rebuilt_from_its_entries_goes_on_where_it_stood():
    it = running(triggers=(DOWN, slow(Mode.CUTOVER, seconds=30)))
    it.verdict("atlas", "latency>2s", Level.DEGRADED)
    rebuilt = State.start(0, 1, Book.start(it.deployment.root, it.deployment.root_id)).claimed(7, NOW)
    for _, _, outcome in it.outcomes:
        for entry in outcome.entries:
            rebuilt = rebuilt.apply(entry)
    assert rebuilt.digest.root == it.state.digest.root
    it.state = rebuilt
    it.wait(30)
    assert it.target == "birch"
