"""What the audit log asks of the notifier, and how far it is done with it. Pure but for the shape of a record.

A notice exists because the log holds the change: so nothing is told that is not in a step that counts, and every change of such
a step is told. Rules:

1. A record counts if a decision key signed it and `ShardLog` takes it. Void steps say nothing and are nobody's fault: a
   decision process that lost its shard leaves them behind.
2. Of a step that counts, every change is verified by itself, as a router would.
3. The offset to commit is that of a *claim*: of the one under which the oldest unfinished change was made, or of the last.
   Reading can begin nowhere else, since a step counts only by its claim; what is read again was told already, as the notices
   topic says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.log import NO_TERM, ShardLog
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Position, Record
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.reasons import Reason

Change = Verified[RoutingChange]


@dataclass(slots=True)
class _Shard:
    """One partition: its log, and the unfinished changes by event id with the term each was made in."""

    log: ShardLog
    unfinished: dict[bytes, int] = field(default_factory=dict)


class AuditTrail:
    """The changes to tell, and the offsets that are done with."""

    def __init__(self) -> None:
        self._shards: dict[Position, _Shard] = {}

    @property
    def pending(self) -> int:
        """How many changes are not finished."""
        return sum(len(shard.unfinished) for shard in self._shards.values())

    def take(self, record: Record, trust: TrustRoot) -> Iterator[Change | Refused]:
        """Take the next record of the log: the changes to tell, and why a part of it is refused.

        Args:
            record: As it was read; the records of a partition come in order, from its first one or from a claim.
            trust: The trust root that is held.
        """
        shard = self._shard(record)
        opened = open_sealed(record.value, trust, AuditRecord)
        if isinstance(opened, Refused):
            yield opened
            return
        step = opened.value
        if step.shard != record.partition:
            yield Refused(Reason.WRONG_SHARD, f"shard {step.shard}")
            return
        if not shard.log.take(record.offset, step):
            return
        for sealed in step.changes:
            change = _open_change(sealed, trust)
            if isinstance(change, Verified):
                shard.unfinished[change.event_id] = step.term
            yield change

    def finish(self, change: Change) -> None:
        """A change is told, or can be told no more, and that is on record."""
        for shard in self._shards.values():
            shard.unfinished.pop(change.event_id, None)

    def done(self) -> dict[Position, int]:
        """The offset to commit for each partition: reading begins there after a restart."""
        return {
            where: min(shard.unfinished.values(), default=shard.log.term)
            for where, shard in self._shards.items()
            if shard.log.term != NO_TERM
        }

    def _shard(self, record: Record) -> _Shard:
        where = Position(record.topic, record.partition)
        if where not in self._shards:
            count = 0 if record.offset == 0 else None
            self._shards[where] = _Shard(ShardLog(record.partition, sequence=count))
        return self._shards[where]


def _open_change(sealed: bytes, trust: TrustRoot) -> Change | Refused:
    change = open_sealed(sealed, trust, RoutingChange)
    if isinstance(change, Refused):
        return change
    if change.value.deployment != trust.deployment:
        return Refused(Reason.WRONG_AUDIENCE, change.value.deployment)
    return change
