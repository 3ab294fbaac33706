"""Every input of the table on every topic, read by the real services: see `interlock.testing.hostile`."""

import ast
import asyncio
import inspect
import logging
import re
from pathlib import Path

import pytest
import structlog

import interlock
from interlock.records.change import AckKind, Acknowledgement
from interlock.records.sealing import decode_envelope
from interlock.records.state import StateMark
from interlock.signing.envelope import Envelope, event_id
from interlock.testing.hostile.cases import case_of, place_of
from interlock.testing.hostile.inputs import INPUTS, MARKER
from interlock.testing.hostile.table import DECISION, READERS, READING, ROWS, SERVICES, short
from interlock.testing.hostile.world import SHARD, World, begin, fail_and_return, start_anew
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.reasons import Reason
from interlock.wire import topics
from interlock.wire.topics import ACKS, FINDINGS, STATE, TOPICS

PAUSE_S = 0.5
BY_COMPARISON = {"older", "tombstone"}
"""Nothing is wrong with these entries but that the log says otherwise: what is named is the mark, which vouched for the topic."""

POSSIBLE = {topic: [row for row in ROWS if row.on[topic].possible] for topic in TOPICS}


@pytest.fixture(autouse=True)
def quiet():
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


class Attack:
    """Puts inputs on one topic, one after the other, and remembers where."""

    def __init__(self, world, topic):
        self.world = world
        self.topic = topic
        self.records = {}

    async def make(self, row):
        partition, key = place_of(self.world, self.topic)
        put = INPUTS[row.input](case_of(self.world, self.topic))
        self.records[row.input] = self.world.attack(self.topic, partition, put.key or key, put.value)
        await asyncio.sleep(PAUSE_S)

    def said_of(self, row, findings):
        """What each service said of an input, in all its findings: their reasons."""
        record = self.records[row.input]
        place = (record.topic, record.partition, record.offset)
        about = [each for each in findings if (each.topic, each.partition, each.offset) == place]
        for each in about:
            assert each.digest == digest(record.value or b"")
            assert MARKER not in each.detail
        return sorted((each.service, each.reason) for each in about)

    def answers(self):
        """By the identity of what was asked: why a router refused a change, and decision an order."""
        nacks = {
            ack.event_id: ack.reason for _, ack in self.world.read(ACKS, Acknowledgement) if ack.kind is AckKind.NACK
        }
        orders = self.world.journal(SHARD).state.answers.values()
        return nacks | {answer.event_id: answer.reason for answer in orders if answer.reason}


def identity_of(record):
    """The identity of what a record says, whoever signed it; None where it says nothing."""
    envelope = decode_envelope(record.value)
    return event_id(envelope.payload_type, envelope.payload) if isinstance(envelope, Envelope) else None


def said_by(cell, services):
    """What some services say of an input."""
    return sorted((who, reason) for who, reason in cell.said.items() if who in services)


def lived_through(folder, topic, rows, after_each=None):
    """Live through the story, with these inputs put on a topic in its middle; a row of None is a pause in place of one."""

    async def scenario(clock):
        world = World(clock, folder)
        world.claim(SHARD)
        attack = Attack(world, topic)
        async with world.alive():
            await begin(world)
            for row in rows:
                await (attack.make(row) if row else asyncio.sleep(PAUSE_S))
                if after_each is not None:
                    await after_each(world)
            await asyncio.sleep(3)
            live = world.findings()
            await start_anew(world)
            await asyncio.sleep(3)
            anew = world.findings()[len(live) :]
            await fail_and_return(world)
            await asyncio.sleep(5)
        return world, attack, live, anew

    return run_virtually(scenario)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """What comes of the story when nobody does anything hostile."""
    world, _, live, anew = lived_through(tmp_path_factory.mktemp("calm"), FINDINGS, [None] * 10)
    assert [found.detail for found in (*live, *anew)] == ["a genuine one"]
    assert list(world.lived().served.values()) == [
        [None, "birch", "atlas", "birch", "atlas", None, "atlas", "birch", "atlas"],
        [None, "birch", None, "birch", None, "birch"],
    ]
    return world.lived()


@pytest.mark.parametrize("topic", [pytest.param(topic, id=short(topic)) for topic in TOPICS if topic is not STATE])
def test_whatever_is_put_on_a_topic_is_told_once_and_changes_nothing(topic, tmp_path, calm):
    rows, readers = POSSIBLE[topic], READERS[topic]
    world, attack, live, anew = lived_through(tmp_path, topic, rows)
    at_once, at_start = set(SERVICES) - set(readers.at_start), set(readers.at_start)

    said = {row.input: attack.said_of(row, live) for row in rows}
    assert said == {row.input: said_by(row.on[topic], at_once) for row in rows}
    answers = attack.answers()
    answered = {row.input: answers.get(identity_of(attack.records[row.input])) for row in rows}
    assert answered == {row.input: row.on[topic].answer for row in rows}
    hostile = {each.offset for each in attack.records.values()}
    assert {each.offset for each in (*live, *anew) if each.topic} <= hostile, "no genuine record is complained of"
    for service in SERVICES:
        reasons = [row.on[topic].said[service] for row in rows if service in row.on[topic].said]
        assert all(world.counted(service, reason) >= reasons.count(reason) for reason in reasons)
    late = {row.input: said_of_late(attack.said_of(row, anew), at_start) for row in rows}
    assert late == {row.input: said_by(row.on[topic], at_start) for row in rows}
    assert world.lived() == calm


def said_of_late(said, services):
    return [(who, reason) for who, reason in said if who in services]


def test_whatever_is_put_on_the_state_topic_is_found_by_who_starts_and_changes_nothing(tmp_path, calm):
    rows, told = POSSIBLE[STATE], []

    async def start_decision(world):
        before = len(world.findings())
        await world.restart(DECISION)
        await asyncio.sleep(2)
        told.append(world.findings()[before:])

    world, attack, _, _ = lived_through(tmp_path, STATE, rows, start_decision)
    marks = [(record.topic, record.partition, record.offset) for record, _ in world.read(STATE, StateMark)]
    for row, findings in zip(rows, told, strict=True):
        assert [(each.service, each.reason) for each in findings] == said_by(row.on[STATE], SERVICES), row.input
        if row.input in BY_COMPARISON:
            assert {(each.topic, each.partition, each.offset) for each in findings} <= set(marks)
        else:
            assert attack.said_of(row, findings) == said_by(row.on[STATE], SERVICES), row.input
    assert world.counted(DECISION, Reason.STATE_DISAGREES) == sum(map(len, told))
    assert world.lived() == calm


def test_no_cell_of_the_table_is_empty():
    assert {(row.input, topic) for row in ROWS for topic in row.on} == {
        (name, topic) for name in INPUTS for topic in TOPICS
    }
    assert set(READERS) == set(TOPICS)
    for row in ROWS:
        for topic, cell in row.on.items():
            assert cell.said or cell.why or cell.answer, f"{row.input} on {topic.name} has no outcome"
            assert cell.possible or cell.why


def test_every_reason_about_bytes_and_about_who_says_it_is_expected_somewhere():
    text = Path(inspect.getsourcefile(Reason)).read_text("utf-8")
    groups = text.partition("# The bytes themselves.")[2].partition("# What it is about.")[0]
    named = {Reason[name] for name in re.findall(r"^    ([A-Z_]+) =", groups, re.MULTILINE)}
    assert len(named) > 10
    assert named <= {reason for row in ROWS for cell in row.on.values() for reason in cell.said.values()}


def test_every_module_that_reads_a_topic_is_in_the_table():
    """A module that makes a reader, or hands a topic to Faust, and the topics that it names."""
    root = Path(interlock.__file__).parent
    names = {name: topic for name, topic in vars(topics).items() if topic in TOPICS}
    found = {}
    for path in root.rglob("*.py"):
        place, tree = str(path.relative_to(root)), ast.parse(path.read_text("utf-8"))
        calls = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "attr")}
        imported = {
            name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in map(_name, node.names)
        }
        reads = {names[name] for name in imported & names.keys()}
        a_trial = place.startswith(("testing/", "trials/")) and place not in READING
        if reads and calls & {"reader", "topic"} and not a_trial:
            found[place] = reads
    assert found == {place: set(read) for place, read in READING.items()}
    assert {topic for read in READING.values() for topic in read} == set(TOPICS)


def _name(alias):
    return alias.name
