from dataclasses import replace

from interlock.notifier.core import Progress
from interlock.notifier.receipts import Receipts
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.signing.roles import Role
from interlock.signing.verifier import Refused
from interlock.testing.builders import NOW, Deployment
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros

DEPLOYMENT = Deployment()


def notice(attempt: int, kind: NoticeKind, *, channel: str = "webhook:a", by: str = "notifier-1") -> bytes:
    said = Notice("change-1", b"event-1", "support", channel, attempt, kind, 500, "", NOW, NOW)
    return DEPLOYMENT.seal(said, by)


def receipts(*sealed: bytes) -> Receipts:
    known = Receipts()
    for item in sealed:
        assert known.take(item, [DEPLOYMENT.root]) is None
    return known


def test_each_channel_stands_where_its_last_notice_left_it():
    known = receipts(
        notice(1, NoticeKind.FAILED),
        notice(4, NoticeKind.FAILED),
        notice(2, NoticeKind.FAILED),
        notice(1, NoticeKind.ACCEPTED, channel="webhook:b"),
    )
    assert known.claim(b"event-1", 1) == {
        "webhook:a": Progress(slot=4),
        "webhook:b": Progress(slot=1, end=NoticeKind.ACCEPTED),
    }


def test_nothing_is_known_of_a_change_that_has_no_notice_or_was_handed_over():
    known = receipts(notice(1, NoticeKind.ACCEPTED))
    assert known.claim(b"event-2", 1) == {}
    assert known.claim(b"event-1", 1) != {}
    assert known.claim(b"event-1", 1) == {}


def test_a_receipt_that_no_notifier_signed_does_not_count():
    known = Receipts()
    refused = known.take(notice(1, NoticeKind.ACCEPTED, by="decision-1"), [DEPLOYMENT.root])
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.ROLE_NOT_ALLOWED
    assert known.claim(b"event-1", 1) == {}


def test_a_breach_is_no_receipt_and_nothing_to_complain_of():
    breach = Breach(
        "watch-1", "change-1", b"event-1", "support", "support/main/*", NOW, Micros(300 * SECOND), False, "", NOW
    )
    assert receipts(DEPLOYMENT.seal(breach, "watch-1")).claim(b"event-1", 1) == {}


def test_what_was_told_stays_told_when_the_key_is_gone_and_of_later_changes_that_key_says_nothing():
    root, key = DEPLOYMENT.next_root(2), (DEPLOYMENT.key("probe-1").keyid,)
    grants = tuple(replace(each, keyids=key) if each.role is Role.NOTIFIER else each for each in root.grants)
    roots = [DEPLOYMENT.root, replace(root, grants=grants)]
    said = [notice(1, NoticeKind.ACCEPTED), notice(3, NoticeKind.FAILED, by="probe-1")]
    for root_version, stands in ((1, Progress(3, NoticeKind.ACCEPTED)), (2, Progress(3))):
        known = Receipts()
        assert [known.take(sealed, roots) for sealed in said] == [None, None]
        assert known.claim(b"event-1", root_version) == {"webhook:a": stands}
