"""The probe's loop: every model of the policies, once an interval. The telemetry goes out beside it."""

import asyncio
from collections.abc import Collection

from interlock.health_monitor.probe.core import due, models_in
from interlock.health_monitor.probe.prober import Prober
from interlock.runtime.clock import Clock
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop
from interlock.runtime.policy_follower import PolicyFollower
from interlock.vocabulary.time import Micros

TICK_S = 0.02
"""How precisely a model is called at its place in the interval."""


class ProbeService:
    """Probes what is due.

    Args:
        prober: Makes the probes.
        policies: Keeps the book.
        clock: Says what is due.
        readiness: Told whether every credential is there.
        interval: How often each model is called, in microseconds.
    """

    def __init__(
        self, prober: Prober, policies: PolicyFollower, clock: Clock, readiness: Readiness, interval: Micros
    ) -> None:
        self._prober = prober
        self._policies = policies
        self._clock = clock
        self._readiness = readiness
        self._interval = interval

    async def run(self, stop: Stop) -> None:
        """Probe, until asked to stop; calls in hand are then broken off and not reported."""
        last = self._clock.now().boot
        probes: set[asyncio.Task[None]] = set()
        try:
            while not await stop.within(TICK_S):
                now = self._clock.now().boot
                models = models_in(self._policies.book)
                for name in due(models, last, now, self._interval):
                    probes.add(asyncio.create_task(self._prober.probe(models[name]), name=f"probe-{name}"))
                last = now
                probes -= await _ended(probes)
                self._tell(models)
        finally:
            for probe in probes:
                probe.cancel()
            await asyncio.gather(*probes, return_exceptions=True)

    def _tell(self, models: Collection[str]) -> None:
        lacking = sorted(self._prober.lacking.intersection(models))
        self._readiness.set("credentials", not lacking, f"none for {', '.join(lacking)}" if lacking else "")


async def _ended(probes: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """The probes that are over. One that failed by our own fault fails the service."""
    ended = {probe for probe in probes if probe.done()}
    await asyncio.gather(*ended)
    return ended
