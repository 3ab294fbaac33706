"""Does what follows from a breach: the order to suspend, the record, the finding, and the last channel's message.

The record comes after the order, so what is on record as a breach is stopped, too, where policy asks for it. The last channel is told
besides, and not waited for: it is tried at the times `TRIES_S`, and again after a restart while the breach is younger than the last of
them; its receiver knows a repetition by its id.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import structlog

from interlock.records.documents import RoutePolicy, Webhook
from interlock.records.sealing import seal
from interlock.records.telling import Breach
from interlock.reporting.shell import Shell
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.watch.consequences import breach_of, message_id, message_of, suspension_of
from interlock.watch.core import Owed, Said
from interlock.watch.instruments import Instruments
from interlock.wire.topics import COMMANDS, NOTICES

TRIES_S = (0, 2, 5, 10, 20, 40, 60, *range(120, 601, 60))
"""When the last channel is tried, in seconds after the breach: dense at first, since most failures are short."""

TURNS_PER_CHANNEL = 8
"""Attempts under way on one address: a storm of breaches is not to become one of ours."""

_log = structlog.get_logger(__name__)


class Sender(Protocol):
    """Makes one attempt; `last_channel.LastChannel` does it over HTTP."""

    async def send(self, to: Webhook, message_id: str, body: bytes, now: Micros) -> str:
        """Send the body; what went wrong, empty if it was accepted."""
        ...


class Breaches:
    """Puts breaches on record, and tells of them.

    Args:
        it: The service's surroundings.
        sender: Makes the attempts on last channels.
        policy_of: The policy of an agent as it is held now; None if there is none.
        instruments: What is counted.
        group: Where the tellings run.
    """

    def __init__(
        self,
        it: Shell,
        sender: Sender,
        policy_of: Callable[[str], RoutePolicy | None],
        instruments: Instruments,
        group: asyncio.TaskGroup,
    ) -> None:
        self._it = it
        self._sender = sender
        self._policy_of = policy_of
        self._instruments = instruments
        self._group = group
        self._begun: set[bytes] = set()
        self._tellings: set[asyncio.Task[None]] = set()
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(TURNS_PER_CHANNEL))

    async def record(self, owed: Owed, said: Said) -> None:
        """Put a breach on record, and everything that follows from it on its way. May be tried again.

        Raises:
            InfrastructureError: It is not known to be on record.
        """
        it, policy = self._it, self._policy_of(owed.agent)
        breach = breach_of(owed, said, policy, by=it.owner, now=it.clock.now().wall)
        self._tell(owed, breach)
        if breach.suspends:
            await it.publisher.publish(COMMANDS.name, owed.agent, seal(suspension_of(owed), it.key))
        key = (owed.id or owed.route)[:TEXT_CHARS_MAX]  # who can sign a change may give it any name
        await it.publisher.publish(NOTICES.name, key, seal(breach, it.key))
        self._begun.discard(owed.event_id)
        self._instruments.breached()
        await it.findings.report(Reason.NOTICE_OVERDUE, f"{owed.id}: {breach.detail}")

    def tell_again(self, owed: Owed, breach: Breach) -> None:
        """Tell of a breach that stands on record, unless so long ago that its last try is over."""
        if self._it.clock.now().wall - breach.at <= TRIES_S[-1] * SECOND:
            self._tell(owed, breach)
        self._begun.discard(owed.event_id)

    def stop(self) -> None:
        """Leave what is under way to the next start."""
        for telling in self._tellings:
            telling.cancel()

    def _tell(self, owed: Owed, breach: Breach) -> None:
        if owed.event_id not in self._begun:  # the record may be tried again; its telling goes on meanwhile
            self._begun.add(owed.event_id)
            telling = self._group.create_task(self._try(owed, breach))
            self._tellings.add(telling)
            telling.add_done_callback(self._tellings.discard)

    async def _try(self, owed: Owed, breach: Breach) -> None:
        """Tell the last channel of the agent's policy, which may change meanwhile, until it accepts."""
        body, fault = message_of(owed, breach), ""
        for pause in (after - before for before, after in pairwise((0, *TRIES_S))):
            await asyncio.sleep(pause)
            policy = self._policy_of(owed.agent)
            to = policy.last_channel if policy else None
            if to is None:
                return
            async with self._turns[to.url]:
                fault = await self._sender.send(to, message_id(owed), body, self._it.clock.now().wall)
            self._instruments.told(accepted=not fault)
            _log.info("last_channel", change=owed.id, fault=fault)
            if not fault:
                return
        await self._it.findings.report(Reason.LAST_CHANNEL_SILENT, f"{owed.id}: {fault}")
