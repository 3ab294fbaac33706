"""The sending side of a guard: a guardrail or verification tool tells, once a second, that it works.

    bus = KafkaBus(bootstrap)
    pulse = GuardPulse(await bus.publisher(), "pii-filter", load_key(path), SystemClock())
    await pulse.run(stop)

A pulse that goes on beside a guard that hangs is worse than none. So `run` belongs into the guard's own event loop; a guard that
works elsewhere calls `beat` after each time that it has tried itself out.

A beat that could not be published is not sent again: the next one says more. It is logged, and never harms the guard.
"""

import structlog

from interlock.records.health import GuardBeat
from interlock.records.sealing import seal
from interlock.runtime.bus import Publisher
from interlock.runtime.clock import Clock
from interlock.runtime.lifecycle import Stop
from interlock.signing.keys import SigningKey
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.limits import GUARD_BEAT_US
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import TELEMETRY

_log = structlog.get_logger(__name__)


class GuardPulse:
    """Beats for one guard.

    Args:
        publisher: Where beats go.
        guard: The guard's name: in the policies that require it, and as owner of its key in the trust root.
        key: Its key, with the role guard.
        clock: Civil time.
    """

    def __init__(self, publisher: Publisher, guard: str, key: SigningKey, clock: Clock) -> None:
        self._publisher = publisher
        self._guard = guard
        self._key = key
        self._clock = clock

    async def run(self, stop: Stop) -> None:
        """Beat, until asked to stop."""
        while not stop.is_set():
            await self.beat()
            await stop.within(GUARD_BEAT_US / SECOND)

    async def beat(self) -> bool:
        """Say once that the guard works; whether that was heard. Never raises for want of a broker."""
        beat = GuardBeat(self._guard, self._clock.now().wall)
        try:
            await self._publisher.publish(TELEMETRY.name, self._guard, seal(beat, self._key))
        except InfrastructureError as error:
            _log.warning("beat_unpublished", guard=self._guard, error=error.message)
            return False
        return True
