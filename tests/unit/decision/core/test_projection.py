"""What a new owner learns from the state topic and the tail of the log, against what the whole log says."""

from dataclasses import replace

import pytest

from interlock.decision.core.decide import decide
from interlock.decision.core.events import Lapse, Tick
from interlock.decision.core.journal import Journal
from interlock.decision.core.projection import Unwritten, agrees, journal_at, mark_key, project
from interlock.records.audit import Entry
from interlock.records.change import AckKind, Acknowledgement
from interlock.records.codec import encode
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial
from interlock.records.health import Level, Verdict
from interlock.records.log import ShardLog
from interlock.records.rules import CanaryPlan
from interlock.records.sealing import seal
from interlock.records.state import ReadTo, StateMark, StateRecord
from interlock.signing.keys import SigningKey
from interlock.signing.trust import TrustedKey
from interlock.signing.verifier import Refused
from interlock.testing.builders import Deployment, model
from interlock.testing.chronicle import OWNER, Chronicle
from interlock.testing.driver import OBJECTIVES
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, COMMANDS, POLICIES, VERDICTS

AGENTS = ("support", "triage")
KINDS = {"root", "policy", "deny", "model", "verdict", "route", "disable", "answer", "review"}
MODELS = ("atlas", "birch", "cedar")
PLAN = CanaryPlan((10, 50), 5, Micros(0), Micros(60 * SECOND))


class Chance:
    """Draws that a seed fixes."""

    def __init__(self, seed):
        self.seed = seed
        self.drawn = 0

    def randrange(self, end):
        self.drawn += 1
        return int.from_bytes(digest(f"{self.seed}/{self.drawn}".encode()), "big") % end

    def choice(self, among):
        return among[self.randrange(len(among))]

    def sample(self, among, k):
        left = list(among)
        return [left.pop(self.randrange(len(left))) for _ in range(min(k, len(left)))]


class Happenings:
    """Everything that can happen to a shard, at random; a seed fixes it."""

    def __init__(self, seed, owned=(AGENTS, AGENTS[:1])):
        self.owned = owned
        self.chance = Chance(seed)
        self.it = Chronicle(Deployment())
        self.versions = dict.fromkeys(AGENTS, 0)
        self.commands = 0
        for agent in AGENTS:
            self.policy(agent)
        for name in MODELS:
            for objective in OBJECTIVES:
                self.verdict(name, objective, Level.HEALTHY)
        self.it.tick(6)

    def policy(self, agent):
        self.versions[agent] += 1
        ladder = self.chance.sample(MODELS, k=self.chance.choice((2, 3)))
        rule = self.it.deployment.rule(ladder, canary=self.chance.choice((None, PLAN)))
        said = self.it.deployment.policy_of(agent, rule, version=self.versions[agent])
        self.it.say(POLICIES, self.it.deployment.seal(said, "grace", "oscar"))

    def verdict(self, name, objective, level):
        now = self.it.now
        said = Verdict(name, "*", objective, level, f"it is {level}", 9, (), now, now, Micros(now + 5 * SECOND))
        self.it.say(VERDICTS, self.it.deployment.seal(said, "health-1"))

    def command(self, verb, agent, **fields):
        self.commands += 1
        until = Micros(self.it.now + self.chance.choice((5, 50)) * SECOND)
        usual = {
            "route": "",
            "model": "",
            "about": "",
            "outcome": ReviewOutcome.NONE,
            "ticket": "",
            "reason": "because",
        }
        named = {"id": f"c{self.commands}", "deployment": "testbed", "verb": verb, "agent": agent}
        said = Command(**(named | usual | fields), issued_at=self.it.now, expires_at=until)
        self.it.say(COMMANDS, self.it.deployment.seal(said, "oscar"))

    def refuse(self, route, entry):
        said = Acknowledgement("gateway-1", AckKind.NACK, route.key, entry.event_id, "denied", self.it.now)
        self.it.say(ACKS, self.it.deployment.seal(said, "gateway-1"))

    def happen(self):
        chance, it, agent = self.chance, self.it, self.chance.choice(AGENTS)
        routes = sorted(it.state.routes.items())
        match chance.randrange(16):
            case 0 | 1 | 2 | 3:
                self.verdict(chance.choice(MODELS), chance.choice(OBJECTIVES), chance.choice(list(Level)[1:]))
            case 4 | 5:
                self.verdict(chance.choice(MODELS), "unavailable", Level.HEALTHY)
            case 6 | 7 | 8:
                it.tick(chance.choice((0.2, 3, 6, 70)))
            case 9:
                it.lapse(chance.choice(sorted(key for key, _ in it.state.verdicts.items())))
            case 10:
                self.policy(agent)
            case 11:
                self.command(chance.choice((Verb.SUSPEND, Verb.RESUME, Verb.FREEZE)), agent)
            case 12:
                self.command(Verb.DISABLE, agent, model=chance.choice(MODELS))
            case 13 if len(it.state.reviews):
                change = chance.choice(sorted(key for key, _ in it.state.reviews.items()))
                agent = change.partition("/")[0]
                self.command(Verb.REVIEW, agent, about=change, outcome=ReviewOutcome.CONFIRM)
            case 14:
                self.refuse(*chance.choice(routes))
            case _:
                self.document()

    def document(self):
        it, said = self.it, self.it.deployment
        match self.chance.randrange(4):
            case 0:
                said.agents = self.chance.choice(
                    (AGENTS, AGENTS[:1])
                )  # a root may disown an agent, and with it the policy
                it.say(POLICIES, said.seal(said.next_root(it.state.book.trust.version + 1), "root-1", "root-2"))
            case 1:
                it.say(POLICIES, said.registration(model("atlas"), version=it.state.now // SECOND))
            case 2:
                it.say(POLICIES, said.seal(Denial("d1", "cedar", "a leak", it.now), "sam"))
            case _:
                it.claim()


class Topic:
    """The state topic as its writer leaves it, record by record: `seen` holds every state of it, and how long the log was then."""

    def __init__(self, chronicle):
        self.chronicle = chronicle
        self.values = {}
        self.seen = []

    def follow(self, lazily):
        """Write behind the log: after each of its records as many entries as `lazily` says, and the mark if that was all."""
        journal, unwritten = Journal(self.chronicle.start, ShardLog(0)), Unwritten()
        for offset, sealed in enumerate(self.chronicle.log):
            journal.take(offset, sealed)
            unwritten.note(offset, self.chronicle.entries[offset])
            for placed in unwritten.take(lazily()):
                self.write(placed, offset + 1)
            if journal.last is not None and not len(unwritten):
                self.put(mark_key(0), mark_of(journal.last), offset + 1)
        return self

    def write(self, placed, length):
        key, value = placed.entry.key, placed.entry.value
        if value is None:
            self.values.pop(key, None)
            self.seen.append((dict(self.values), length))
        else:
            self.put(key, StateRecord(OWNER, 0, key, value, placed.offset, placed.index), length)

    def put(self, key, record, length):
        self.values[key] = seal(record, self.chronicle.deployment.key(OWNER))
        self.seen.append((dict(self.values), length))


def done(work):
    """What long work comes to."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def mark_of(last):
    return StateMark(OWNER, 0, last.offset, last.term, last.sequence, last.now, last.digest, ())


def from_state(chronicle, values, length):
    """The journal that a start from the state topic ends with, or why it is not believed."""
    projected = done(project(values, chronicle.start))
    if isinstance(projected, Refused):
        return projected
    journal = journal_at(projected, chronicle.log[projected.mark.offset])
    if isinstance(journal, Refused):
        return journal
    for offset in range(projected.mark.offset + 1, length):
        journal.take(offset, chronicle.log[offset])
    return journal if agrees(journal) else Refused(Reason.STATE_DISAGREES, "the digest")


def from_log(chronicle, length):
    journal = Journal(chronicle.start, ShardLog(0))
    for offset in range(length):
        journal.take(offset, chronicle.log[offset])
    return journal


def known(journal):
    """Everything that `decide` reads, and where the log stands."""
    state, book = journal.state, journal.state.book
    maps = (state.verdicts, state.disables, state.routes, state.canaries, state.answers, state.reviews, state.history)
    held = (
        {agent: held.event_id for agent, held in book.policies.items()},
        {name: held.verified.event_id for name, held in book.denials.items()},
        {name: held.event_id for name, held in book.registry.items()},
        dict(book.floors.items()),
        {name: set(routes) for name, routes in book.users.items() if len(routes)},
    )
    heads = (state.digest.root, state.routes_head.root, book.head.root)
    return (
        state.term, state.now, state.climbs, [dict(each.items()) for each in maps], held, book.trust, heads,
        (journal.log.sequence, journal.log.term), journal.last,
    )  # fmt: skip


def futures(journal):
    """What would be decided next, whatever comes."""
    state = journal.state
    events = [
        (Tick(), state.now),
        (Tick(), Micros(state.now + 100 * SECOND)),
        *((Lapse(key, state.now), state.now) for key in sorted(key for key, _ in state.verdicts.items())),
    ]
    decided = [decide(state, event, now) for event, now in events]
    return [([encode(change) for change in each.changes], each.entries) for each in decided]


@pytest.mark.parametrize("seed", range(4))
def test_however_far_the_writer_came_the_state_topic_and_the_tail_give_what_the_whole_log_gives(seed):
    happenings = Happenings(seed)
    for _ in range(50):
        happenings.happen()
    starts_the_same_from_anywhere(happenings.it, seed)


def test_incidents_that_were_forgotten_are_forgotten_after_a_start_too(monkeypatch):
    monkeypatch.setattr("interlock.decision.core.expected.HISTORY_CLASSES_MAX", 3)
    happenings = Happenings(1)
    for objective in OBJECTIVES:
        for level, lasts_s in ((Level.UNAVAILABLE, 20), (Level.HEALTHY, 100)):
            for name in MODELS:
                happenings.verdict(name, objective, level)
            happenings.it.tick(lasts_s)
        happenings.it.tick(100)
    made = [entry for step in happenings.it.entries for entry in step if entry.key.startswith("history/")]
    assert any(entry.value is None for entry in made)
    starts_the_same_from_anywhere(happenings.it, 1)


def starts_the_same_from_anywhere(chronicle, seed):
    """Whatever was on the state topic at some time, a start from it gives what the whole log gives."""
    chance = Chance(seed)
    topic = Topic(chronicle).follow(lambda: chance.choice((0, 1, 3, 100)))
    seen = [snapshot for snapshot in topic.seen if mark_key(0) in snapshot[0]]
    for values, length in chance.sample(seen, k=12):
        for end in {length, min(length + 1, len(chronicle.log)), len(chronicle.log)}:
            quick, slow = from_state(chronicle, values, end), from_log(chronicle, end)
            assert not isinstance(quick, Refused), quick
            assert known(quick) == known(slow)
            assert futures(quick) == futures(slow)


@pytest.fixture(scope="module")
def complete():
    """A chronicle with entries of every kind, and its state topic with everything written."""
    happenings = Happenings(1, owned=[AGENTS])
    it, said = happenings.it, happenings.it.deployment
    it.say(POLICIES, said.seal(said.next_root(2), "root-1", "root-2"))
    it.say(POLICIES, said.registration(model("atlas")))
    it.say(POLICIES, said.seal(Denial("d1", "cedar", "a leak", it.now), "sam"))
    for _ in range(40):
        happenings.happen()
    for level in (Level.HEALTHY, Level.UNAVAILABLE):
        for name in MODELS:
            for objective in OBJECTIVES:
                happenings.verdict(name, objective, level)
        it.tick(100)
    happenings.command(Verb.DISABLE, "triage", model="birch")
    assert kinds_of(it.entries) >= KINDS
    return it, Topic(it).follow(lambda: 10_000)


def kinds_of(steps):
    """The kinds of the entries that are held after some steps."""
    held = {entry.key: entry.value for entries in steps for entry in entries}
    return {key.partition("/")[0] for key, value in held.items() if value is not None}


def believed(chronicle, values):
    return not isinstance(from_state(chronicle, values, len(chronicle.log)), Refused)


def kinds(values):
    """One key of each kind of entry."""
    return {key.partition("/")[0]: key for key in values}.values()


def test_the_topic_that_was_written_to_its_end_is_believed(complete):
    chronicle, topic = complete
    assert believed(chronicle, topic.values)


def test_without_any_one_of_its_records_it_is_not_believed(complete):
    chronicle, topic = complete
    for key in topic.values:
        assert not believed(chronicle, {other: value for other, value in topic.values.items() if other != key}), key


def test_an_older_record_of_the_same_key_is_found_out(complete):
    chronicle, topic = complete
    older = {}
    for values, _ in topic.seen:
        older |= {key: value for key, value in values.items() if value != topic.values.get(key) and key != mark_key(0)}
    assert len(older) > 10
    for key, value in older.items():
        assert not believed(chronicle, topic.values | {key: value}), key


def test_an_older_mark_only_makes_the_tail_longer(complete):
    chronicle, topic = complete
    marks = {values[mark_key(0)] for values, _ in topic.seen if mark_key(0) in values}
    assert len(marks) > 10
    for mark in marks:
        assert believed(chronicle, topic.values | {mark_key(0): mark})


def test_a_record_that_decision_did_not_sign_is_not_believed(complete):
    chronicle, topic = complete
    stranger = SigningKey.from_seed(digest(b"a stranger"))
    for key in kinds(topic.values):
        broken = bytearray(topic.values[key])
        broken[-1] ^= 1
        assert not believed(chronicle, topic.values | {key: bytes(broken)}), key
        assert not believed(chronicle, topic.values | {key: b"rubbish"}), key
    said = StateRecord(OWNER, 0, "climbs", b"", 1, 0)
    for forged in (seal(said, stranger), chronicle.deployment.seal(replace(said, owner="olga"), "olga")):
        assert not believed(chronicle, topic.values | {"climbs": forged})


def test_a_signed_record_under_another_key_or_of_another_shard_is_not_believed(complete):
    chronicle, topic = complete
    verdicts = [key for key in topic.values if key.startswith("verdict/")]
    swapped = {verdicts[0]: topic.values[verdicts[1]], verdicts[1]: topic.values[verdicts[0]]}
    assert not believed(chronicle, topic.values | swapped)
    other = chronicle.deployment.seal(StateRecord(OWNER, 1, "shard/7", b"", 10**6, 0), OWNER)
    assert not believed(chronicle, topic.values | {"shard/7": other})
    mark = chronicle.deployment.seal(replace(mark_of(chronicle.read().last), shard=1), OWNER)
    assert not believed(chronicle, topic.values | {mark_key(0): mark})


@pytest.mark.parametrize("field", ["offset", "term", "sequence", "now"])
def test_a_mark_that_names_no_step_of_this_log_is_not_believed(complete, field):
    chronicle, topic = complete
    mark = mark_of(chronicle.read().last)
    other = replace(mark, **{field: getattr(mark, field) - 1})
    assert not believed(chronicle, topic.values | {mark_key(0): chronicle.deployment.seal(other, OWNER)})


def test_a_mark_with_another_digest_is_not_believed_though_the_entries_bear_it_out(complete):
    chronicle, topic = complete
    fewer = dict(topic.values)
    fewer.pop(next(key for key in fewer if key.startswith("review/")))
    state = done(project(fewer, chronicle.start)).state
    mark = replace(mark_of(chronicle.read().last), digest=state.digest.root)
    assert not believed(chronicle, fewer | {mark_key(0): chronicle.deployment.seal(mark, OWNER)})


def test_an_entry_that_does_not_fit_is_a_doubt_and_no_exception(complete):
    chronicle, topic = complete
    said = StateRecord(OWNER, 0, "nonsense/1", b"", 1, 0)
    doubt = done(project(topic.values | {"nonsense/1": chronicle.deployment.seal(said, OWNER)}, chronicle.start))
    assert isinstance(doubt, Refused)
    assert doubt.reason is Reason.STATE_DISAGREES


def test_the_inputs_are_read_on_from_where_the_mark_says(complete):
    chronicle, topic = complete
    mark = replace(mark_of(chronicle.read().last), positions=(ReadTo(ACKS.name, 2, 41),))
    journal = from_state(chronicle, topic.values | {mark_key(0): seal(mark, key_of(chronicle))}, len(chronicle.log))
    assert journal.positions == {(ACKS.name, 2): 41}


def key_of(chronicle):
    return chronicle.deployment.key(OWNER)


def next_root(deployment, owner):
    """The second trust root, in which somebody has another key; and that key."""
    root, old, new = deployment.next_root(2), deployment.key(owner), SigningKey.from_seed(digest(owner.encode()))
    keys = [TrustedKey(new.keyid, owner, new.public) if key.owner == owner else key for key in root.keys]
    grants = [
        replace(grant, keyids=tuple(new.keyid if keyid == old.keyid else keyid for keyid in grant.keyids))
        for grant in root.grants
    ]
    return deployment.seal(replace(root, keys=tuple(keys), grants=tuple(grants)), "root-1", "root-2"), new


def test_a_decision_key_that_a_new_root_replaces_is_known_by_the_root_of_its_time():
    chronicle = Chronicle(Deployment())
    chronicle.say(POLICIES, chronicle.deployment.policy("support", ["atlas", "birch"]))
    chronicle.say(POLICIES, next_root(chronicle.deployment, OWNER)[0])
    topic = Topic(chronicle).follow(lambda: 10_000)
    projected = done(project(topic.values, chronicle.start))
    assert projected.state.book.trust.version == 2
    assert projected.state.digest.root == chronicle.state.digest.root
    # The step that the mark names was signed with the old key: under the new root only the whole log can tell that it counts.
    doubt = journal_at(projected, chronicle.log[projected.mark.offset])
    assert "no_signature" in doubt.detail


def test_documents_count_under_the_trust_root_of_their_time():
    chronicle = Chronicle(Deployment())
    said = chronicle.deployment
    root, new = next_root(said, "oscar")
    chronicle.say(POLICIES, said.policy("triage", ["atlas", "birch"]))
    chronicle.say(POLICIES, root)
    later = said.policy_of("support", said.rule(["atlas", "birch"]))
    chronicle.say(POLICIES, seal(later, said.key("grace"), new))
    journal = from_state(chronicle, Topic(chronicle).follow(lambda: 10_000).values, len(chronicle.log))
    assert known(journal) == known(chronicle.read())
    assert set(journal.state.book.policies) == {"support"}


def test_of_several_entries_under_one_key_only_the_last_is_written():
    unwritten = Unwritten()
    unwritten.note(4, [Entry("a", b"1"), Entry("b", b"1"), Entry("a", b"2")])
    unwritten.note(5, [Entry("b", None)])
    assert len(unwritten) == 2
    written = {placed.entry.key: (placed.entry.value, placed.offset, placed.index) for placed in unwritten.take(10)}
    assert written == {"a": (b"2", 4, 2), "b": (None, 5, 0)}
    assert len(unwritten) == 0


def test_after_the_whole_log_was_read_what_the_topic_should_not_have_is_removed_and_nothing_else():
    unwritten = Unwritten()
    unwritten.note(4, [Entry("held", b"1"), Entry("gone", None), Entry("never there", None)])
    unwritten.reckon_with({"held", "gone", "stray"})
    assert {placed.entry for placed in unwritten.take(10)} == {
        Entry("held", b"1"), Entry("gone", None), Entry("stray", None),
    }  # fmt: skip
