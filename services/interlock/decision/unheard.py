"""What stands in a shard's log by others, and was not told yet.

Whatever is not an owner's own ends its term, however it hears of it: by reading it, by an append that lands beyond it, or at its next
claim, because it was put there while nobody ruled. It is told once by each process that owned the shard before it was put there; what
stood there when a process first claimed the shard was another one's to tell. What cannot be read is told by every start that reads it.
"""

from dataclasses import dataclass, field

from interlock.records.audit import AuditRecord
from interlock.records.sealing import open_sealed
from interlock.reporting.findings import Findings
from interlock.runtime.bus import Record
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Verified
from interlock.vocabulary.reasons import Reason


@dataclass(slots=True)
class Unheard:
    """What an owner has not told of its shard's log.

    Attributes:
        known: Offsets of its own records, and of those that it told of, from `start` on.
        start: From where on others' records are news to it; None: it has not ruled yet.
    """

    known: set[int] = field(default_factory=set)
    start: int | None = None

    def since(self, offset: int) -> None:
        """Everything before an offset is its own, or was told."""
        self.start = offset
        self.known = {each for each in self.known if each >= offset}

    def is_news(self, offset: int) -> bool:
        """Whether a record of the log is somebody else's, and is to be told."""
        return self.start is not None and offset >= self.start and offset not in self.known

    async def tell(self, record: Record, trust: TrustRoot, findings: Findings) -> None:
        """Tell of a record that is not the owner's."""
        self.known.add(record.offset)
        found = open_sealed(record.value, trust, AuditRecord)
        if isinstance(found, Verified):
            await findings.report(Reason.LOG_GAP, f"a {found.value.kind} by {found.value.owner}", record)
