"""Brokers that we start: they run, they stop, and none outlives its purpose."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from interlock.brokers import detached
from interlock.brokers.real import KafkaCluster
from interlock.brokers.topics_admin import check_topics, create_topics
from interlock.brokers.waiting import wait_for
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError
from interlock.wire.topics import ACKS, AUDIT, POLICIES

PATIENCE_S = 60  # a bound for a machine that is busy, never a wait

STARTS_AND_FORGETS = """
import os, sys
from pathlib import Path
from interlock.brokers.real import KafkaCluster
broker = KafkaCluster.start(Path(sys.argv[1]))
print(broker.pid(1), flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory):
    """A broker that nobody else writes to; no topics yet."""
    broker = KafkaCluster.start(tmp_path_factory.mktemp("kafka"))
    yield broker.bootstrap
    broker.stop()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_topics_are_created_and_mended_and_what_cannot_be_is_told(bootstrap):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(POLICIES.name, 3, 1)])[POLICIES.name].result(PATIENCE_S)
    assert wait_for(lambda: POLICIES.name in admin.list_topics().topics, PATIENCE_S)

    changes = create_topics(bootstrap)
    assert {AUDIT.name, ACKS.name} < set(changes.created)
    assert changes.configured == (POLICIES.name,)
    (problem,) = changes.problems
    assert (problem.topic, problem.kind) == (POLICIES.name, "partitions")
    assert "has 3 partitions, the table says 1" in problem.message
    assert check_topics(bootstrap) == [problem]

    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ResourceType.TOPIC, AUDIT.name, incremental_configs=[entry])
    admin.incremental_alter_configs([changed])[changed].result(PATIENCE_S)
    assert wait_for(lambda: len(check_topics(bootstrap)) == 2, PATIENCE_S)
    (found,) = [each for each in check_topics(bootstrap) if each.kind == "configuration"]
    assert "retention.ms is 1000 and should be -1" in found.message
    assert create_topics(bootstrap).configured == (AUDIT.name,)
    assert wait_for(lambda: check_topics(bootstrap) == [problem], PATIENCE_S)


def test_a_port_that_is_taken_is_said_before_anything_is_started(bootstrap, tmp_path):
    with pytest.raises(ConfigurationError, match="in use"):
        KafkaCluster.start(tmp_path, port=int(bootstrap.rpartition(":")[2]))


def test_a_broker_keeps_its_records_from_one_start_to_the_next_and_stopping_twice_is_fine(tmp_path):
    first = KafkaCluster.start(tmp_path)
    create_topics(first.bootstrap)
    first.stop()
    first.stop()
    assert gone(first.pid(1))
    second = KafkaCluster.start(tmp_path)
    try:
        assert check_topics(second.bootstrap) == []
    finally:
        second.stop()


def test_a_broker_dies_with_a_parent_that_is_killed(tmp_path):
    parent = subprocess.run(
        [sys.executable, "-c", STARTS_AND_FORGETS, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    assert wait_for(lambda: gone(int(parent.stdout)), PATIENCE_S)


def test_a_detached_broker_runs_until_it_is_taken_down(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = Path("broker")
    assert detached.running(state) is None
    try:
        bootstrap = detached.up(state)
        assert detached.up(state) == bootstrap == detached.running(state)
        create_topics(bootstrap)
        assert check_topics(bootstrap) == []
    finally:
        stopped = detached.down(state)
    assert stopped
    assert not detached.down(state)
    assert detached.running(state) is None


def test_the_state_of_a_broker_that_was_killed_is_not_believed(tmp_path):
    state = {"addresses": ["127.0.0.1:1"], "pids": {"1": os.getpid()}}
    (tmp_path / "running.json").write_text(json.dumps(state), encoding="utf-8")
    assert detached.running(tmp_path) is None
    assert not detached.down(tmp_path)


def test_a_broker_that_cannot_start_says_why(tmp_path):
    broker = KafkaCluster.start(tmp_path)
    broker.stop()
    (tmp_path / "node-1" / "records" / "meta.properties").write_text(
        "version=1\nnode.id=9\ncluster.id=x\n", encoding="utf-8"
    )
    with pytest.raises(InfrastructureError, match=r"(?s)did not start.*node.id"):
        KafkaCluster.start(tmp_path)
