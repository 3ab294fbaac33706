"""What the audit log asks of those who follow its changes, and how far they are done with it. Pure but for the shape of a record.

The notifier tells of every change, the deadline watch sees to it that somebody was told. Both are asked by the log itself: nothing
counts that is not in a step that counts, and every change of such a step does. Rules:

1. A record counts if a decision key signed it and `ShardLog` takes it. Void steps say nothing and are nobody's fault: a
   decision process that lost its shard leaves them behind.
2. What is of interest in a step that counts, the follower's own reading finds: `changes_in` every change, verified by itself as a
   router would. One of what is no route is refused: no policy has such a one, so no router obeys it.
3. The offset to commit is that of a *claim*: of the one under which the oldest unfinished of them was found, or of the last.
   Reading can begin nowhere else, since a step counts only by its claim; what is read again is known from the notices topic.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from interlock.records.audit import AuditRecord
from interlock.records.change import RoutingChange
from interlock.records.log import NO_TERM, ShardLog
from interlock.records.sealing import open_sealed
from interlock.runtime.bus import Position, Record
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.errors import PeerError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason

Change = Verified[RoutingChange]


class Found(Protocol):
    """What is found in a step: it has an identity, which is the same whenever the step is read."""

    @property
    def event_id(self) -> bytes:
        """32 bytes."""
        ...


T = TypeVar("T", bound=Found)


def changes_in(step: AuditRecord, trust: TrustRoot) -> Iterator[Change | Refused]:
    """The changes of a step that counts, and why one of them does not."""
    return (_open_change(sealed, trust) for sealed in step.changes)


@dataclass(slots=True)
class _Shard:
    """One partition: its log, and what is unfinished by event id with the term each was made in."""

    log: ShardLog
    unfinished: dict[bytes, int] = field(default_factory=dict)


class AuditTrail(Generic[T]):
    """What is found in the log, and the offsets that are done with.

    Args:
        read: Finds in a step that counts what is of interest to who follows.
    """

    def __init__(self, read: Callable[[AuditRecord, TrustRoot], Iterator[T | Refused]]) -> None:
        self._read = read
        self._shards: dict[Position, _Shard] = {}
        self._broken: set[Position] = set()

    @property
    def pending(self) -> int:
        """How much of what was found is not finished."""
        return sum(len(shard.unfinished) for shard in self._shards.values())

    def take(self, record: Record, trust: TrustRoot) -> Iterator[T | Refused]:
        """Take the next record of the log: what is found in it, and why a part of it is refused.

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
            if shard.log.broken:
                self._broken.add(Position(record.topic, record.partition))
                yield Refused(Reason.LOG_GAP, f"step {step.sequence} of term {step.term} does not follow what was read")
            return
        for found in self._read(step, trust):
            if not isinstance(found, Refused):
                shard.unfinished[found.event_id] = step.term
            yield found

    def require_whole(self) -> None:
        """Fail if a step of the log was missing: who has passed it is not given it again, but who begins again at the last claim is.

        Raises:
            PeerError: One was.
        """
        for where in self._broken:
            raise PeerError(
                f"{where.topic}-{where.partition} is told with a step left out, or with another in its place.",
                "Start again; if it comes again, compare the log with another replica.",
            )

    def finish(self, event_id: bytes) -> None:
        """Nothing more is to be done about what was found, and that is on record."""
        for shard in self._shards.values():
            shard.unfinished.pop(event_id, None)

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
    if RouteId.parse(change.value.route.key) != change.value.route:
        return Refused(Reason.OUT_OF_BOUNDS, "a change of what is no route")
    return change
