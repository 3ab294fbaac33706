"""One shard and its owner: claim, start again from what stands there, rule until the first doubt, and claim again."""

import structlog

from interlock.decision.core.tenure import Tenure
from interlock.decision.desk import Desk
from interlock.decision.restart import start_again
from interlock.decision.term import Term, TermEnded
from interlock.decision.unheard import Unheard
from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.log import NO_TERM
from interlock.records.sealing import seal
from interlock.runtime.lifecycle import Stop
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT

RESTS_S = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
"""How long to wait before the next claim, by how many terms in a row were short. One doubt costs no time; but two processes that both
believe they hold a shard must not fill its log with claims until one of them has heard better."""

SHORT_US = 5 * SECOND
"""A term that lasted longer ended for a reason of its own."""

_log = structlog.get_logger(__name__)


class ShardOwner:
    """Owns one shard for as long as the consumer group gives it to this process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._term: Term | None = None
        self._short = 0
        self._unheard = Unheard()

    @property
    def live(self) -> bool:
        """Whether it rules, and has said so in a heartbeat."""
        return self._term is not None and self._term.beats > 0

    async def run(self, stop: Stop) -> None:
        """Claim the shard, decide for it, and claim it again after every doubt, until asked to stop."""
        while not stop.is_set() and self._desk.held():
            begun = self._desk.clock.now().boot
            try:
                self._term = await self._claim()
                await self._term.run(stop)
            except TermEnded as ended:
                self._doubt(str(ended.reason))
                await stop.within(self._rest_s(begun))
            except InfrastructureError as error:
                self._doubt(error.message)
                await stop.within(1.0)
            finally:
                self._term = None

    def _rest_s(self, begun: Micros) -> float:
        """How long to wait after a term that began then."""
        self._short = self._short + 1 if self._desk.clock.now().boot - begun < SHORT_US else 0
        return RESTS_S[min(max(self._short - 1, 0), len(RESTS_S) - 1)]

    def _doubt(self, reason: str) -> None:
        self._desk.instruments.doubted(self._desk.shard)
        _log.warning("term_ended", shard=self._desk.shard, reason=reason)

    async def _claim(self) -> Term:
        desk = self._desk
        publisher = await desk.bus.publisher()
        claim = AuditRecord(desk.shard, AuditKind.CLAIM, desk.owner, NO_TERM, 0, desk.now(), (), (), (), b"")
        offset = await publisher.publish(AUDIT.name, str(desk.shard), seal(claim, desk.key), partition=desk.shard)
        self._unheard.known.add(offset)
        restart = await start_again(desk, offset, self._unheard)
        tenure = Tenure.begin(offset, restart.journal.log)
        if tenure.doubt is not None:
            raise TermEnded(tenure.doubt)
        self._unheard.since(tenure.next_offset)
        desk.instruments.started(desk.shard, restart.source, restart.records)
        _log.info(
            "shard_claimed",
            shard=desk.shard,
            term=offset,
            source=restart.source.value,
            records=restart.records,
            routes=len(restart.journal.sealed),
        )
        return Term(desk, publisher, restart, tenure, self._unheard)
