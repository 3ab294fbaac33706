"""The watch's loop: look at what was said and at what changed, judge, put breaches on record, commit.

The order of a look is what makes it right:

1. First the notices are read to their end, then the log to its own. So whatever was said is said of a change that is known by
   then, or of one that does not count.
2. Judged is as of a moment before both: a breach is only what was due then, and not told by anything that was said until then.
3. An offset of the log is committed when of every change below it is on record what became of it: a receipt, or a breach.
   One of the notices, when all changes that they are about are below that (`bookmark`).

While the broker is away nothing can be judged, for there may be receipts: the sign of life outside stops (`outside_heartbeat`),
and what came due meanwhile is judged in the first look afterwards. After `FAILURES_MAX` failures in a row the service ends, and
whoever started it starts it anew.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from interlock.records.documents import RoutePolicy
from interlock.records.sealing import open_sealed
from interlock.records.telling import Breach, Notice
from interlock.reporting.shell import Shell
from interlock.runtime.audit_trail import AuditTrail, changes_in
from interlock.runtime.bus import Position, Record
from interlock.runtime.lifecycle import Stop
from interlock.runtime.policy_follower import PolicyFollower
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import SECOND, Micros, Reading
from interlock.watch.bookmark import Bookmark
from interlock.watch.breaches import Breaches, Sender
from interlock.watch.core import Owed, Standing, Watchlist
from interlock.watch.instruments import Instruments
from interlock.watch.intake import Intake
from interlock.watch.settings import WatchSettings
from interlock.wire.topics import AUDIT, NOTICES

GROUP = "interlock-watch"
"""The group under which offsets are committed."""

FAILURES_MAX = 30
"""Failures to reach the broker in a row, at least a second apart, before the service gives up."""

AT_ONCE_MAX = 50
"""Breaches that are put on record at the same time."""

_REST_S = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What is read: the log and the notices from their committed offsets, the policies from their beginning."""

    log: Intake
    notices: Intake
    policies: PolicyFollower

    def policy_of(self, agent: str) -> RoutePolicy | None:
        """The policy of an agent as it is held now; None if there is none."""
        held = self.policies.book.policies.get(agent)
        return held.value if held else None


@asynccontextmanager
async def open_service(
    it: Shell, settings: WatchSettings, sender: Sender, instruments: Instruments
) -> AsyncIterator["WatchService"]:
    """Open the readers and make the service; at the end what is still being told is left to the next start.

    Args:
        it: The service's surroundings.
        settings: Its settings.
        sender: Makes the attempts on last channels.
        instruments: What is counted.

    Raises:
        InfrastructureError: The broker cannot be reached.
    """
    policies = await it.follow_policies()
    log = await it.bus.reader([AUDIT.name], group=GROUP)
    notices = await it.bus.reader([NOTICES.name], group=GROUP)
    inbox = Inbox(Intake(log, policies, it.clock), Intake(notices, policies, it.clock), policies)
    async with asyncio.TaskGroup() as group:
        breaches = Breaches(it, sender, inbox.policy_of, instruments, group)
        try:
            yield WatchService(it, inbox, breaches, settings, instruments)
        finally:
            breaches.stop()


class WatchService:
    """Sees to it that every change in the log was told in time, or is on record as a breach.

    Args:
        it: The service's surroundings.
        inbox: What is read.
        breaches: Does what follows from a breach.
        settings: Deadline and period.
        instruments: What is counted.
    """

    def __init__(
        self, it: Shell, inbox: Inbox, breaches: Breaches, settings: WatchSettings, instruments: Instruments
    ) -> None:
        self._it = it
        self._inbox = inbox
        self._breaches = breaches
        self._period_s = settings.period / SECOND
        self._instruments = instruments
        self._watchlist = Watchlist(settings.deadline)
        self._trail = AuditTrail(changes_in)
        self._bookmark = Bookmark()
        self._committed: dict[Position, int] = {}
        self._looked_at: Micros | None = None

    def well(self, within_s: float) -> bool:
        """Whether a whole look was begun within that time, and everything that followed from it is on record."""
        now = self._it.clock.now().boot
        return self._looked_at is not None and now - self._looked_at <= within_s * SECOND

    async def run(self, stop: Stop) -> None:
        """Look once a period, until asked to stop."""
        failures = 0
        while not stop.is_set():
            try:
                await self._look()
            except InfrastructureError as error:
                failures += 1
                if failures == FAILURES_MAX:
                    raise
                _log.warning("broker_away", reason=error.message)
                self._it.readiness.set("audit", False, error.message)
                await stop.within(_REST_S)
            else:
                failures = 0
                await stop.within(self._period_s)

    async def _look(self) -> None:
        """One look at everything."""
        as_of = self._it.clock.now()
        await self._inbox.policies.catch_up()
        async for batch in self._inbox.notices.to_end():
            await self._report([found for record in batch for found in self._hear(record)])
        async for batch in self._inbox.log.to_end():
            await self._report([found for record in batch for found in self._take(record)])
            await self._judge(as_of)
        await self._judge(as_of)
        self._watchlist.forget(as_of)
        await self._commit()
        self._trail.require_whole()
        self._looked_at = as_of.boot
        self._it.readiness.set("audit", True)

    def _hear(self, record: Record) -> list[tuple[Refused, Record]]:
        """Take note of one record of the notices topic; why it does not count, if it does not.

        It counts under the last trust root that has its signer: after a restart it is read again, and its key may be gone by then.
        """
        refused: list[tuple[Refused, Record]] = []
        for root in reversed(self._inbox.policies.roots):
            opened = open_sealed(record.value, root, Notice, Breach)
            if not isinstance(opened, Refused):
                assert isinstance(opened.value, Notice | Breach)
                self._watchlist.hear(opened.value, root.version)
                return []
            refused.append((opened, record))
        return refused[:1]

    def _take(self, record: Record) -> list[tuple[Refused, Record]]:
        """Take note of the changes in one record of the log; what of it is refused."""
        now, refused = self._it.clock.now(), []
        for found in self._trail.take(record, self._inbox.policies.book.trust):
            if isinstance(found, Refused):
                refused.append((found, record))
            else:
                self._watchlist.take(found, now)
        return refused

    async def _judge(self, as_of: Reading) -> None:
        """Judge what is owed; breaches are on record afterwards."""
        overdue: list[Owed] = []
        for owed, standing in self._watchlist.judged(as_of):
            if standing is Standing.OVERDUE:
                overdue.append(owed)
                continue
            breach = self._watchlist.said(owed).breach
            if breach is not None:
                self._breaches.tell_again(owed, breach)
            self._settle(owed)
        for first in range(0, len(overdue), AT_ONCE_MAX):
            await self._record(overdue[first : first + AT_ONCE_MAX])
        self._instruments.owed(len(self._watchlist))

    async def _record(self, overdue: list[Owed]) -> None:
        """Put breaches on record, and settle those that are.

        Raises:
            InfrastructureError: One of them is not known to be on record.
        """
        records = (self._breaches.record(owed, self._watchlist.said(owed)) for owed in overdue)
        outcomes = await asyncio.gather(*records, return_exceptions=True)
        for owed, outcome in zip(overdue, outcomes, strict=True):
            if outcome is None:
                self._settle(owed)
        failures = [outcome for outcome in outcomes if outcome is not None]
        if failures:
            raise failures[0]

    def _settle(self, owed: Owed) -> None:
        self._watchlist.settle(owed.event_id)
        self._trail.finish(owed.event_id)

    async def _commit(self) -> None:
        """Commit how far the log is done with, and then the notices: never the other way round."""
        log, notices = self._inbox.log, self._inbox.notices
        done = self._trail.done()
        self._bookmark.move(notices.ends, log.ends, done)
        for reader, offsets in ((log.reader, done), (notices.reader, self._bookmark.done)):
            if any(self._committed.get(where) != offset for where, offset in offsets.items()):
                await reader.commit(offsets)
                self._committed |= offsets

    async def _report(self, refused: list[tuple[Refused, Record]]) -> None:
        for why, record in refused:
            await self._it.findings.report(why.reason, why.detail, record)
