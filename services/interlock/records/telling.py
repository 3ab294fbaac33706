"""What services tell of themselves: attempts to notify, and findings."""

from dataclasses import dataclass
from enum import StrEnum

from interlock.records.bounds import require
from interlock.signing.statement import Statement
from interlock.vocabulary.limits import TICKET_BYTES_MAX
from interlock.vocabulary.time import Micros


class NoticeKind(StrEnum):
    """How an attempt ended. `exhausted`: it was the last one that the schedule has."""

    OTHER = "other"
    ACCEPTED = "accepted"
    FAILED = "failed"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Notice(Statement):
    """One attempt to tell the governance function of one change, or of one review that is overdue; an accepted one is the receipt.

    Attributes:
        change_id: The change's; of an overdue review `review/` and the change's.
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
class Breach(Statement):
    """The deadline watch's word that nobody of the governance function is known to have accepted the notice of a change in time.

    Attributes:
        watch: Who says it.
        change_id: The change, and `event_id` the identity of its signed bytes.
        deadline_us: How long after `change_issued_at` a receipt was waited for.
        suspends: Whether the watch orders the route's suspension for it, as the agent's policy asks.
        detail: What is known of the attempts.
    """

    watch: str
    change_id: str
    event_id: bytes
    agent: str
    route: str
    change_issued_at: Micros
    deadline_us: Micros
    suspends: bool
    detail: str
    at: Micros

    def said_by(self) -> str:
        """The watch speaks for itself only."""
        return self.watch


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


@dataclass(frozen=True, slots=True)
class Ticket(Statement):
    """A request that waits for a person, because its route is in the safe state `human_queue`."""

    id: str
    router: str
    agent: str
    slot: str
    scope: str
    change_id: str
    request: bytes
    at: Micros

    def __post_init__(self) -> None:
        require(len(self.request) <= TICKET_BYTES_MAX, "the request is too large to be kept")

    def said_by(self) -> str:
        """The router speaks for itself only."""
        return self.router
