"""What people are told of a review that nobody closed in time: in plain words, and the same as data. Pure.

The rules of `message` hold: the log alone speaks, every text is one line, every attempt sends the same bytes.
"""

import shlex

from interlock.notifier.message import told
from interlock.notifier.wording import plain
from interlock.records.state import ReviewEntry
from interlock.vocabulary.time import Micros, to_text

EVENT_TYPE = "interlock.review_overdue"
"""The `type` of every body."""

_CHARS_MAX = 300
"""What is told of any text: as much as a change's id may have, whose names have 80 characters each."""
_LINE_CHARS_MAX = 400


def body_of_review(change: str, review: ReviewEntry, event_id: bytes, at: Micros) -> bytes:
    """The body that tells of an overdue review.

    Args:
        change: The id of the change to be reviewed.
        review: The review.
        event_id: The identity of the news.
        at: When decision found it overdue.
    """
    data = {
        "summary": _summary(change, review),
        "text": _text(change, review),
        "event_id": event_id.hex(),
        "change_id": _cut(change),
        "route": _cut(review.route),
        "source": _cut(review.source),
        "target": _cut(review.target),
        "accountable_team": _cut(review.team),
        "accepted_by": _cut(review.accepted_by),
        "opened_at": to_text(review.opened_at),
        "overdue_since": to_text(review.due),
        "show": _command("show", change),
        "close": _command("close", change),
    }
    return told(EVENT_TYPE, at, data)


def _summary(change: str, review: ReviewEntry) -> str:
    return plain(
        f"{review.route}: the review of its change {change} is OVERDUE since {to_text(review.due)}", _LINE_CHARS_MAX
    )


def _text(change: str, review: ReviewEntry) -> str:
    source, target = review.source or "its safe state", review.target or "its safe state"
    accepted = f"; the target was accepted by {review.accepted_by}" if review.accepted_by else ""
    lines = (
        f"What: nobody has closed the review of {change}, by which {review.route} moved from {source} to {target}.",
        f"Why: it was due {to_text(review.due)}, and has been open since {to_text(review.opened_at)}.",
        f"Look: {_command('show', change)}",
        f"Close: {_command('close', change)} --outcome confirm (or reapprove, or revoke), with your reason and key",
        f"Accountable: {review.team or 'no team is named'}{accepted}.",
    )
    return "\n".join(plain(line, _LINE_CHARS_MAX) for line in lines)


def _command(what: str, change: str) -> str:
    """A command line that is safe to paste into a shell; who closes adds the outcome, his reason and his key."""
    return f"interlock review {what} {shlex.quote(plain(change, _CHARS_MAX))}"


def _cut(text: str | None) -> str | None:
    return None if text is None else plain(text, _CHARS_MAX)
