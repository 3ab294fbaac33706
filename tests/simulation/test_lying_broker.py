"""A broker that lies: every lie, told to every service, in virtual time, with the real services; and lies at random.

What no lie may bring about is checked in every story (`Outcome.faults`); where the route ends while the lie lasts, and who is told, stands in
the table. Each service that is lied to about what it reads has a cell; a test says that none is empty. What becomes of a person's command stands in
a table of its own. The health-monitor is no victim here: in these stories somebody else says its verdicts.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.log import ShardLog
from interlock.records.sealing import event_id_of
from interlock.records.state import AnswerEntry
from interlock.records.telling import Finding
from interlock.runtime.bus import Position
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
from interlock.testing.lying.story import LIE_S, SHORT_LIE_S, Lies, Outcome, Route, opened, tell_story
from interlock.testing.lying.world import AGENT, GRACE_S, LEASE_S, OWNERS, SHARD, LyingWorld
from interlock.testing.virtual_time import VirtualClock, run_virtually
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, seconds
from interlock.wire.topics import (
    ACKS,
    AUDIT,
    COMMANDS,
    FINDINGS,
    HEARTBEATS,
    NOTICES,
    POLICIES,
    ROUTES,
    SHARDS,
    STATE,
    VERDICTS,
    TopicSpec,
)

DENIAL = Which(POLICIES.name, "deny/")
BOTH = "notifier and watch"
VICTIMS: dict[str, tuple[str, ...]] = {**{service: (service,) for service in OWNERS}, BOTH: ("notifier", "watch")}
ROUTING = {"router", "decision"}
READS: dict[str, set[str]] = {
    "router": {POLICIES.name, ROUTES.name, HEARTBEATS.name},
    "decision": {each.name for each in (POLICIES, ROUTES, AUDIT, VERDICTS, COMMANDS, ACKS, STATE)},
    "notifier": {POLICIES.name, AUDIT.name, NOTICES.name},
    "watch": {POLICIES.name, AUDIT.name, NOTICES.name},
}
"""What each service reads: all of it."""


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
    "withholds the command": (COMMANDS.name, lambda now: [Withhold(since(COMMANDS, now))]),
    "says the commands end before it": (COMMANDS.name, lambda now: [Cut(since(COMMANDS, now))]),
    "serves an old command": (COMMANDS.name, lambda now: [ServeOld(since(COMMANDS, now))]),
    "freezes the commands": (COMMANDS.name, lambda now: [Freeze(Which(COMMANDS.name))]),
    "an older end of the commands": (COMMANDS.name, lambda now: [Rewind(COMMANDS.name, 0)]),
    "withholds the acknowledgements": (ACKS.name, lambda now: [Withhold(since(ACKS, now))]),
    "says the acknowledgements end": (ACKS.name, lambda now: [Cut(since(ACKS, now))]),
    "freezes the acknowledgements": (ACKS.name, lambda now: [Freeze(Which(ACKS.name))]),
    "an older end of the acknowledgements": (ACKS.name, lambda now: [Rewind(ACKS.name, 0)]),
    "withholds the state": (STATE.name, lambda now: [Withhold(Which(STATE.name))]),
    "says the state ends": (STATE.name, lambda now: [Cut(Which(STATE.name))]),
    "serves an old entry of the state": (STATE.name, lambda now: [ServeOld(Which(STATE.name, "route/"))]),
    "freezes the state": (STATE.name, lambda now: [Freeze(Which(STATE.name))]),
    "an older end of the state": (STATE.name, lambda now: [Rewind(STATE.name, 0)]),
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
    "withholds the command": {"decision": "right"},
    "says the commands end before it": {"decision": "right"},
    "serves an old command": {"decision": "right"},
    "freezes the commands": {"decision": "safe"},
    "an older end of the commands": {"decision": "right"},
    "withholds the acknowledgements": {"decision": "right"},
    "says the acknowledgements end": {"decision": "right"},
    "freezes the acknowledgements": {"decision": "safe"},
    "an older end of the acknowledgements": {"decision": "right"},
    "withholds the state": {"decision": "right"},
    "says the state ends": {"decision": "right"},
    "serves an old entry of the state": {"decision": "right"},
    "freezes the state": {"decision": "safe"},
    "an older end of the state": {"decision": "right"},
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

FOUND: dict[str, Reason] = {
    "an older end of the acknowledgements": Reason.TOPIC_SHORTER,
    "withholds the state": Reason.STATE_DISAGREES,
    "says the state ends": Reason.STATE_DISAGREES,
    "serves an old entry of the state": Reason.STATE_DISAGREES,
    "an older end of the state": Reason.STATE_DISAGREES,
}
"""Of lies that lead decision nowhere but to another way of starting, what it tells of them."""

COMMANDED: dict[str, tuple[str, str, str, set[str]]] = {
    "withholds the command": ("not obeyed", "not obeyed", "obeyed", set()),
    "says the commands end before it": ("not obeyed", "obeyed", "obeyed", set()),
    "serves an old command": ("not obeyed", "not obeyed", "obeyed", set()),
    "freezes the commands": ("stopped", "obeyed", "obeyed", {Reason.LEASE_OVER}),
    "an older end of the commands": ("not obeyed", "obeyed", "obeyed", {Reason.TOPIC_SHORTER}),
}
"""What becomes of an operator's `suspend` when decision is lied to about the commands: while the lie lasts, when the truth is told again, when
decision has claimed its shard anew after that; and which findings there are. Where there is none, nothing has noticed."""

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
    assert {about for about, _ in LIES.values() if about} == set().union(*READS.values()), (
        "a topic that nobody lies about"
    )
    assert set(COMMANDED) == {lie for lie, (about, _) in LIES.items() if about == COMMANDS.name}


def test_the_services_read_what_the_table_says(tmp_path):
    read = {}

    async def scenario(clock):
        world = LyingWorld(clock, tmp_path)
        await world.open()
        await world.settled("atlas")
        read.update({service: bus.read for service, bus in world.buses.items()})
        await world.close()

    run_virtually(scenario)
    assert read == READS


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


@pytest.mark.parametrize("lie", FOUND)
def test_what_leads_decision_to_another_start_is_told(tmp_path, lie):
    assert story(tmp_path, lie, "decision").reasons[FOUND[lie]] >= 1


@dataclass
class Commanding:
    """A story of an operator's command: decision is lied to while it is given, and later told the truth."""

    world: LyingWorld

    async def begin(self, lies: Lies) -> None:
        """An older command under the same key is obeyed; then the lie begins."""
        await self.world.open()
        await self.world.settled("atlas")
        self.command(Verb.FREEZE, "before", for_s=1)
        await asyncio.sleep(3)
        self.world.lie(["decision"], lies(self.world.now))
        await asyncio.sleep(1)

    def command(self, verb: Verb, name: str, for_s: int = 600) -> None:
        """Olga orders something of the agent."""
        now = self.world.now
        place = (self.world.deployment.name, verb, AGENT, "", "", "", ReviewOutcome.NONE, "", "because")
        said = Command(name, *place, now, Micros(now + seconds(for_s)))
        self.world.append(COMMANDS, AGENT, self.world.deployment.seal(said, "olga"))

    def answer(self, name: str) -> AnswerEntry | None:
        """What the log says of a command; it replays to the same bytes."""
        journal = Journal(State.start(SHARD, SHARDS, self.world.deployment.book()), ShardLog(SHARD), check=True)
        for record in self.world.broker.fetch(Position(AUDIT.name, SHARD), 0, 1_000_000):
            journal.take(record.offset, record.value)
        assert journal.differences == []
        return journal.state.answers.get(name)

    @property
    def became(self) -> str:
        """What became of the `suspend`."""
        stopped, answer = self.world.answer() is None, self.answer("stop")
        if answer is None:
            return "stopped" if stopped else "not obeyed"
        return "obeyed" if answer.accepted and stopped else answer.reason

    def found(self) -> Counter[str]:
        """The findings that were told, by reason."""
        return Counter(found.reason for found in opened(self.world, FINDINGS, Finding))


def commanding(folder, tell):
    """Tell a story of a command."""

    async def scenario(clock: VirtualClock) -> None:
        it = Commanding(LyingWorld(clock, folder))
        try:
            await tell(it)
        finally:
            await it.world.close()
        assert it.world.crashed == []

    run_virtually(scenario)


@pytest.mark.parametrize("lie", COMMANDED)
def test_a_command_that_decision_is_not_shown_is_obeyed_as_the_table_says(tmp_path, lie):
    meanwhile, then, anew, found = COMMANDED[lie]

    async def tell(it):
        await it.begin(LIES[lie][1])
        it.command(Verb.SUSPEND, "stop")
        await asyncio.sleep(SHORT_LIE_S)
        assert it.became == meanwhile
        if meanwhile == "not obeyed":
            assert it.world.answer() == "atlas", "heartbeats go on, and so does the route"
        it.world.truth()
        await asyncio.sleep(LEASE_S)
        assert it.became == then
        await it.world.kill("decision")
        await asyncio.sleep(LEASE_S)
        assert it.became == anew
        assert set(it.found()) == found

    commanding(tmp_path, tell)


def test_a_denial_is_obeyed_while_commands_are_withheld(tmp_path):
    """It goes another way: by the policies, of which every router knows, and whose head every heartbeat tells."""

    async def tell(it):
        await it.begin(LIES["says the commands end before it"][1])
        it.command(Verb.SUSPEND, "stop")
        await asyncio.sleep(LEASE_S)
        assert it.became == "not obeyed"
        it.world.deny("atlas")
        await it.world.settled("birch", within_s=5)
        assert it.answer("stop") is None

    commanding(tmp_path, tell)


def test_a_command_that_is_shown_too_late_is_refused_as_expired(tmp_path):
    async def tell(it):
        await it.begin(LIES["says the commands end before it"][1])
        it.command(Verb.SUSPEND, "stop", for_s=20)
        await asyncio.sleep(SHORT_LIE_S)
        it.world.truth()
        await asyncio.sleep(LEASE_S)
        assert it.became == Reason.EXPIRED
        assert it.world.answer() == "atlas"
        assert it.found() == {Reason.EXPIRED: 1}

    commanding(tmp_path, tell)


def test_a_command_that_was_withheld_is_lost_once_a_later_one_is_heard(tmp_path):
    """The boundary: nobody answers it, not even that it has expired."""

    async def tell(it):
        await it.begin(LIES["withholds the command"][1])
        it.command(Verb.SUSPEND, "stop")
        await asyncio.sleep(LEASE_S)
        it.world.truth()
        it.command(Verb.FREEZE, "later", for_s=1)
        await asyncio.sleep(LEASE_S)
        await it.world.kill("decision")
        await asyncio.sleep(LEASE_S)
        assert it.answer("later").accepted
        assert it.became == "not obeyed"
        assert it.found() == {}

    commanding(tmp_path, tell)


@pytest.mark.parametrize(
    ("lie", "meanwhile", "then"),
    [(None, 1, 1), ("withholds the acknowledgements", 0, 0), ("says the acknowledgements end", 0, 1)],
)
def test_a_refusal_by_a_router_that_decision_is_not_shown_is_not_found_there(tmp_path, lie, meanwhile, then):
    async def tell(it):
        await it.begin(LIES[lie][1] if lie else lambda now: [])
        held = opened(it.world, ROUTES, RoutingChange)[-1]
        said = Acknowledgement("gateway-1", AckKind.NACK, held.id, event_id_of(held), "no room", it.world.now)
        it.world.append(ACKS, "gateway-1", it.world.deployment.seal(said, "gateway-1"))
        await asyncio.sleep(LEASE_S)
        assert it.world.answer() == "atlas"
        assert it.found()[Reason.ROUTER_REFUSED] == meanwhile
        it.world.truth()
        await asyncio.sleep(LEASE_S)
        assert it.found()[Reason.ROUTER_REFUSED] == then

    commanding(tmp_path, tell)
