"""The lease: what renews it, what ends it, and what a heartbeat can make good."""

from dataclasses import replace

import pytest

from interlock.records.change import Heartbeat
from interlock.records.documents import Denial
from interlock.router.answers import Serve, Stop
from interlock.router.core.accept import accept
from interlock.router.core.marks import Marks
from interlock.router.core.renew import Terms, renew
from interlock.router.core.resolve import resolve
from interlock.router.core.state import RouterState, take_document
from interlock.testing.builders import NOW, Deployment
from interlock.testing.driver import ROUTE, Driver
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading

DEPLOYMENT = Deployment()
POLICY = DEPLOYMENT.policy("support", ["atlas", "birch"])
TERMS = Terms(lease_us=Micros(15 * SECOND), skew_us=Micros(2 * SECOND))
GRACE_S = 10
START = Reading(Micros(NOW + 5 * SECOND), Micros(1_000 * SECOND))


def at(seconds):
    return Reading(Micros(START.wall + round(seconds * SECOND)), Micros(START.boot + round(seconds * SECOND)))


class Line:
    """A decision core and one router beside each other, with the heartbeats between them."""

    def __init__(self):
        self.decision = Driver(DEPLOYMENT, POLICY)
        self.decision.all_healthy("atlas", "birch")
        self.decision.wait(5)
        self.router = take_document(RouterState.start(1, DEPLOYMENT.book(), Marks()), POLICY, START)
        self.deliver()
        self.beats = 0

    def deliver(self, now=START):
        for order in self.decision.orders:
            self.router = accept(self.router, DEPLOYMENT.seal(order, "decision-1"), 0, now).state

    def beat(self, now, **changes):
        self.beats += 1
        state = self.decision.state
        heads = state.book.head.root, state.routes_head.root
        beat = Heartbeat(DEPLOYMENT.name, 0, 1, 7, self.beats, now.wall, *heads)
        return DEPLOYMENT.seal(replace(beat, **changes), changes.pop("by", "decision-1"))

    def hear(self, record, now):
        renewal = renew(self.router, record, 0, now, TERMS)
        self.router = renewal.state
        return renewal.refused.reason if renewal.refused else None


@pytest.fixture
def line():
    return Line()


def served(line, seconds):
    answer = resolve(line.router, ROUTE, at(seconds))
    return answer.model.name if isinstance(answer, Serve) else None


def test_a_heartbeat_with_the_heads_that_are_held_renews_the_lease(line):
    assert line.hear(line.beat(START), START) is None
    assert served(line, 0) == "atlas"


def test_a_route_is_kept_for_its_grace_after_the_lease_and_not_longer(line):
    line.hear(line.beat(START), START)
    assert served(line, 15 + GRACE_S - 0.001) == "atlas"
    assert resolve(line.router, ROUTE, at(15 + GRACE_S)) == Stop(
        ROUTE, "suspend", Reason.LEASE_OVER, line.decision.orders[-1].id
    )


def test_stepping_the_wall_clock_back_does_not_prolong_the_lease(line):
    line.hear(line.beat(START), START)
    back = Reading(Micros(START.wall - 3600 * SECOND), at(25).boot)
    assert isinstance(resolve(line.router, ROUTE, back), Stop)


def test_an_old_heartbeat_gives_only_what_is_left_of_its_lease(line):
    late = at(10)
    assert line.hear(line.beat(START), late) is None
    assert served(line, 10 + 7 + GRACE_S - 0.001) == "atlas"
    assert served(line, 10 + 7 + GRACE_S) is None
    assert Line().hear(line.beat(START), at(17)) is Reason.EXPIRED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"by": "health-1"}, Reason.ROLE_NOT_ALLOWED),
        ({"deployment": "elsewhere"}, Reason.WRONG_AUDIENCE),
        ({"shard": 1}, Reason.WRONG_SHARD),
        ({"term": 6}, Reason.OLD_TERM),
        ({"issued_at": Micros(START.wall + 60 * SECOND)}, Reason.FROM_THE_FUTURE),
        ({"policies_head": bytes(32)}, Reason.HEADS_DIFFER),
        ({"routes_head": bytes(32)}, Reason.HEADS_DIFFER),
        ({"root_version": 2}, Reason.HEADS_DIFFER),
    ],
)
def test_a_heartbeat_that_does_not_count_renews_nothing(line, changes, reason):
    by = changes.pop("by", "decision-1") if "by" in changes else "decision-1"
    line.beats += 1
    state = line.decision.state
    beat = Heartbeat(DEPLOYMENT.name, 0, 1, 7, 1, START.wall, state.book.head.root, state.routes_head.root)
    assert line.hear(DEPLOYMENT.seal(replace(beat, **changes), by), START) is reason
    assert served(line, 0) is None


def test_a_repeated_heartbeat_renews_nothing(line):
    record = line.beat(START)
    line.hear(record, START)
    assert line.hear(record, at(5)) is Reason.NOT_NEWER


def test_a_broker_that_withholds_a_denial_can_only_end_the_lease(line):
    line.hear(line.beat(START), START)
    line.decision.deny("birch")
    for second in range(1, 25):
        assert line.hear(line.beat(at(second)), at(second)) is Reason.HEADS_DIFFER
    assert served(line, 24.9) == "atlas"
    assert served(line, 25) is None


def test_a_heartbeat_sent_before_the_last_change_still_renews(line):
    record = line.beat(START)
    line.decision.verdict("atlas", "unavailable", line.decision.state.verdicts["atlas/*/unavailable"].level.UNAVAILABLE)
    line.deliver()
    assert line.router.held[ROUTE].change.value.target == "birch"
    assert line.hear(record, at(1)) is None


def test_a_router_that_lacks_a_change_is_not_renewed_until_it_has_it(line):
    line.decision.verdict("atlas", "unavailable", line.decision.state.verdicts["atlas/*/unavailable"].level.UNAVAILABLE)
    record = line.beat(START)
    assert line.hear(record, START) is Reason.HEADS_DIFFER
    line.deliver()
    assert line.hear(record, START) is None
    assert served(line, 0) == "birch"


def test_a_change_that_was_late_counts_once_a_live_head_contains_it():
    line = Line()
    line.router = take_document(RouterState.start(1, DEPLOYMENT.book(), Marks()), POLICY, at(3600))
    line.deliver(at(3600))
    assert ROUTE not in line.router.held
    assert line.hear(line.beat(at(3600)), at(3600)) is None
    assert served(line, 3600) == "atlas"


def test_a_refused_change_that_the_live_service_stands_by_stops_its_route_and_renews_the_lease(line):
    denial = DEPLOYMENT.seal(Denial("d1", "birch", "a leak", NOW), "sam")
    line.decision.verdict("atlas", "unavailable", line.decision.state.verdicts["atlas/*/unavailable"].level.UNAVAILABLE)
    line.router = take_document(line.router, denial, START)
    line.deliver()
    assert line.router.held[ROUTE].change.value.target == "atlas"
    record = line.beat(START, policies_head=line.router.book.head.root)
    renewal = renew(line.router, record, 0, START, TERMS)
    assert renewal.refused is None
    assert [held.refused for held in renewal.obeyed] == [Reason.DENIED]
    line.router = renewal.state
    assert isinstance(resolve(line.router, ROUTE, START), Stop)


def test_a_stolen_decision_key_cannot_displace_the_route_for_longer_than_the_lease(line):
    line.hear(line.beat(START), START)
    forged = replace(line.decision.orders[-1], version=900, target="zebra")
    line.router = accept(line.router, DEPLOYMENT.seal(forged, "decision-1"), 0, START).state
    assert line.hear(line.beat(at(1)), at(1)) is None
    assert served(line, 1) == "atlas"


def test_a_denial_that_arrives_stops_what_it_concerns_at_once(line):
    line.hear(line.beat(START), START)
    line.router = take_document(line.router, DEPLOYMENT.seal(Denial("d1", "atlas", "a leak", NOW), "sam"), START)
    assert resolve(line.router, ROUTE, START).reason is Reason.DENIED


def test_a_new_policy_stops_its_routes_until_the_change_that_names_it(line):
    line.hear(line.beat(START), START)
    newer = DEPLOYMENT.policy("support", ["atlas", "birch"], version=2)
    line.router = take_document(line.router, newer, START)
    assert resolve(line.router, ROUTE, START).reason is Reason.POLICY_OLDER
    line.decision.document(newer)
    line.deliver()
    assert served(line, 0) == "atlas"
