"""A broker that lies: every lie, told to every service, in virtual time, with the real services; and lies at random.

What no lie may bring about is checked in every story (`Outcome.faults`); where the route ends while the lie lasts, and who is told, stands in
the table. Each service that is lied to about what it reads has a cell; a test says that none is empty.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.testing.lying.lies import (
    Ahead,
    Cut,
    Drop,
    Freeze,
    Late,
    Reorder,
    Repeat,
    Rewind,
    ServeOld,
    Which,
    Withhold,
)
from interlock.testing.lying.story import LIE_S, SHORT_LIE_S, Lies, Outcome, Route, tell_story
from interlock.testing.lying.world import GRACE_S, LEASE_S, OWNERS, LyingWorld
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, seconds
from interlock.wire.topics import AUDIT, HEARTBEATS, NOTICES, POLICIES, ROUTES, VERDICTS, TopicSpec

DENIAL = Which(POLICIES.name, "deny/")
BOTH = "notifier and watch"
VICTIMS: dict[str, tuple[str, ...]] = {**{service: (service,) for service in OWNERS}, BOTH: ("notifier", "watch")}
ROUTING = {"router", "decision"}
READS: dict[str, set[str]] = {
    "router": {POLICIES.name, ROUTES.name, HEARTBEATS.name},
    "decision": {POLICIES.name, ROUTES.name, AUDIT.name, VERDICTS.name},
    "notifier": {POLICIES.name, AUDIT.name, NOTICES.name},
    "watch": {POLICIES.name, AUDIT.name, NOTICES.name},
}
"""What each service reads, of the topics that are lied about."""


def since(topic: TopicSpec, now: Micros) -> Which:
    return Which(topic.name, after=now)


LIES: dict[str, tuple[str, Lies]] = {
    "withholds the denial": (POLICIES.name, lambda now: [Withhold(DENIAL)]),
    "says the policies end before it": (POLICIES.name, lambda now: [Cut(DENIAL)]),
    "tells the policies late": (POLICIES.name, lambda now: [Late(since(POLICIES, now), seconds(30))]),
    "freezes the policies": (POLICIES.name, lambda now: [Freeze(Which(POLICIES.name))]),
    "an older end of the policies": (POLICIES.name, lambda now: [Rewind(POLICIES.name, 0)]),
    "withholds the order": (ROUTES.name, lambda now: [Withhold(since(ROUTES, now))]),
    "says the routes end before it": (ROUTES.name, lambda now: [Cut(since(ROUTES, now))]),
    "serves the old order": (ROUTES.name, lambda now: [ServeOld(since(ROUTES, now))]),
    "freezes the routes": (ROUTES.name, lambda now: [Freeze(Which(ROUTES.name))]),
    "an older end of the routes": (ROUTES.name, lambda now: [Rewind(ROUTES.name, 0)]),
    "withholds the log": (AUDIT.name, lambda now: [Withhold(since(AUDIT, now))]),
    "says the log ends": (AUDIT.name, lambda now: [Cut(since(AUDIT, now))]),
    "serves old steps": (AUDIT.name, lambda now: [ServeOld(since(AUDIT, now))]),
    "freezes the log": (AUDIT.name, lambda now: [Freeze(Which(AUDIT.name))]),
    "an older end of the log": (AUDIT.name, lambda now: [Rewind(AUDIT.name, 0)]),
    "withholds the heartbeats": (HEARTBEATS.name, lambda now: [Withhold(since(HEARTBEATS, now))]),
    "tells the heartbeats late": (HEARTBEATS.name, lambda now: [Late(since(HEARTBEATS, now), seconds(20))]),
    "withholds the verdicts": (VERDICTS.name, lambda now: [Withhold(since(VERDICTS, now))]),
    "withholds the receipts": (NOTICES.name, lambda now: [Withhold(since(NOTICES, now))]),
    "says the receipts end": (NOTICES.name, lambda now: [Cut(since(NOTICES, now))]),
    "repeats everything": ("", lambda now: [Repeat(Which())]),
    "reorders everything": ("", lambda now: [Reorder(Which(after=now))]),
    "freezes everything": ("", lambda now: [Freeze(Which())]),
    "cuts every connection": ("", lambda now: [Drop()]),
    "says there is always more": ("", lambda now: [Ahead(Which())]),
}
"""Each lie: the topic that it is about, empty for all of them, and what is told from a moment on."""

TABLE: dict[str, dict[str, str]] = {
    "withholds the denial": {"router": "safe", "decision": "safe", "notifier": "breach", "watch": "told, no sign"},
    "says the policies end before it": {"router": "safe", "decision": "safe", "notifier": "told", "watch": "told"},
    "tells the policies late": {"router": "right", "decision": "right", "notifier": "told", "watch": "told"},
    "freezes the policies": {"router": "safe", "decision": "safe", "notifier": "breach", "watch": "told, no sign"},
    "an older end of the policies": {"router": "safe", "decision": "safe", "notifier": "breach", "watch": "told"},
    "withholds the order": {"router": "safe", "decision": "right"},
    "says the routes end before it": {"router": "safe", "decision": "right"},
    "serves the old order": {"router": "safe", "decision": "right"},
    "freezes the routes": {"router": "safe", "decision": "safe"},
    "an older end of the routes": {"router": "safe", "decision": "right"},
    "withholds the log": {"decision": "safe", "notifier": "breach", "watch": "told, no sign", BOTH: "silence, no sign"},
    "says the log ends": {"decision": "safe", "notifier": "breach", "watch": "told", BOTH: "silence"},
    "serves old steps": {"decision": "right", "notifier": "breach", "watch": "told", BOTH: "silence"},
    "freezes the log": {"decision": "safe", "notifier": "breach", "watch": "told, no sign", BOTH: "silence, no sign"},
    "an older end of the log": {"decision": "safe", "notifier": "breach", "watch": "told", BOTH: "silence"},
    "withholds the heartbeats": {"router": "safe"},
    "tells the heartbeats late": {"router": "safe"},
    "withholds the verdicts": {"decision": "safe"},
    "withholds the receipts": {"notifier": "told", "watch": "told, no sign"},
    "says the receipts end": {"notifier": "told", "watch": "told"},
    "repeats everything": {"router": "right", "decision": "right", "notifier": "told", "watch": "told"},
    "reorders everything": {"router": "right", "decision": "right", "notifier": "told", "watch": "told"},
    "freezes everything": {"router": "safe", "decision": "safe", "notifier": "breach", "watch": "told, no sign"},
    "cuts every connection": {"router": "safe", "decision": "safe", "notifier": "breach", "watch": "told, no sign"},
    "says there is always more": {
        "router": "right",
        "decision": "safe",
        "notifier": "breach",
        "watch": "told, no sign",
    },
}
"""Lie, victim, and what comes of it while it lasts. Of who routes: where the route ends. Of who tells: whether every change is told, or on
record as a breach; and whether signs of life go on outside."""

NOT_NOTICED = {(lie, BOTH) for lie in ("says the log ends", "serves old steps", "an older end of the log")}
"""The cells in which people outside can not know while the lie lasts; see docs/explanation/a-broker-that-lies.md."""

CELLS = [(lie, victim) for lie, row in TABLE.items() for victim in row]


def story(folder: Path, lie: str, victim: str) -> Outcome:
    killed = ["decision"] if victim == "decision" else []
    lie_s = SHORT_LIE_S if victim in ROUTING else LIE_S
    return tell_story(folder, VICTIMS[victim], LIES[lie][1], killed=killed, lie_s=lie_s)


def without_harm(outcome: Outcome) -> None:
    """What holds whatever the lie."""
    assert outcome.faults == ()
    assert outcome.route is not Route.WRONG
    assert outcome.denied_s <= LEASE_S + GRACE_S + 1
    assert outcome.converged_s <= LEASE_S


def test_no_cell_is_empty():
    topics = {lie: {about} if about else set().union(*READS.values()) for lie, (about, _) in LIES.items()}
    read = {lie: {service for service, mine in READS.items() if mine & topics[lie]} for lie in LIES}
    read |= {lie: read[lie] | {BOTH} for lie, (about, _) in LIES.items() if about == AUDIT.name}
    assert {lie: set(row) for lie, row in TABLE.items()} == read


def test_the_services_read_what_the_table_says(tmp_path):
    read = {}

    async def scenario(clock):
        world = LyingWorld(clock, tmp_path)
        await world.open()
        await world.settled("atlas")
        read.update({service: bus.read for service, bus in world.buses.items()})
        await world.close()

    run_virtually(scenario)
    about = {topic for topic, _ in LIES.values() if topic}
    assert {service: topics & about for service, topics in read.items()} == READS


@pytest.mark.parametrize(("lie", "victim"), CELLS, ids=[f"{lie}, to {victim}" for lie, victim in CELLS])
def test_a_lie_ends_as_the_table_says_and_when_it_is_over_all_is_well(tmp_path, lie, victim):
    outcome = story(tmp_path, lie, victim)
    without_harm(outcome)
    told = f"{outcome.news}" if outcome.sign else f"{outcome.news}, no sign"
    assert (str(outcome.route) if victim in ROUTING else told) == TABLE[lie][victim]
    if victim not in ROUTING:
        assert outcome.route is Route.RIGHT
        assert outcome.noticed == ((lie, victim) not in NOT_NOTICED)


@given(
    several=st.lists(st.sampled_from(sorted(LIES)), min_size=2, max_size=4, unique=True),
    victim=st.sampled_from(sorted(OWNERS)),
    killed=st.sampled_from(["", "decision", "notifier", "watch"]),
)
@settings(max_examples=8, derandomize=True)
def test_several_lies_at_once_lead_nobody_astray(several, victim, killed):
    def lies(now):
        return [lie for each in several for lie in LIES[each][1](now)]

    with TemporaryDirectory() as folder:
        without_harm(tell_story(Path(folder), [victim], lies, killed=[killed] if killed else [], lie_s=SHORT_LIE_S))


def withheld_denial_and_order(now):
    return [Withhold(DENIAL), Cut(since(ROUTES, now))]


def test_a_router_that_hears_of_nothing_but_heartbeats_serves_a_denied_model_no_longer_than_lease_and_grace(tmp_path):
    outcome = tell_story(tmp_path, ["router"], withheld_denial_and_order, lie_s=SHORT_LIE_S)
    without_harm(outcome)
    assert outcome.route is Route.SAFE
    assert outcome.denied_s > GRACE_S, "the lie held: nothing but the lease has stopped it"


def test_a_router_that_holds_more_than_decision_is_told_of_lets_the_lease_end(tmp_path):
    lies = LIES["says the policies end before it"][1]
    outcome = tell_story(tmp_path, ["decision"], lies, lie_s=SHORT_LIE_S)
    without_harm(outcome)
    assert outcome.reasons[Reason.HEADS_DIFFER] == 1
    assert outcome.reasons[Reason.LEASE_OVER] >= 1


def test_decision_gives_no_heartbeat_while_it_is_told_that_there_is_more(tmp_path):
    outcome = tell_story(tmp_path, ["decision"], LIES["says there is always more"][1], lie_s=SHORT_LIE_S)
    without_harm(outcome)
    assert outcome.route is Route.SAFE
    assert outcome.reasons[Reason.LEASE_OVER] >= 1


def test_a_denial_that_is_cut_off_for_decision_and_router_alike_is_not_noticed_until_it_is_shown(tmp_path):
    """The boundary: nothing that reads this broker can know better."""
    outcome = tell_story(
        tmp_path, ["decision", "router"], LIES["says the policies end before it"][1], lie_s=SHORT_LIE_S
    )
    assert outcome.route is Route.WRONG
    assert outcome.faults == ()
    assert outcome.converged_s <= 2
