"""Every input of the table on every topic, read by the real services: see `interlock.testing.hostile`."""

import asyncio
import logging
from functools import cache

import pytest
import structlog

from interlock.records.change import Acknowledgement
from interlock.records.sealing import decode_envelope
from interlock.signing.envelope import Envelope, event_id
from interlock.testing.hostile.cases import case_of, place_of
from interlock.testing.hostile.inputs import INPUTS, MARKER
from interlock.testing.hostile.table import READERS, ROWS, short
from interlock.testing.hostile.world import World, begin, fail_and_return, start_anew
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.identifiers import digest
from interlock.wire.topics import ACKS, FINDINGS, STATE, TOPICS

PAUSE_S = 0.5
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

    def answers_to(self, row):
        """What the router answered to a change: kind and reason."""
        envelope = decode_envelope(self.records[row.input].value)
        if not isinstance(envelope, Envelope):
            return []
        identity = event_id(envelope.payload_type, envelope.payload)
        said = [ack for _, ack in self.world.read(ACKS, Acknowledgement) if ack.event_id == identity]
        return [(ack.kind, ack.reason) for ack in said]


def expected_live(row, topic):
    """What is said of an input by services that were running when it came."""
    late = READERS[topic].at_start
    return sorted((who, reason) for who, reason in row.on[topic].said.items() if who not in late)


def lived_through(folder, topic, rows):
    """Live through the story, with these inputs put on a topic in its middle; a row of None is a pause in place of one."""

    async def scenario(clock):
        world = World(clock, folder)
        attack = Attack(world, topic)
        async with world.alive():
            await begin(world)
            for row in rows:
                await (attack.make(row) if row else asyncio.sleep(PAUSE_S))
            await asyncio.sleep(3)
            live = world.findings()
            await start_anew(world)
            await asyncio.sleep(3)
            anew = world.findings()[len(live) :]
            await fail_and_return(world)
            await asyncio.sleep(5)
        return world, attack, live, anew

    return run_virtually(scenario)


@cache
def undisturbed(tmp, inputs):
    world, _, live, anew = lived_through(tmp, FINDINGS, [None] * inputs)
    assert [found.detail for found in (*live, *anew)] == ["a genuine one"]
    return world.lived()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    return lambda inputs: undisturbed(tmp_path_factory.mktemp("calm"), inputs)


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic is not STATE], ids=short)
def test_whatever_is_put_on_a_topic_is_told_once_and_changes_nothing(topic, tmp_path, calm):
    rows = POSSIBLE[topic]
    world, attack, live, _ = lived_through(tmp_path, topic, rows)

    said = {row.input: attack.said_of(row, live) for row in rows}
    assert said == {row.input: expected_live(row, topic) for row in rows}
    assert {each.offset for each in live if each.topic} <= {each.offset for each in attack.records.values()}
    lived = world.lived()
    assert lived == calm(len(rows))
