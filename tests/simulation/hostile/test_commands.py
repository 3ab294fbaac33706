"""Whatever is put on whichever topic, commands show what they showed without it, and the witness of a trial goes on."""

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest
import structlog
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.runtime.memory_bus import MemoryBus
from interlock.testing.hostile.cases import case_of, place_of
from interlock.testing.hostile.inputs import INPUTS
from interlock.testing.hostile.table import ROWS
from interlock.testing.hostile.world import SHARD, SUPPORT, World, begin
from interlock.testing.virtual_time import run_virtually
from interlock.trials.witness import TOPICS as WITNESSED
from interlock.trials.witness import Witness
from interlock.wire.topics import AUDIT, TOPICS

READING = (
    "interlock.cli.status",
    "interlock.cli.audit",
    "interlock.cli.verdicts",
    "interlock.cli.tickets",
    "interlock.cli.review.app",
)


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A world that has lived through a story, and in which nothing runs any more."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    async def scenario(clock):
        world = World(clock, tmp_path)
        world.claim(SHARD)
        async with world.alive():
            await begin(world)
        return world

    world = run_virtually(scenario)
    trust = tmp_path / "root"
    trust.write_bytes(world.deployment.sealed_root)
    settings = SimpleNamespace(trust_root=trust, deployment=world.deployment.name)
    now = world.clock.now()
    monkeypatch.setattr("interlock.runtime.clock.SystemClock.now", lambda _: now)
    for module in READING:
        monkeypatch.setattr(f"{module}.connected", lambda _, work: work(MemoryBus(world.broker), settings))
    yield world
    structlog.configure(**before)


def shown(world):
    """What each command answers: its exit code, and its document."""
    change = world.journal(SHARD).state.routes[SUPPORT]
    ordered = next(
        each for each in reversed(world.ordered()) if each.route == SUPPORT and each.version == change.version
    )
    asked = (("status",), ("audit", "verdicts"), ("tickets",), ("review", "list"), ("review", "show", ordered.id))
    return {" ".join(command[:2]): answered(*command) for command in asked}


def answered(*command):
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def attack(world):
    """Every input of the table, on every topic."""
    cases = {topic: (case_of(world, topic), place_of(world, topic)) for topic in TOPICS}
    for row in ROWS:
        for topic, (case, (partition, key)) in cases.items():
            if row.on[topic].possible:
                put = INPUTS[row.input](case)
                world.attack(topic, partition, put.key or key, put.value)


def test_commands_show_what_they_showed(stopped):
    calm = shown(stopped)
    assert all(code == 0 for code, _ in calm.values())
    assert answered("audit", "replay")[1]["replayed_identical"]

    attack(stopped)

    told = shown(stopped)
    assert told.pop("review show")[1]["figures"] == {
        **calm.pop("review show")[1]["figures"],
        "batches_not_verified": 28,  # it says what it left out
    }
    assert told == calm


def test_a_replay_names_what_does_not_belong_into_the_log_and_nothing_else(stopped):
    attack(stopped)

    code, document = answered("audit", "replay")

    put = {offset for topic, _, offset in stopped.hostile if topic == AUDIT.name}
    named = {each["offset"] for each in document["differences"]}
    assert (code, document["replayed_identical"]) == (1, False)
    assert named
    assert named <= put


def test_the_witness_of_a_trial_takes_in_what_it_took_in(stopped):
    calm, after = (Witness(stopped.deployment.book()) for _ in range(2))

    def take(witness, *, hostile):
        async def read():
            reader = await MemoryBus(stopped.broker).reader(WITNESSED)
            return await reader.read_to_end()

        for record in asyncio.run(read()):
            if hostile or (record.topic, record.partition, record.offset) not in stopped.hostile:
                witness.take(record)

    attack(stopped)
    take(calm, hostile=False)
    take(after, hostile=True)

    assert calm.changes
    for what in ("changes", "sealed", "commands", "differences", "answers"):
        assert getattr(after, what) == getattr(calm, what), what
