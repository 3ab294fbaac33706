"""One shard and its owner: claim, rebuild from the log, rule until the first doubt, and claim again."""

import structlog

from interlock.decision.core.journal import Journal
from interlock.decision.core.state import State
from interlock.decision.core.tenure import Tenure
from interlock.decision.desk import Desk
from interlock.decision.term import Term, TermEnded
from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.log import NO_TERM, ShardLog
from interlock.records.sealing import seal
from interlock.runtime.bus import Position
from interlock.runtime.lifecycle import Stop
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import AUDIT

_log = structlog.get_logger(__name__)


class ShardOwner:
    """Owns one shard for as long as the consumer group gives it to this process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._term: Term | None = None

    @property
    def live(self) -> bool:
        """Whether it rules, and has said so in a heartbeat."""
        return self._term is not None and self._term.beats > 0

    async def run(self, stop: Stop) -> None:
        """Claim the shard, decide for it, and claim it again after every doubt, until asked to stop."""
        while not stop.is_set() and self._desk.held():
            try:
                self._term = await self._claim()
                await self._term.run(stop)
            except TermEnded as ended:
                self._doubt(str(ended.reason))
            except InfrastructureError as error:
                self._doubt(error.message)
                await stop.within(1.0)
            finally:
                self._term = None

    def _doubt(self, reason: str) -> None:
        self._desk.instruments.doubted(self._desk.shard)
        _log.warning("term_ended", shard=self._desk.shard, reason=reason)

    async def _claim(self) -> Term:
        desk = self._desk
        publisher = await desk.bus.publisher()
        claim = AuditRecord(desk.shard, AuditKind.CLAIM, desk.owner, NO_TERM, 0, desk.now(), (), (), (), b"")
        offset = await publisher.publish(AUDIT.name, str(desk.shard), seal(claim, desk.key), partition=desk.shard)
        journal = await self._rebuild(offset)
        tenure = Tenure.begin(offset, journal.log)
        if tenure.doubt is not None:
            raise TermEnded(tenure.doubt)
        _log.info("shard_claimed", shard=desk.shard, term=offset, steps=journal.steps, routes=len(journal.sealed))
        term = Term(desk, publisher, journal, tenure)
        await term.restore()
        return term

    async def _rebuild(self, claim: int) -> Journal:
        """Read the log from its beginning up to the claim."""
        desk = self._desk
        journal = Journal(State.start(desk.shard, desk.shards, desk.book), ShardLog(desk.shard))
        where = Position(AUDIT.name, desk.shard)
        reader = await desk.bus.reader([where], start={where: 0})
        try:
            while reader.position(where) <= claim:
                for record in await reader.batch():
                    taken = journal.take(record.offset, record.value) if record.offset <= claim else None
                    if isinstance(taken, Refused):
                        await desk.findings.report(taken.reason, taken.detail, record)
        finally:
            await reader.close()
        return journal
