import pytest

from interlock.signing.roles import SIGNED_BY
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX
from interlock.vocabulary.payloads import PayloadType
from interlock.wire.topics import (
    AUDIT,
    BY_NAME,
    FOR_EVER,
    HEARTBEATS,
    NOTICES,
    POLICIES,
    ROUTES,
    SHARDS,
    STATE,
    TELEMETRY,
    TOPICS,
    VERDICTS,
    config,
)

every_topic = pytest.mark.parametrize("spec", TOPICS, ids=lambda spec: spec.name)


def test_every_topic_has_a_name_of_its_own():
    assert len(BY_NAME) == len(TOPICS) == 12


@every_topic
def test_a_name_says_whose_it_is_and_its_version(spec):
    assert spec.name.startswith("interlock.")
    assert spec.name.endswith(".v1")


@every_topic
def test_a_topic_takes_every_sealed_record(spec):
    assert spec.max_message_bytes > ENVELOPE_BYTES_MAX


@every_topic
def test_somebody_may_write_and_it_is_said_what(spec):
    assert spec.written_by
    assert spec.carries.endswith(".")
    assert spec.key.endswith(".")


@every_topic
def test_no_topic_takes_compressed_records(spec):
    assert config(spec)["compression.type"] == "uncompressed"


@pytest.mark.parametrize("spec", [AUDIT, POLICIES, NOTICES], ids=lambda spec: spec.name)
def test_what_proves_something_is_kept_for_ever_and_whole(spec):
    assert spec.retention_ms == FOR_EVER
    assert config(spec)["cleanup.policy"] == "delete"
    assert config(spec)["retention.ms"] == config(spec)["retention.bytes"] == "-1"


@pytest.mark.parametrize("spec", [ROUTES, STATE, VERDICTS], ids=lambda spec: spec.name)
def test_what_only_counts_at_its_latest_is_compacted(spec):
    assert config(spec)["cleanup.policy"] == "compact"


def test_what_decision_writes_is_sharded_alike_and_policies_are_in_one_order():
    assert {spec.partitions for spec in (AUDIT, ROUTES, STATE, HEARTBEATS)} == {SHARDS}
    assert POLICIES.partitions == 1


def test_the_broker_stamps_the_audit_log_and_what_is_passed_over_for_its_age():
    assert [spec for spec in TOPICS if config(spec)["message.timestamp.type"] == "LogAppendTime"] == [
        TELEMETRY,
        VERDICTS,
        AUDIT,
        HEARTBEATS,
    ]


def test_each_kind_of_record_stands_on_one_topic_but_evidence_which_travels_inside_policies():
    placed = [payload for spec in TOPICS for payload in spec.payloads]
    assert sorted([*placed, PayloadType.EVIDENCE]) == sorted(PayloadType)


@every_topic
def test_who_may_write_is_who_may_sign(spec):
    signers = {role for payload in spec.payloads for alternative in SIGNED_BY[payload] for role in alternative}
    assert set(spec.written_by) == signers
