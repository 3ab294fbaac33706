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
from interlock.runtime.bus import Publisher
from interlock.runtime.lifecycle import Stop
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import AUDIT

RESTS_S = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
"""How long to wait before the next claim, by how many terms in a row were short. One doubt costs no time; but two processes that both
believe they hold a shard must not fill its log with claims until one of them has heard better."""

SHORT_US = 5 * SECOND
"""A term that lasted longer ended for a reason of its own."""

FAULT_RESTS_S = (1, 5, 20, 60)
"""How long to wait before the next claim, by how many faults there were in a row. Most are met again: the log is the same."""

_log = structlog.get_logger(__name__)


class ShardOwner:
    """Owns one shard for as long as the consumer group gives it to this process.

    A fault stops its own shard: nobody beats for it, so routers end in their safe states, and people are told. The process goes on with
    its other shards. A log that holds what cannot be was written with decision's key, and would be met again by whoever starts anew.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._term: Term | None = None
        self._publisher: Publisher | None = None
        self._short = 0
        self._unheard = Unheard()
        self._faults = 0
        self._told = ""

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
                self._faults, self._told = 0, ""
                self._doubt(str(ended.reason))
                await stop.within(self._rest_s(begun))
            except InfrastructureError as error:
                self._doubt(error.message)
                await stop.within(1.0)
            except Exception as error:  # noqa: BLE001 - what ends one shard may not end the others
                self._term = None  # it rules no more while it rests
                await self._fault(error, stop)
            finally:
                self._term = None

    async def _fault(self, error: Exception, stop: Stop) -> None:
        """Tell of a fault, once as long as it is the same, and rest."""
        what = type(error).__name__
        self._doubt(what)
        _log.error("shard_not_decided", shard=self._desk.shard, fault=what, exc_info=error)
        if what != self._told:
            self._told = what
            await self._desk.findings.report(Reason.NOT_DECIDED, f"shard {self._desk.shard}: {what}")
        rest_s = FAULT_RESTS_S[min(self._faults, len(FAULT_RESTS_S) - 1)]
        self._faults += 1
        for _ in range(rest_s):
            if not self._desk.held() or await stop.within(1.0):
                return

    def _rest_s(self, begun: Micros) -> float:
        """How long to wait after a term that began then."""
        self._short = self._short + 1 if self._desk.clock.now().boot - begun < SHORT_US else 0
        return RESTS_S[min(max(self._short - 1, 0), len(RESTS_S) - 1)]

    def _doubt(self, reason: str) -> None:
        self._desk.instruments.doubted(self._desk.shard)
        _log.warning("term_ended", shard=self._desk.shard, reason=reason)

    async def _claim(self) -> Term:
        desk = self._desk
        publisher = self._publisher = self._publisher or await desk.bus.publisher()
        claim = AuditRecord(desk.shard, AuditKind.CLAIM, desk.owner, NO_TERM, 0, desk.now(), (), (), (), b"")
        sealed = seal(claim, desk.key)
        self._unheard.appending(sealed)
        offset = await publisher.publish(AUDIT.name, str(desk.shard), sealed, partition=desk.shard)
        self._unheard.appended(offset)
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
