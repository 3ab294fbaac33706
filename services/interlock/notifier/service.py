"""The notifier's loop: follow the audit log, start a telling for all that is news, commit what is done.

The order of reading is what makes it right:

1. First the policies to their end, then the notices to theirs, then the audit log from the committed claim.
2. After each batch of the audit log, and before it is judged, the policies are read to their end again: what decision knew when
   it wrote the batch (a new trust root, a new policy) is then known here too.
3. An offset is committed when all news below it is finished, and finished means: on the notices topic.

While the broker is away nothing new is read, but the tellings under way go on. After `FAILURES_MAX` failures in a row the
service ends, and whoever started it starts it anew.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from interlock.notifier.core import Progress
from interlock.notifier.instruments import Instruments
from interlock.notifier.news import News, news_in
from interlock.notifier.receipts import Receipts
from interlock.notifier.telling import Office, Sender, Telling
from interlock.records.documents import RoutePolicy
from interlock.reporting.shell import Shell
from interlock.runtime.audit_trail import AuditTrail
from interlock.runtime.bus import Position, Reader, Record
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.runtime.policy_follower import PolicyFollower
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import InfrastructureError, PeerError
from interlock.vocabulary.time import NEVER, SECOND
from interlock.wire.topics import AUDIT, NOTICES

GROUP = "interlock-notifier"
"""The group under which offsets of the audit log are committed."""

PENDING_MAX = 10_000
"""News on its way at once. With more, reading pauses: the log keeps what was not read."""

FAILURES_MAX = 30
"""Failures to reach the broker in a row, about a second apart, before the service gives up."""

FINISH_S_MAX = 6.0
"""How long attempts in hand may take once a stop was asked for: less than `lifecycle.SHUTDOWN_S_MAX`."""

_REST_S = 1.0
_HEARD_WITHIN_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What is read.

    Attributes:
        audit: The audit log, every partition, from the committed offsets.
        notices: The notices topic, from its beginning.
        policies: Keeps the book.
    """

    audit: Reader
    notices: Reader
    policies: PolicyFollower


async def open_service(it: Shell, sender: Sender, stop: Stop) -> "NotifierService":
    """Open the readers and make the service.

    Args:
        it: The service's surroundings.
        sender: Makes the attempts.
        stop: Nothing new is begun once it is requested.

    Raises:
        InfrastructureError: The broker cannot be reached.
    """
    policies = await it.follow_policies()

    def policy_of(agent: str) -> RoutePolicy | None:
        held = policies.book.policies.get(agent)
        return held.value if held else None

    inbox = Inbox(await it.bus.reader([AUDIT.name], group=GROUP), await it.bus.reader([NOTICES.name]), policies)
    instruments = Instruments(it.metrics)
    office = Office(
        sender, it.publisher, it.key, it.clock, stop, it.findings, instruments, policy_of, tracing=it.tracing
    )
    return NotifierService(inbox, office, it.readiness)


class NotifierService:
    """Tells of every change and every overdue review in the audit log.

    Args:
        inbox: What is read.
        office: What telling works with.
        readiness: Told when everything was read once, and when the broker is away.
    """

    def __init__(self, inbox: Inbox, office: Office, readiness: Readiness) -> None:
        self._inbox = inbox
        self._office = office
        self._readiness = readiness
        self._trail = AuditTrail(news_in)
        self._receipts = Receipts()
        self._in_hand: deque[Record] = deque()
        self._committed: dict[Position, int] = {}
        self._policies_read_at = NEVER

    async def run(self) -> None:
        """Tell, until asked to stop; attempts in hand are then finished."""
        self._readiness.set("audit", False, "the log has not been read to its end yet")
        await self._inbox.policies.catch_up()
        await self._read_receipts()
        async with asyncio.TaskGroup() as group:
            tellings = _Tellings(group)
            failures = 0
            while not self._office.stop.is_set():
                try:
                    await self._turn(tellings)
                    failures = 0
                except InfrastructureError as error:
                    failures += 1
                    if failures == FAILURES_MAX:
                        raise
                    await self._rest(error)
            await tellings.finish()
        with suppress(InfrastructureError):  # what is not committed is read again, and was told already
            await self._commit()

    async def _turn(self, tellings: "_Tellings") -> None:
        """Read some, start what is new, commit what is done."""
        if self._trail.pending >= PENDING_MAX:
            await self._office.stop.within(_REST_S)
        elif not self._in_hand:
            self._in_hand.extend(await self._inbox.audit.batch())
        await self._read_policies()
        while self._in_hand:
            self._take(self._in_hand.popleft(), tellings)
        await self._commit()
        await self._require_whole(tellings)
        self._office.instruments.pending(self._trail.pending)
        self._tell_readiness()

    async def _require_whole(self, tellings: "_Tellings") -> None:
        """End the service where a step of the log was left out: what was not read is read only by who starts again."""
        try:
            self._trail.require_whole()
        except PeerError:
            await tellings.finish()
            raise

    async def _read_policies(self) -> None:
        """Read the policies to their end: before anything in hand is judged, and now and then."""
        now = self._office.clock.now().boot
        if self._in_hand or now - self._policies_read_at >= SECOND:
            await self._inbox.policies.catch_up()
            self._policies_read_at = now

    def _take(self, record: Record, tellings: "_Tellings") -> None:
        for found in self._trail.take(record, self._inbox.policies.book.trust):
            if isinstance(found, Refused):
                tellings.start(self._report(found, record))
            else:
                known = self._receipts.claim(found.event_id, found.root_version)
                tellings.start(self._tell(found, known, record.trace))

    async def _tell(self, news: News, known: Mapping[str, Progress], trace: str) -> None:
        if await Telling(self._office, news, known, trace).run():
            self._trail.finish(news.event_id)

    async def _report(self, refused: Refused, record: Record) -> None:
        await self._office.findings.report(refused.reason, refused.detail, record)

    async def _read_receipts(self) -> None:
        for record in await self._inbox.notices.read_to_end():
            refused = self._receipts.take(record.value, self._inbox.policies.roots)
            if refused is not None:
                await self._report(refused, record)
        await self._inbox.notices.close()

    async def _commit(self) -> None:
        done = self._trail.done()
        if done != self._committed:
            await self._inbox.audit.commit(done)
            self._committed = done

    def _tell_readiness(self) -> None:
        at_end = self._inbox.audit.at_end(_HEARD_WITHIN_S)
        if at_end:
            self._receipts.clear()
        self._readiness.set("audit", at_end, "" if at_end else "there is more in the log, or the broker is silent")

    async def _rest(self, error: InfrastructureError) -> None:
        _log.warning("broker_away", reason=error.message)
        self._readiness.set("audit", False, error.message)
        await self._office.stop.within(_REST_S)


class _Tellings:
    """The tellings under way."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, telling: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(telling)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for the attempts in hand, within bounds; one that is cut off is made again after the restart."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=FINISH_S_MAX)
            for task in late:
                task.cancel()
