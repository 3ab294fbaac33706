"""Which records of one shard's log count.

Shards have one writer at a time. A new owner first appends a *claim*; the claim's offset is his *term*. Whoever lost the shard
without noticing may still append: his steps bear an older term, and are void. Rules:

1. A claim always counts, and begins a term.
2. A step counts if its term is the offset of the last claim before it, and its sequence is the next one. Sequences count the
   steps of the shard from 1 on and go on over claims, so a step that was appended twice counts once, and after a gap nothing
   counts until the next claim.

3. Where a step is withheld from whoever reads, or was from the owner that went on, the log cannot be as it should, and `broken` says so: a
   sequence was left out, a claim that steps name was not there, or an owner counts from another place than the log.

Whoever reads the log asks here: decision when it rebuilds, the notifier, the replay. Not handled here: whether a record is
genuine (`open_sealed`).

    log = ShardLog(shard=2)
    counted = [record for offset, record in opened if log.take(offset, record)]
"""

from dataclasses import dataclass

from interlock.records.audit import AuditKind, AuditRecord

NO_TERM = -1
"""The term before the first claim, and the one that a claim bears itself."""


@dataclass(slots=True)
class ShardLog:
    """The place reached in one shard's log.

    Attributes:
        shard: The shard: the partition that is read.
        sequence: Of the last step that counted; 0 before the first. None where reading began at a claim in the middle of the
            log: the first step under that claim then says where the count stands.
        term: The offset of the last claim.
        first: The sequence of the first step that counted under it; None before.
        broken: Whether the last record that was taken shows that one before it is missing.
    """

    shard: int
    sequence: int | None = 0
    term: int = NO_TERM
    first: int | None = None
    broken: bool = False

    def take(self, offset: int, record: AuditRecord) -> bool:
        """Take the next record of the log; whether it counts.

        Args:
            offset: Where it stands in the partition; higher than that of the record taken before.
            record: What it says, verified.
        """
        self.broken = False
        if record.shard != self.shard:
            return False
        if record.kind is AuditKind.CLAIM:
            self.term, self.first = offset, None
            return True
        if record.kind is not AuditKind.STEP or self.term == NO_TERM or record.term != self.term:
            self.broken = record.kind is AuditKind.STEP and NO_TERM < self.term < record.term < offset
            return False
        if self.sequence is not None and record.sequence != self.sequence + 1:
            self.broken = not self._again(record.sequence)
            return False
        self.sequence = record.sequence
        self.first = self.first or record.sequence
        return True

    def _again(self, sequence: int) -> bool:
        """Whether a step under the present claim was there before: one that was appended twice."""
        return self.first is not None and self.sequence is not None and self.first <= sequence <= self.sequence
