"""What services tell of themselves: attempts to notify, and findings."""

from dataclasses import dataclass
from enum import StrEnum

from interlock.signing.statement import Statement
from interlock.vocabulary.time import Micros


class NoticeKind(StrEnum):
    """How an attempt ended. `exhausted`: it was the last one that the schedule has."""

    OTHER = "other"
    ACCEPTED = "accepted"
    FAILED = "failed"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Notice(Statement):
    """One attempt to tell the governance function of one change; an accepted one is the receipt.

    Attributes:
        channel: `webhook:<host>#<digest>`; `nobody` where no policy names whom to tell.
        attempt: The slot of the schedule that it used, 1 …; slots that passed unused are left out. 0: none was possible.
    """

    change_id: str
    event_id: bytes
    agent: str
    channel: str
    attempt: int
    kind: NoticeKind
    status: int
    detail: str
    change_issued_at: Micros
    at: Micros


@dataclass(frozen=True, slots=True)
class Finding(Statement):
    """Something a person must look at. It names the refused record by place and digest, and never repeats its content."""

    service: str
    reason: str
    detail: str
    mend: str
    topic: str
    partition: int
    offset: int
    digest: bytes
    at: Micros

    def said_by(self) -> str:
        """A service speaks for itself only."""
        return self.service
