"""The bench runs, and says what it must; how fast is nobody's promise here."""

import pytest

from interlock.runtime.bus import Position
from interlock.runtime.memory_bus import MemoryBroker
from interlock.testing.builders import NOW
from interlock.trials.bench import recorded
from interlock.trials.bench.fleet import deployment_of
from interlock.trials.bench.one import measure
from interlock.trials.bench.run import Plan, run
from interlock.wire.topics import AUDIT, POLICIES

AGENTS = 200


@pytest.fixture(scope="module")
def measured():
    told = []
    figures = run(Plan(rounds=10, agents=AGENTS), lambda *progress: told.append(progress))
    return figures, told


def test_one_decision_makes_one_change_and_is_measured_beside_its_signature():
    one = measure(10)
    assert one.change_bytes > 1_000
    assert one.ratio == one.decide_us / one.sign_us


def test_every_figure_is_there(measured):
    figures, _ = measured
    assert {"decide_us", "sign_us", "ratio"} <= figures.keys()
    assert all(figures[name] > 0 for name in figures.keys() - {"bus"})
    assert (figures["agents"], figures["bus"]) == (AGENTS, "memory")


def test_a_start_from_the_state_reads_less_of_the_log_than_one_from_the_log(measured):
    figures, _ = measured
    assert figures["start_from_state_log_records"] == 8  # four shards: the marked step, and the claim
    assert figures["start_from_log_log_records"] > 20


def test_the_progress_is_told_to_its_end(measured):
    _, told = measured
    ends = {what: done == of for what, done, of in told}
    assert ends["moving agents"]
    assert ends["starting again from the state"]
    assert max(of for what, _, of in told if what == "moving agents") == 2 * AGENTS + 4


def test_what_was_written_to_a_file_is_read_back(tmp_path):
    broker = MemoryBroker()
    where = Position(AUDIT.name, 3)
    for key, value in ((b"a", b"1"), (b"b", None), (b"a", b"")):
        broker.append(where, key, value)
    broker.append(Position(POLICIES.name, 0), b"policy/x", b"p")
    recorded.write(broker, tmp_path / "records")
    again = recorded.read(tmp_path / "records", MemoryBroker(), without=[POLICIES.name])
    assert [(each.key, each.value) for each in again.fetch(where, 0, 9)] == [(b"a", b"1"), (b"b", None), (b"a", b"")]
    assert again.end(Position(POLICIES.name, 0)) == 0


def test_a_fleet_has_one_owner_and_as_many_agents_as_asked_for():
    assert deployment_of(3, NOW).agents == ("a0", "a1", "a2")
