"""What a router says of its work: hello, ACK and NACK, each until the broker has it.

Routing waits for no word. What is said is put down at once, and a loop beside it publishes it, a batch at a time; what the broker did not
take, or may not have, is said again, and so may come after words about other changes. Of one change the last word counts: one that a newer
word overtakes before it was sent is never sent, and none is sent before the outcome of an earlier one is known, or given up as unknown: only
in that case can a broker that stood still append the older one last.

Words have a publisher of their own: one whose producer is stuck on the topic of acknowledgements would keep tickets and findings waiting.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice

import structlog

from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.sealing import seal
from interlock.router.instruments import Instruments
from interlock.runtime.bus import Publisher
from interlock.runtime.clock import Clock
from interlock.runtime.lifecycle import Stop
from interlock.runtime.tracing import CHANGE, REASON, UNTRACED, Tracing
from interlock.signing.keys import SigningKey
from interlock.signing.verifier import Verified
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.limits import TEXT_CHARS_MAX
from interlock.wire.topics import ACKS
from interlock.wire.trace import NO_TRACE

AT_ONCE = 100
"""Words signed and sent side by side: some ten milliseconds, in which nobody else gets a turn."""

AGAIN_S = 1.0
"""How long to wait after a failure: the broker has other worries than our words."""

KEPT_MAX = 200_000
"""Words that wait at most, twice as many as a router has routes; then the oldest is given up, and counted."""

LAST_S = 1.0
"""How long a router that stops tries to say what is left; its next start says again what it holds."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Word:
    said: Acknowledgement
    trace: str


class Words:
    """Says what one router did.

    Args:
        publisher: Where words go; nobody else's.
        router: Who says them: the owner of the key.
        key: The router's key.
        clock: Civil time.
        instruments: Where those that wait, and those that were given up, are counted.
        tracing: Makes the spans.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one place wires it
        self,
        publisher: Publisher,
        router: str,
        key: SigningKey,
        clock: Clock,
        instruments: Instruments,
        tracing: Tracing = UNTRACED,
    ) -> None:
        self._publisher = publisher
        self._router = router
        self._key = key
        self._clock = clock
        self._instruments = instruments
        self._tracing = tracing
        self._unsaid = OrderedDict[bytes, _Word]()
        self._any = asyncio.Event()

    def say(
        self, kind: AckKind, change: Verified[RoutingChange] | None, reason: str = "", *, trace: str = NO_TRACE
    ) -> None:
        """Put a word down, to be said soon. Never waits, never raises.

        Args:
            kind: What it says.
            change: Of which change; None: hello.
            reason: Why, of a NACK.
            trace: The story that it belongs to; without one it gets no span, or after a start each route would have one.
        """
        about = (change.value.id[:TEXT_CHARS_MAX], change.event_id) if change else ("", b"")
        word = Acknowledgement(self._router, kind, *about, reason, self._clock.now().wall)
        self._unsaid[word.event_id] = _Word(word, trace)
        if len(self._unsaid) > KEPT_MAX:
            self._unsaid.popitem(last=False)
            self._instruments.given_up()
        self._instruments.unsaid(len(self._unsaid))
        self._any.set()

    async def run(self, stop: Stop) -> None:
        """Publish what was said, until asked to stop; a batch that is on its way then is let go."""
        saying, stopping = asyncio.create_task(self._go_on()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({saying, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if saying.done():
                await saying  # it never ends by itself: this raises
        finally:
            saying.cancel()
            stopping.cancel()
            await asyncio.gather(saying, stopping, return_exceptions=True)

    async def say_the_last(self) -> None:
        """Publish what is left, in bounded time."""
        try:
            async with asyncio.timeout(LAST_S):
                while self._unsaid and await self._publish_some():
                    pass
        except TimeoutError:
            pass
        if self._unsaid:
            _log.warning("acknowledgements_left", left=len(self._unsaid))

    async def _go_on(self) -> None:
        while True:
            await self._any.wait()
            if not await self._publish_some():
                await asyncio.sleep(AGAIN_S)

    async def _publish_some(self) -> bool:
        """Publish the oldest words, side by side; whether all of them were taken."""
        batch = list(islice(self._unsaid.items(), AT_ONCE))
        failures = [fault for fault in await asyncio.gather(*(self._publish(*each) for each in batch)) if fault]
        if failures:
            _log.warning("acknowledgements_unsaid", failed=len(failures), waiting=len(self._unsaid), error=failures[0])
        if not self._unsaid:
            self._any.clear()
        self._instruments.unsaid(len(self._unsaid))
        return not failures

    async def _publish(self, about: bytes, word: _Word) -> str:
        """Publish one word, and forget it unless there is a newer one; why it could not be."""
        said = word.said
        told = {"interlock.acknowledgement": str(said.kind), CHANGE: said.change_id, REASON: said.reason}
        try:
            with self._tracing.of(word.trace).send(ACKS.name, word.trace, told) as span:
                await self._publisher.publish(ACKS.name, self._router, seal(said, self._key), trace=span.trace)
        except InfrastructureError as error:
            return error.message
        if self._unsaid.get(about) is word:
            del self._unsaid[about]
        return ""
