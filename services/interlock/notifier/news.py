"""What there is to tell: every change, and every review that is overdue. Pure.

Both stand in the audit log, in steps that count, so neither can be forgotten, and both are told in one way: `telling`. A review becomes
overdue by an entry that decision makes once. Its identity is a digest of that entry, so a log that is read again tells nothing twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.notifier.message import body_of
from interlock.notifier.review_message import body_of_review
from interlock.records.audit import AuditRecord, Entry
from interlock.records.codec import decode
from interlock.records.state import ReviewEntry
from interlock.runtime.audit_trail import Change, changes_in
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.identifiers import RouteId, digest
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

_REVIEW = "review/"
_REVIEW_OVERDUE = b"interlock.review_overdue\x00"
"""What sets the identity of an overdue review apart from every other digest."""


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell.

    Attributes:
        id: Its name in notices: the change's, or `review/` and the change's.
        event_id: Its identity, 32 bytes: the receivers' idempotency key, in hex.
        agent: Whose policy names the channels.
        root_version: The trust root under which it came to be; of a review, of which that is not known, the present one.
        issued_at: From when on it is to be told.
        body: What is sent, the same bytes in every attempt.
    """

    id: str
    event_id: bytes
    agent: str
    root_version: int
    issued_at: Micros
    body: bytes


def news_in(step: AuditRecord, trust: TrustRoot) -> Iterator[News | Refused]:
    """Everything to tell of a step that counts, and why a part of it is refused."""
    for change in changes_in(step, trust):
        yield change if isinstance(change, Refused) else news_of(change)
    for entry in step.entries:
        if entry.key.startswith(_REVIEW) and entry.value is not None:
            review = decode(entry.value, ReviewEntry)
            if isinstance(review, Reason):
                yield Refused(review, entry.key)
            elif review.overdue:
                yield _of_review(entry, review, step.now, trust.version)


def news_of(change: Change) -> News:
    """A change as it is told."""
    said = change.value
    body = body_of(said, change.event_id)
    return News(said.id, change.event_id, said.agent, said.root_version, said.issued_at, body)


def _of_review(entry: Entry, review: ReviewEntry, at: Micros, root_version: int) -> News | Refused:
    route, value = RouteId.parse(review.route), entry.value or b""
    if route is None:
        return Refused(Reason.OUT_OF_BOUNDS, entry.key)
    event_id = digest(b"".join((_REVIEW_OVERDUE, entry.key.encode(), b"\x00", value)))
    body = body_of_review(entry.key.removeprefix(_REVIEW), review, event_id, at)
    return News(entry.key, event_id, route.agent, root_version, at, body)
