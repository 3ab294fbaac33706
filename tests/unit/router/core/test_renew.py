"""The lease: what renews it, what ends it, and what a heartbeat can make good."""

from dataclasses import replace

import pytest

from interlock.records.change import Heartbeat, RoutingChange
from interlock.records.documents import Denial
from interlock.records.rules import SafeState
from interlock.records.sealing import open_sealed
from interlock.router.answers import Serve, Stop
from interlock.router.core.accept import accept, retry, with_candidate
from interlock.router.core.marks import Marks
from interlock.router.core.renew import renew
from interlock.router.core.resolve import resolve
from interlock.router.core.state import Candidate, Held, RouterState, take_document
from interlock.testing.builders import NOW, SUPPORT, Deployment
from interlock.testing.router_driver import BOOT, TERM, TERMS, RouterDriver
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros, Reading

DEPLOYMENT = Deployment()
POLICY = DEPLOYMENT.policy("support", ["atlas", "birch"])
GRACE_S = 10
START = Reading(NOW, BOOT)


def denial(model):
    return DEPLOYMENT.seal(Denial(f"deny-{model}", model, "a leak", NOW), "sam")


def at(seconds):
    return Reading(Micros(START.wall + round(seconds * SECOND)), Micros(START.boot + round(seconds * SECOND)))


class Line:
    """A live decision service and one router, with the heartbeats between them.

    What decision holds is kept as a router would keep it: its heads are the same.
    """

    def __init__(self):
        self.live = RouterDriver(DEPLOYMENT, POLICY)
        self.live.now = START
        self.orders = []
        self.beats = 0
        self.order("atlas")
        self.router = take_document(RouterState.start(1, DEPLOYMENT.book(), Marks()), POLICY, START)
        self.deliver()

    def order(self, target, **fields):
        """Decision orders, and journals it; nobody has heard of it yet."""
        self.orders.append(self.live.change(target, **fields))
        self.live.hear(self.orders[-1])

    def deliver(self, now=START):
        for order in self.orders:
            self.router = accept(self.router, DEPLOYMENT.seal(order, "decision-1"), 0, now).state

    def beat(self, now, by="decision-1", **changes):
        self.beats += 1
        heads = self.live.state.book.head.root, self.live.state.head(0).root
        beat = Heartbeat(DEPLOYMENT.name, 0, 1, TERM, self.beats, now.wall, *heads)
        return DEPLOYMENT.seal(replace(beat, **changes), by)

    def take(self, document, now=START):
        self.router = take_document(self.router, document, now)

    def hear(self, record, now):
        renewal = renew(self.router, record, 0, now, TERMS)
        self.router = renewal.state
        return renewal.refused.reason if renewal.refused else None


@pytest.fixture
def line():
    return Line()


def opened(change):
    return open_sealed(DEPLOYMENT.seal(change, "decision-1"), DEPLOYMENT.root, RoutingChange)


def served(line, seconds):
    answer = resolve(line.router, SUPPORT, None, at(seconds))
    return answer.model.name if isinstance(answer, Serve) else None


def test_a_heartbeat_with_the_heads_that_are_held_renews_the_lease(line):
    assert line.hear(line.beat(START), START) is None
    assert served(line, 0) == "atlas"


def test_a_route_is_kept_for_its_grace_after_the_lease_and_not_longer(line):
    line.hear(line.beat(START), START)
    assert served(line, 15 + GRACE_S - 0.001) == "atlas"
    assert resolve(line.router, SUPPORT, None, at(15 + GRACE_S)) == Stop(
        SUPPORT, SafeState.SUSPEND, Reason.LEASE_OVER, line.orders[-1].id
    )


def test_stepping_the_wall_clock_back_does_not_prolong_the_lease(line):
    line.hear(line.beat(START), START)
    back = Reading(Micros(START.wall - 3600 * SECOND), at(25).boot)
    assert isinstance(resolve(line.router, SUPPORT, None, back), Stop)


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
    assert line.hear(line.beat(START, **changes), START) is reason
    assert served(line, 0) is None


def test_a_repeated_heartbeat_renews_nothing(line):
    record = line.beat(START)
    line.hear(record, START)
    assert line.hear(record, at(5)) is Reason.NOT_NEWER


def test_a_broker_that_withholds_a_denial_can_only_end_the_lease(line):
    line.hear(line.beat(START), START)
    line.live.document(denial("birch"))
    for second in range(1, 25):
        assert line.hear(line.beat(at(second)), at(second)) is Reason.HEADS_DIFFER
    assert served(line, 24.9) == "atlas"
    assert served(line, 25) is None


def test_a_heartbeat_sent_before_the_last_change_still_renews(line):
    record = line.beat(START)
    line.order("birch")
    line.deliver()
    assert line.router.held[SUPPORT].change.value.target == "birch"
    assert line.hear(record, at(1)) is None


def test_a_router_that_lacks_a_change_is_not_renewed_until_it_has_it(line):
    line.order("birch")
    record = line.beat(START)
    assert line.hear(record, START) is Reason.HEADS_DIFFER
    line.deliver()
    assert line.hear(record, START) is None
    assert served(line, 0) == "birch"


def test_a_change_that_was_late_counts_once_a_live_head_contains_it():
    line = Line()
    line.router = take_document(RouterState.start(1, DEPLOYMENT.book(), Marks()), POLICY, at(3600))
    line.deliver(at(3600))
    assert SUPPORT not in line.router.held
    assert line.hear(line.beat(at(3600)), at(3600)) is None
    assert served(line, 3600) == "atlas"


def test_a_refused_change_that_the_live_service_stands_by_stops_its_route_and_renews_the_lease(line):
    line.order("birch")
    line.take(denial("birch"))
    line.deliver()
    assert line.router.held[SUPPORT].change.value.target == "atlas"
    record = line.beat(START, policies_head=line.router.book.head.root)
    renewal = renew(line.router, record, 0, START, TERMS)
    assert renewal.refused is None
    assert [held.refused for held in renewal.obeyed] == [Reason.DENIED]
    line.router = renewal.state
    assert isinstance(resolve(line.router, SUPPORT, None, START), Stop)


def test_a_stolen_decision_key_cannot_displace_the_route_for_longer_than_the_lease(line):
    line.hear(line.beat(START), START)
    forged = replace(line.orders[-1], version=900, target="zebra")
    line.router = accept(line.router, DEPLOYMENT.seal(forged, "decision-1"), 0, START).state
    assert line.hear(line.beat(at(1)), at(1)) is None
    assert served(line, 1) == "atlas"


def test_a_denial_that_arrives_stops_what_it_concerns_at_once(line):
    line.hear(line.beat(START), START)
    line.take(denial("atlas"))
    assert resolve(line.router, SUPPORT, None, START).reason is Reason.DENIED


def test_a_new_policy_stops_its_routes_until_the_change_that_names_it(line):
    line.hear(line.beat(START), START)
    newer = DEPLOYMENT.policy("support", ["atlas", "birch"], version=2)
    line.take(newer)
    assert resolve(line.router, SUPPORT, None, START).reason is Reason.POLICY_OLDER
    line.live.document(newer)
    line.order("atlas")
    line.deliver()
    assert served(line, 0) == "atlas"


def test_a_change_that_came_late_and_before_its_policy_counts_once_a_live_head_contains_it(line):
    line.router = RouterState.start(1, DEPLOYMENT.book(), Marks())
    line.deliver(at(3600))
    line.take(POLICY, at(3600))
    assert retry(line.router, "support", at(3600)) == []
    assert line.hear(line.beat(at(3600)), at(3600)) is None
    assert served(line, 3600) == "atlas"


def test_a_canary_that_is_refused_and_yet_live_leaves_the_route_to_its_source(line):
    line.order("birch", source="atlas", weight=50, canary="canary-1")
    line.take(denial("birch"))
    line.deliver()
    assert line.router.held[SUPPORT].change.value.target == "atlas"
    record = line.beat(START, policies_head=line.router.book.head.root)
    renewal = renew(line.router, record, 0, START, TERMS)
    assert [(held.change.value.canary, held.refused) for held in renewal.obeyed] == [("canary-1", None)]
    assert renewal.state.standings[SUPPORT].cut is Reason.DENIED
    answers = {resolve(renewal.state, SUPPORT, str(key), START).model.name for key in range(100)}
    assert answers == {"atlas"}


@pytest.mark.parametrize("weight", [0, -1, 101])
def test_a_change_that_makes_no_sense_and_is_yet_live_stops_its_route(line, weight):
    line.orders.append(line.live.change("birch", source="atlas", weight=weight, canary="canary-1"))
    line.live.state = line.live.state.hold(Held(opened(line.orders[-1])), START)
    line.deliver()
    assert line.hear(line.beat(START), START) is None
    assert resolve(line.router, SUPPORT, "key", START).reason is Reason.CHANGE_MALFORMED


def test_a_change_that_was_refused_while_live_is_not_obeyed_later_without_an_order(line):
    """Whatever has changed since: the route was told of as stopped, and a router widens nothing by itself."""
    line.order("birch")
    late = Reading(DEPLOYMENT.expires_at, START.boot)
    line.deliver(late)
    assert line.hear(line.beat(late), late) is None
    assert line.router.held[SUPPORT].refused is Reason.POLICY_EXPIRED
    line.router = line.router.judge([SUPPORT], START)
    assert resolve(line.router, SUPPORT, None, START).reason is Reason.POLICY_EXPIRED


def test_a_forged_candidate_of_one_route_does_not_stand_in_the_way_of_a_late_one_of_another():
    other = RouteId("support", "other", "*")
    rules = [DEPLOYMENT.rule(["atlas", "birch"], slot=slot) for slot in ("main", "other")]
    router = RouterDriver(DEPLOYMENT, DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))
    assert (router.obeys("atlas"), router.obeys("atlas", other)) == (None, None)
    assert router.obeys("zebra", other) is Reason.NOT_ON_LADDER
    late = router.order("birch", not_after=router.now.wall)
    assert late.refused.reason is Reason.PAST_NOT_AFTER
    head = router.state.head(0).put(SUPPORT.key, late.change.event_id).root
    assert router.beat(routes_head=head).refused is None
    assert (router.serves(), router.serves(route=other)) == ("birch", "atlas")


def test_a_forged_candidate_does_not_stand_in_the_way_of_several_that_only_a_full_disk_kept_out():
    slots = {slot: RouteId("support", slot, "*") for slot in ("main", "other", "third")}
    rules = [DEPLOYMENT.rule(["atlas", "birch"], slot=slot) for slot in slots]
    router = RouterDriver(DEPLOYMENT, DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))
    for route in slots.values():
        assert router.obeys("atlas", route) is None
    assert router.obeys("zebra", slots["third"]) is Reason.NOT_ON_LADDER
    head = router.state.head(0)
    for slot in ("main", "other"):
        change = opened(router.change("birch", slots[slot]))
        router.state = with_candidate(router.state, Candidate(change, b"", Reason.NOT_PERSISTED))
        head = head.put(slots[slot].key, change.event_id)
    assert router.beat(routes_head=head.root).refused is None
    assert [router.serves(route=route) for route in slots.values()] == ["birch", "birch", "atlas"]


SLOTS = tuple(RouteId("support", slot, "*") for slot in ("main", "other", "third"))


def several(*, after_s=0, **fields):
    """A router that holds a policy of three routes and no change, and the orders that were made for them when it was away."""
    rules = [DEPLOYMENT.rule(["atlas", "birch"], slot=route.slot) for route in SLOTS]
    router = RouterDriver(DEPLOYMENT, DEPLOYMENT.seal(DEPLOYMENT.policy_of("support", *rules), "grace", "oscar"))
    orders = [router.change("birch", route, **fields) for route in SLOTS]
    router.wait(after_s)
    return router, orders


def head_of(router, orders):
    head = router.state.head(0)
    for order in orders:
        head = head.put(order.route.key, opened(order).event_id)
    return head.root


def serving(router):
    return [router.serves(route=route) for route in SLOTS]


def test_whatever_is_forged_a_router_that_starts_later_obeys_what_stands_on_the_topic_last():
    router, orders = several(after_s=3600)
    head = head_of(router, orders)
    for order in orders:
        forged = (
            replace(order, version=900, target="zebra"),
            replace(order, version=901, policy_version=9),
            replace(order, version=902, slot=f"no {order.slot}"),
        )
        for change in (order, *forged, order):  # decision publishes its own again
            router.hear(change)
    assert router.beat(routes_head=head).refused is None
    assert serving(router) == ["birch"] * 3


def test_a_forged_order_that_is_over_does_not_hide_late_ones_once_the_one_held_was_shown_again():
    router, (first, *others) = several()
    router.hear(first)
    forged = router.change("atlas", SLOTS[0], not_after=router.now.wall)
    router.hear(forged)
    router.hear(first)
    router.wait(3600)
    head = head_of(router, others)
    for order in others:
        router.hear(order)
    assert router.beat(routes_head=head).refused is None
    assert serving(router) == ["birch"] * 3


def test_orders_that_were_held_before_a_restart_are_believed_before_forged_ones_that_policy_forbids_as_well():
    router, orders = several()
    for order in orders:
        router.hear(order)
    head = router.state.head(0).root
    router.restart()
    fewer = DEPLOYMENT.policy_of("support", DEPLOYMENT.rule(["atlas", "birch"]), version=2)
    router.document(DEPLOYMENT.seal(fewer, "grace", "oscar"))
    for order in orders:
        assert router.hear(order).refused.reason is Reason.POLICY_OLDER
    router.hear(replace(orders[0], slot="cellar"))
    assert router.beat(routes_head=head).refused is None


def test_however_many_orders_are_forged_for_unknown_routes_one_of_a_known_route_is_found(monkeypatch):
    monkeypatch.setattr("interlock.router.core.renew.TRIED_ALONE_MAX", 4)
    router, orders = several()
    for number in range(20):
        router.hear(replace(orders[0], slot=f"cellar-{number}"))
    live = replace(orders[1], target="zebra")
    head = head_of(router, [live])
    router.hear(live)
    for number in range(20, 40):
        router.hear(replace(orders[0], slot=f"cellar-{number}"))
    renewal = router.beat(routes_head=head)
    assert [held.refused for held in renewal.obeyed] == [Reason.NOT_ON_LADDER]


def test_one_that_is_refused_and_yet_live_is_found_beside_late_ones():
    router, (first, second, third) = several(after_s=3600)
    refused = replace(third, target="zebra")
    head = head_of(router, (first, second, refused))
    for change in (first, second, refused, replace(first, slot="cellar")):
        router.hear(change)
    assert router.beat(routes_head=head).refused is None
    assert serving(router) == ["birch", "birch", None]
