"""What stands in a shard's log by others, and was not told yet.

Whatever is not an owner's own ends its term, however it hears of it: by reading it, by an append that lands beyond it, or at its next
claim, because it was put there while nobody ruled. It is told once by each process that owned the shard before it was put there; what
stood there when a process first claimed the shard was another one's to tell. What cannot be read is told by every start that reads it.
"""

from collections import deque
from dataclasses import dataclass, field

from interlock.records.audit import AuditRecord
from interlock.records.sealing import open_sealed
from interlock.reporting.findings import Findings
from interlock.runtime.bus import Record
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Verified
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.reasons import Reason

UNSURE_MAX = 1_000
"""Appends of which it is not known what became of them that are remembered: a broker that is away makes one a second."""


@dataclass(slots=True)
class Unheard:
    """What an owner has not told of its shard's log.

    Attributes:
        known: Offsets of its own records, and of those that it told of, from `start` on.
        unsure: Digests of its own records that may be in the log, or may come late.
        start: From where on others' records are news to it; None: it has not ruled yet.
    """

    known: set[int] = field(default_factory=set)
    unsure: deque[bytes] = field(default_factory=lambda: deque(maxlen=UNSURE_MAX))
    start: int | None = None

    def since(self, offset: int) -> None:
        """Everything before an offset is its own, or was told."""
        self.start = offset
        self.known = {each for each in self.known if each >= offset}

    def appending(self, sealed: bytes) -> None:
        """A record of the owner's is on its way into the log."""
        self.unsure.append(digest(sealed))

    def appended(self, offset: int) -> None:
        """The record that was on its way last stands in the log."""
        self.unsure.pop()
        self.known.add(offset)

    def is_news(self, record: Record) -> bool:
        """Whether a record of the log is somebody else's, and is to be told."""
        if self.start is None or record.offset < self.start or record.offset in self.known:
            return False
        return digest(record.value or b"") not in self.unsure

    async def tell(self, record: Record, trust: TrustRoot, findings: Findings) -> None:
        """Tell of a record that is not the owner's."""
        self.known.add(record.offset)
        found = open_sealed(record.value, trust, AuditRecord)
        if isinstance(found, Verified):
            await findings.report(Reason.LOG_GAP, f"a {found.value.kind} by {found.value.owner}", record)
