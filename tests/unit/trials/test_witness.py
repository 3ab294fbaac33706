from dataclasses import replace

from interlock.records.audit import AuditRecord
from interlock.records.change import AckKind, Acknowledgement
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.health import Level, Verdict
from interlock.records.sealing import event_id_of, open_sealed
from interlock.records.telling import Notice, NoticeKind, Ticket
from interlock.runtime.bus import Record
from interlock.signing.statement import Statement
from interlock.signing.verifier import Verified
from interlock.testing.builders import NOW, Deployment
from interlock.testing.chronicle import Chronicle
from interlock.trials.witness import Witness
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import Micros
from interlock.wire.topics import ACKS, AUDIT, COMMANDS, NOTICES, POLICIES, TICKETS, VERDICTS

DEPLOYMENT = Deployment()
VERDICT = Verdict("atlas", ANY, "unavailable", Level.HEALTHY, "", 3, (), NOW, NOW, Micros(NOW + 5))
ACK = Acknowledgement("gateway-1", AckKind.ACK, "change", b"", "", NOW)


def witness() -> Witness:
    return Witness(DEPLOYMENT.book())


def record(topic: str, value: bytes | None) -> Record:
    return Record(topic, 0, 0, None, value, 0)


def said(topic: str, statement: Statement, owner: str) -> Record:
    return record(topic, DEPLOYMENT.seal(statement, owner))


def test_a_verdict_is_kept_where_its_level_is_another_than_before() -> None:
    seen = witness()
    worse = replace(VERDICT, level=Level.UNAVAILABLE, issued_at=Micros(NOW + 2))
    for verdict in (VERDICT, replace(VERDICT, issued_at=Micros(NOW + 1)), worse, VERDICT):
        seen.take(said(VERDICTS.name, verdict, "health-1"))
    assert [verdict.level for verdict in seen.verdicts] == [Level.HEALTHY, Level.UNAVAILABLE]
    assert seen.last_verdict[VERDICT.key] == worse, "an older one that comes late is not the last"


def test_what_is_not_genuine_is_no_evidence() -> None:
    seen = witness()
    for made in (
        said(ACKS.name, ACK, "health-1"),
        said(ACKS.name, ACK, "a stranger"),
        record(ACKS.name, b"noise"),
        record(ACKS.name, None),
        record(AUDIT.name, b"noise"),
        said(AUDIT.name, ACK, "gateway-1"),
    ):
        seen.take(made)
    assert (seen.acks, seen.changes, seen.audit_records) == ([], [], 0)
    seen.take(said(ACKS.name, ACK, "gateway-1"))
    assert seen.acks == [ACK]


def test_what_counts_is_kept_with_its_identity_and_its_place_verdicts_apart() -> None:
    seen = witness()
    sealed = DEPLOYMENT.seal(ACK, "gateway-1")
    seen.take(Record(ACKS.name, 3, 17, None, sealed, 0))
    seen.take(said(VERDICTS.name, VERDICT, "health-1"))
    chronicle = Chronicle(DEPLOYMENT)
    chronicle.say(POLICIES, DEPLOYMENT.policy("support", ["atlas", "birch"]))
    seen.take(Record(AUDIT.name, 0, 0, None, chronicle.log[0], 0))
    ack, claim = seen.exhibits
    opened = open_sealed(chronicle.log[0], DEPLOYMENT.book().trust, AuditRecord)
    assert isinstance(opened, Verified)
    assert (ack.place, ack.value, ack.event_id) == (f"{ACKS.name}/3@17", ACK, event_id_of(ACK))
    assert (claim.place, claim.event_id) == (f"{AUDIT.name}/0@0", opened.event_id)


def test_a_notice_counts_if_the_notifier_signed_it() -> None:
    seen = witness()
    notice = Notice("c", b"e" * 32, "support", "webhook:x#1", 1, NoticeKind.ACCEPTED, 204, "", NOW, NOW)
    seen.take(said(NOTICES.name, notice, "gateway-1"))
    assert seen.notices == []
    seen.take(said(NOTICES.name, notice, "notifier-1"))
    assert seen.notices == [notice]


def test_a_ticket_counts_if_its_gateway_signed_it() -> None:
    seen = witness()
    ticket = Ticket("ticket-1", "gateway-1", "support", "main", ANY, "change", b"{}", NOW)
    seen.take(said(TICKETS.name, ticket, "notifier-1"))
    assert seen.tickets == {}
    seen.take(said(TICKETS.name, ticket, "gateway-1"))
    assert seen.tickets == {"ticket-1": ticket}


def test_of_a_command_the_log_tells_who_signed_it_and_what_became_of_it() -> None:
    chronicle = Chronicle(DEPLOYMENT)
    chronicle.say(POLICIES, DEPLOYMENT.policy("support", ["atlas", "birch"]))
    until = Micros(NOW + 60_000_000)
    command = Command(
        "c-1", DEPLOYMENT.name, Verb.APPROVE, "support", "", "", "it", ReviewOutcome.NONE, "", "", NOW, until
    )
    chronicle.say(COMMANDS, DEPLOYMENT.seal(command, "olga"))
    seen = witness()
    for offset, sealed in enumerate(chronicle.log):
        seen.take(Record(AUDIT.name, 0, offset, None, sealed, 0))
    assert seen.commands["c-1"].signers == {"olga"}
    assert (seen.answers["c-1"].accepted, seen.answers["c-1"].reason) == (False, "nothing_proposed")
