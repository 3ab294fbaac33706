"""How the state topic is written: entries in slices, the mark last, and orders first."""

import pytest

from interlock.decision.core.journal import Reached
from interlock.decision.core.projection import Unwritten
from interlock.decision.projector import SLICE, Projector
from interlock.records.audit import Entry
from interlock.records.state import StateMark
from interlock.testing.virtual_time import run_virtually
from interlock.vocabulary.time import Micros
from interlock.wire.topics import STATE

LAST = Reached(7, 3, 2, Micros(9), b"digest")


def marks(it):
    return it.read(STATE, StateMark)


def told(world, story, entries):
    async def scenario(clock):
        it, unwritten = world(clock), Unwritten()
        async with it.desk() as desk:
            projector = Projector(desk, await desk.bus.publisher(), unwritten, None, -1)
            projector.stepped(LAST, [Entry(f"verdict/{number}", b"v") for number in range(entries)])
            await story(it, projector)

    run_virtually(scenario)


def test_the_mark_is_written_only_when_every_entry_is(world):
    async def story(it, projector):
        await projector.write({})
        assert (len(it.records(STATE)), marks(it), projector.behind) == (SLICE, [], True)
        await projector.write({("a topic", 2): 5})
        assert len(it.records(STATE)) == SLICE + 21
        mark = marks(it)[-1]
        assert (mark.offset, mark.term, mark.sequence, mark.now, mark.digest) == (7, 3, 2, 9, b"digest")
        assert [(read.topic, read.partition, read.offset) for read in mark.positions] == [("a topic", 2, 5)]
        assert not projector.behind

    told(world, story, SLICE + 20)


@pytest.mark.parametrize("entries", [0, 3])
def test_a_step_is_marked_once(world, entries):
    async def story(it, projector):
        for _ in range(3):
            await projector.write({})
        assert len(marks(it)) == 1
        assert len(it.records(STATE)) == entries + 1

    told(world, story, entries)
