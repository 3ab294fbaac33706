from collections.abc import Sequence
from dataclasses import replace

import pytest

from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.log import NO_TERM
from interlock.runtime.audit_trail import AuditTrail, changes_in
from interlock.runtime.bus import Position, Record
from interlock.signing.verifier import Refused, Verified
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import AUDIT

DEPLOYMENT = Deployment()
SHARD = Position(AUDIT.name, 2)
CHANGE = DEPLOYMENT.change(shard=2)


def record(offset: int, value: bytes | None, partition: int = 2) -> Record:
    return Record(AUDIT.name, partition, offset, b"2", value, 0)


def claim(offset: int, *, shard: int = 2, by: str = "decision-1") -> Record:
    said = AuditRecord(shard, AuditKind.CLAIM, by, NO_TERM, 0, NOW, (), (), (), b"")
    return record(offset, DEPLOYMENT.seal(said, by))


def step(offset: int, term: int, sequence: int, changes: Sequence[bytes] = (), by: str = "decision-1") -> Record:
    said = AuditRecord(2, AuditKind.STEP, by, term, sequence, NOW, (), tuple(changes), (), b"")
    return record(offset, DEPLOYMENT.seal(said, by))


def change(version: int, by: str = "decision-1", deployment: str = DEPLOYMENT.name) -> bytes:
    return DEPLOYMENT.seal(replace(CHANGE, version=version, deployment=deployment), by)


def taken(trail: AuditTrail, *records: Record) -> list[Verified[RoutingChange] | Refused]:
    return [found for item in records for found in trail.take(item, DEPLOYMENT.root)]


def versions(found: list[Verified[RoutingChange] | Refused]) -> list[int]:
    return [item.value.version for item in found if isinstance(item, Verified)]


def reasons(found: list[Verified[RoutingChange] | Refused]) -> list[Reason]:
    return [item.reason for item in found if isinstance(item, Refused)]


def test_every_change_of_a_step_that_counts_is_to_be_told():
    found = taken(AuditTrail(changes_in), claim(0), step(1, 0, 1, [change(1), change(2)]), step(2, 0, 2, [change(3)]))
    assert versions(found) == [1, 2, 3]
    assert reasons(found) == []


def test_a_void_step_says_nothing_and_is_no_finding():
    assert taken(AuditTrail(changes_in), claim(0), claim(1), step(2, 0, 1, [change(1)])) == []


@pytest.mark.parametrize("fields", [{"slot": "ma/in"}, {"slot": ""}, {"agent": ""}, {"scope": "é"}], ids=str)
def test_a_change_of_what_is_no_route_is_refused_and_the_others_are_told(fields):
    hostile = DEPLOYMENT.seal(replace(CHANGE, **fields), "decision-1")
    found = taken(AuditTrail(changes_in), claim(0), step(1, 0, 1, [hostile, change(2)]))
    assert (reasons(found), versions(found)) == ([Reason.OUT_OF_BOUNDS], [2])


def test_a_record_that_no_decision_key_signed_is_refused():
    forged = step(1, 0, 1, [change(1)], by="gateway-1")
    assert reasons(taken(AuditTrail(changes_in), claim(0), forged)) == [Reason.ROLE_NOT_ALLOWED]


def test_a_change_that_no_decision_key_signed_is_refused_and_its_neighbours_are_told():
    found = taken(AuditTrail(changes_in), claim(0), step(1, 0, 1, [change(1, by="notifier-1"), change(2)]))
    assert (versions(found), reasons(found)) == ([2], [Reason.ROLE_NOT_ALLOWED])


def test_a_change_for_another_deployment_is_refused():
    found = taken(AuditTrail(changes_in), claim(0), step(1, 0, 1, [change(1, deployment="elsewhere")]))
    assert reasons(found) == [Reason.WRONG_AUDIENCE]


def test_a_record_of_another_shard_is_refused_and_begins_no_term():
    found = taken(AuditTrail(changes_in), claim(0), claim(1, shard=3), step(2, 0, 1, [change(1)]))
    assert (versions(found), reasons(found)) == ([1], [Reason.WRONG_SHARD])


def test_a_tombstone_is_refused():
    assert reasons(taken(AuditTrail(changes_in), record(0, None))) == [Reason.EMPTY]


def test_nothing_is_committed_before_a_claim_was_seen():
    trail = AuditTrail(changes_in)
    taken(trail, step(0, 0, 1))
    assert trail.done() == {}


def test_the_claim_of_the_oldest_unfinished_change_is_committed():
    trail = AuditTrail(changes_in)
    old, new = taken(trail, claim(0), step(1, 0, 1, [change(1)]), claim(2), step(3, 2, 2, [change(2)]))
    assert (trail.done(), trail.pending) == ({SHARD: 0}, 2)
    trail.finish(old.event_id)
    assert (trail.done(), trail.pending) == ({SHARD: 2}, 1)
    trail.finish(new.event_id)
    assert (trail.done(), trail.pending) == ({SHARD: 2}, 0)


def test_reading_that_begins_at_the_committed_claim_finds_the_unfinished_change_again():
    log = [claim(0), step(1, 0, 1, [change(1)]), claim(2), step(3, 2, 2, [change(2)])]
    trail = AuditTrail(changes_in)
    first, _ = taken(trail, *log)
    trail.finish(first.event_id)
    again = taken(AuditTrail(changes_in), *log[trail.done()[SHARD] :])
    assert versions(again) == [2]
