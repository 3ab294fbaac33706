"""What a replay finds in a log that was not written by deciding on its inputs."""

from dataclasses import replace

import pytest

from interlock.records.audit import AuditRecord, Input, InputKind
from interlock.records.change import AckKind, Acknowledgement
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial
from interlock.records.health import Level, Verdict
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Refused
from interlock.testing.builders import Deployment
from interlock.testing.chronicle import OWNER, Chronicle
from interlock.testing.driver import OBJECTIVES, ROUTE
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import ACKS, COMMANDS, POLICIES, VERDICTS

DEPLOYMENT = Deployment()


def verdict(now, name, objective, level):
    said = Verdict(name, "*", objective, level, f"it is {level}", 9, (), now, now, Micros(now + 5 * SECOND))
    return DEPLOYMENT.seal(said, "health-1")


def command(now, name="c1"):
    return DEPLOYMENT.seal(
        Command(
            id=name,
            deployment="testbed",
            verb=Verb.DISABLE,
            agent="support",
            route="",
            model="birch",
            about="",
            outcome=ReviewOutcome.NONE,
            ticket="",
            reason="maintenance",
            issued_at=now,
            expires_at=Micros(now + 60 * SECOND),
        ),
        "olga",
    )


def told():
    """A log with an input of every kind."""
    it = Chronicle(DEPLOYMENT)
    it.say(POLICIES, DEPLOYMENT.policy("support", ["atlas", "birch", "cedar"]))
    for name in ("atlas", "birch", "cedar"):
        for objective in OBJECTIVES:
            it.say(VERDICTS, verdict(it.now, name, objective, Level.HEALTHY))
    it.tick(6)
    it.say(VERDICTS, verdict(it.now, "atlas", "unavailable", Level.UNAVAILABLE))
    nack = Acknowledgement(
        "gateway-1", AckKind.NACK, f"{ROUTE.key}@1.0.3", it.state.routes[ROUTE].event_id, "denied", it.now
    )
    it.say(ACKS, DEPLOYMENT.seal(nack, "gateway-1"))
    it.say(COMMANDS, command(it.now))
    it.lapse("cedar/*/unavailable")
    it.tick(20)
    it.claim()
    it.say(POLICIES, DEPLOYMENT.seal(Denial("d1", "cedar", "a leak", it.now), "sam"))
    it.say(POLICIES, DEPLOYMENT.seal(DEPLOYMENT.next_root(2), "root-1", "root-2"))
    it.tick(600)
    return it


CHRONICLE = told()
LOG = CHRONICLE.log
STEPS = [
    (offset, opened.value)
    for offset, sealed in enumerate(LOG)
    if (opened := open_sealed(sealed, DEPLOYMENT.root, AuditRecord)).value.inputs
]


def differs(offset, record):
    """Whether a replay finds fault with a record in the place of one of the log's, signed again by decision."""
    it = Chronicle(DEPLOYMENT)
    it.log = LOG[:offset]
    journal = it.read(check=True)
    assert journal.differences == []
    taken = journal.take(offset, DEPLOYMENT.seal(record, OWNER))
    return isinstance(taken, Refused) or bool(journal.differences)


def with_input(record, place, given):
    return replace(record, inputs=(*record.inputs[:place], given, *record.inputs[place + 1 :]))


def test_the_log_as_it_was_written_replays_to_the_same_bytes():
    journal = CHRONICLE.read(check=True)
    assert journal.differences == []
    assert journal.steps == len(STEPS)
    assert {given.kind for _, step in STEPS for given in step.inputs} == set(InputKind) - {InputKind.OTHER}
    assert {given.topic for _, step in STEPS for given in step.inputs} >= {
        POLICIES.name,
        VERDICTS.name,
        COMMANDS.name,
        ACKS.name,
    }
    assert journal.state.digest.root == CHRONICLE.state.digest.root


@pytest.mark.parametrize(("offset", "step"), STEPS)
def test_whichever_byte_of_an_input_is_flipped_the_replay_fails_though_decision_signed_it(offset, step):
    it = Chronicle(DEPLOYMENT)
    it.log = LOG[:offset]
    before = it.read(check=True)
    for place, given in enumerate(step.inputs):
        stride = 1 + len(given.value) // 300
        for byte in range(0, len(given.value), stride):
            flipped = bytearray(given.value)
            flipped[byte] ^= 1 << byte % 8
            journal = replace(before, log=replace(before.log), differences=[])
            record = with_input(step, place, replace(given, value=bytes(flipped)))
            journal.take(offset, DEPLOYMENT.seal(record, OWNER))
            assert journal.differences, f"byte {byte} of input {place}"


@pytest.mark.parametrize(("offset", "step"), STEPS)
def test_an_input_of_another_kind_topic_subject_or_time_is_a_difference(offset, step):
    for place, given in enumerate(step.inputs):
        others = [
            replace(given, at=Micros(given.at + 1)),
            replace(given, subject=given.subject + "x"),
            replace(given, topic=given.topic + "x"),
            *(replace(given, kind=kind) for kind in InputKind if kind is not given.kind),
        ]
        assert all(differs(offset, with_input(step, place, other)) for other in others)


@pytest.mark.parametrize(("offset", "step"), STEPS)
def test_an_input_more_or_less_is_a_difference(offset, step):
    ignored = Input(InputKind.RECORD, VERDICTS.name, 0, 7, verdict(step.now, "zebra", "unavailable", Level.UNAVAILABLE))
    refused = Input(InputKind.RECORD, COMMANDS.name, 0, 7, b"rubbish")
    idle = Input(InputKind.TICK, at=step.now)
    for more in (ignored, refused, idle):
        assert differs(offset, replace(step, inputs=(*step.inputs, more)))
        assert differs(offset, replace(step, inputs=(more, *step.inputs)))
    assert differs(offset, replace(step, inputs=()))


def test_entries_digest_changes_and_time_must_be_what_the_inputs_lead_to():
    offset, step = next((offset, step) for offset, step in STEPS if step.changes and offset > 5)
    for other in (
        replace(step, changes=()),
        replace(step, changes=(*step.changes, step.changes[0])),
        replace(step, changes=(b"rubbish",)),
        replace(step, entries=step.entries[1:]),
        replace(step, state_digest=bytes(32)),
        replace(step, now=Micros(step.now - 1)),
        replace(step, now=Micros(step.now + 1)),
    ):
        assert differs(offset, other)


def test_time_never_goes_back_from_step_to_step():
    (_, first), (offset, second) = STEPS[:2]
    assert first.now == second.now
    assert differs(offset, replace(second, now=Micros(second.now - 1)))


@pytest.mark.parametrize("offset", range(0, len(LOG), 4))
def test_whichever_byte_of_the_log_is_flipped_its_signature_tells(offset):
    journal = Chronicle(DEPLOYMENT).read()
    sealed = LOG[offset]
    for byte in range(0, len(sealed), 1 + len(sealed) // 200):
        flipped = bytearray(sealed)
        flipped[byte] ^= 1 << byte % 8
        assert isinstance(journal.take(offset, bytes(flipped)), Refused)


def test_a_reader_that_does_not_check_comes_to_the_same_state():
    checked, read = CHRONICLE.read(check=True), CHRONICLE.read()
    assert checked.state.digest.root == read.state.digest.root == read.last.digest
    assert (checked.sealed, checked.positions, checked.last) == (read.sealed, read.positions, read.last)
