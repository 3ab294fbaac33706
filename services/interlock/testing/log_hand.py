"""A hand that writes one shard's audit log as decision would, for tests of the processes that read it.

hand = LogHand(deployment, bus, agent)
await hand.claim()
event_id = await hand.change(target="birch")
notices = await hand.read(NOTICES.name, Notice)
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from interlock.records.audit import AuditKind, AuditRecord, Entry
from interlock.records.log import NO_TERM, ShardLog
from interlock.records.sealing import event_id_of, open_sealed
from interlock.runtime.bus import Bus, Position
from interlock.runtime.clock import SystemClock
from interlock.signing.statement import Statement
from interlock.signing.verifier import Verified
from interlock.testing.builders import Deployment
from interlock.vocabulary.identifiers import ANY, RouteId, shard_of
from interlock.vocabulary.time import Micros, seconds
from interlock.wire.topics import AUDIT, SHARDS

DECISION = "decision-1"

S = TypeVar("S", bound=Statement)


class LogHand:
    """Writes the log of an agent's shard, which other deployments may have written before.

    Args:
        deployment: Who signs.
        bus: Where the log is.
        agent: The agent that every change is about.
    """

    def __init__(self, deployment: Deployment, bus: Bus, agent: str) -> None:
        self._deployment = deployment
        self._bus = bus
        self._route = RouteId(agent, "main", ANY)
        self._log = ShardLog(shard_of(agent, SHARDS))
        self._clock = SystemClock()

    async def claim(self) -> None:
        """Claim the shard, and take what is in the log already, as an owner does."""
        await self._append(
            AuditRecord(self._log.shard, AuditKind.CLAIM, DECISION, NO_TERM, 0, Micros(0), (), (), (), b""), DECISION
        )
        where = Position(AUDIT.name, self._log.shard)
        reader = await self._bus.reader([where], start={where: 0})
        for record in await reader.read_to_end():
            opened = open_sealed(record.value, self._deployment.root, AuditRecord)
            if isinstance(opened, Verified):
                self._log.take(record.offset, opened.value)
        await reader.close()

    async def change(self, *, by: str = DECISION, age_s: float = 0, **fields: Any) -> bytes:
        """Append a step with one change.

        Args:
            by: Whose key seals the step; the change is decision's in any case.
            age_s: How long ago the change was issued, seconds.
            fields: What differs from the usual change of `Deployment.change`.

        Returns:
            The change's event id.
        """
        issued_at = Micros(self._clock.now().wall - seconds(age_s))
        usual = self._deployment.change(
            self._route, shard=self._log.shard, term=self._log.term, version=self._next(), issued_at=issued_at
        )
        change = replace(usual, **fields)
        await self._step(by, changes=(self._deployment.seal(change, DECISION),))
        return event_id_of(change)

    async def entry(self, entry: Entry) -> None:
        """Append a step that changes one entry of the state, and orders nothing."""
        await self._step(DECISION, entries=(entry,))

    async def read(self, topic: str, kind: type[S]) -> list[S]:
        """Every genuine record of one kind on a topic."""
        reader = await self._bus.reader([topic])
        opened = [open_sealed(record.value, self._deployment.root, kind) for record in await reader.read_to_end()]
        await reader.close()
        return [found.value for found in opened if isinstance(found, Verified)]

    def _next(self) -> int:
        return (self._log.sequence or 0) + 1

    async def _step(self, by: str, *, changes: Sequence[bytes] = (), entries: Sequence[Entry] = ()) -> None:
        place = (self._log.shard, AuditKind.STEP, by, self._log.term, self._next())
        now = self._clock.now().wall
        await self._append(AuditRecord(*place, now, (), tuple(changes), tuple(entries), b""), by)
        if by == DECISION:
            self._log.sequence = self._next()

    async def _append(self, record: AuditRecord, by: str) -> None:
        sealed = self._deployment.seal(record, by)
        await (await self._bus.publisher()).publish(AUDIT.name, str(self._log.shard), sealed, partition=self._log.shard)
