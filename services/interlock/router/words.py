"""What a router says of its work: hello, ACK and NACK, each until the broker has it.

Routing waits for no word. What is said is put down at once, and a loop beside it publishes it, a batch at a time; what the broker did not
take, or may not have, is said again, and so may come after words about other changes. Of one change the last word counts: one that a newer
word overtakes before it was sent is never sent, and none is sent while an earlier one may still be on its way.
"""

import asyncio
from dataclasses import dataclass
from itertools import islice

import structlog

from interlock.records.change import AckKind, Acknowledgement, RoutingChange
from interlock.records.sealing import seal
from interlock.router.instruments import Instruments
from interlock.runtime.bus import Publisher
from interlock.runtime.clock import Clock
from interlock.runtime.events import set_within
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

_LOOK_S = 0.25
"""How long a wish to stop may go unseen while nothing is to be said."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Word:
    said: Acknowledgement
    trace: str


class Words:
    """Says what one router did.

    Args:
        publisher: Where words go.
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
        self._unsaid: dict[bytes, _Word] = {}
        self._any = asyncio.Event()

    @property
    def unsaid(self) -> int:
        """How many words wait; those that are on their way are not among them."""
        return len(self._unsaid)

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
            del self._unsaid[next(iter(self._unsaid))]
            self._instruments.given_up()
        self._any.set()

    async def run(self, stop: Stop) -> None:
        """Publish what was said, until asked to stop."""
        while not stop.is_set():
            if not await set_within(self._any, _LOOK_S):
                continue
            if not await self._publish_some():
                await stop.within(AGAIN_S)

    async def say_the_last(self) -> None:
        """Publish what is left, in bounded time."""
        try:
            async with asyncio.timeout(LAST_S):
                while self._unsaid and await self._publish_some():
                    pass
        except TimeoutError:
            _log.warning("acknowledgements_left", left=len(self._unsaid))

    async def _publish_some(self) -> bool:
        """Publish the oldest words; whether all of them were taken. What was not is put back before the others."""
        batch = dict(islice(self._unsaid.items(), AT_ONCE))
        for about in batch:
            del self._unsaid[about]
        taken = await asyncio.gather(*(self._publish(word) for word in batch.values()))
        again = [about for about, done in zip(batch, taken, strict=True) if not done]
        if again:
            left = {about: batch[about] for about in again}
            self._unsaid = left | self._unsaid  # where there is a newer word, that one
        if not self._unsaid:
            self._any.clear()
        self._instruments.unsaid(len(self._unsaid))
        return not again

    async def _publish(self, word: _Word) -> bool:
        said, tracing = word.said, self._tracing if word.trace else UNTRACED
        told = {"interlock.acknowledgement": str(said.kind), CHANGE: said.change_id, REASON: said.reason}
        try:
            with tracing.send(ACKS.name, word.trace, told) as span:
                await self._publisher.publish(ACKS.name, self._router, seal(said, self._key), trace=span.trace)
        except InfrastructureError as error:
            _log.warning("acknowledgement_unsaid", kind=str(said.kind), change=said.change_id, error=error.message)
            return False
        return True
