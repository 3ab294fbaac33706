"""A router that begins with many routes, in a process of its own.

It tells how long it took until every lease lived, what it then held in memory, and how quickly it answers.

    python -m interlock.trials.bench.router.started FOLDER ROUTES MADE_AT

The process reads the records into a broker of its own; then the router's own subscriber reads them, its marks on disk, while every
shard beats once a second. Whoever reads gets bytes of his own, as from a network. Its acknowledgements go to the same broker.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from interlock.router.answers import Serve, Stop
from interlock.router.core.resolve import resolve
from interlock.router.core.state import RouterState
from interlock.router.marks_file import MarksFile
from interlock.router.subscriber import Subscriber
from interlock.router.subscribing import open_subscriber
from interlock.runtime import logs
from interlock.runtime.bus import Position
from interlock.runtime.clock import SystemClock
from interlock.runtime.health_server import Readiness
from interlock.runtime.lifecycle import Stop as StopRequest
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.testing.builders import Deployment
from interlock.testing.in_memory import shell
from interlock.testing.router_driver import TERMS
from interlock.trials.bench import recorded
from interlock.trials.bench.fleet import deployment_of
from interlock.trials.bench.restarted import NetworkBroker, resident_bytes
from interlock.trials.bench.router.fleet import CANARY, PRIMARY, STOPPED, heartbeat, kind_of, route_of
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import RouteId, digest
from interlock.vocabulary.time import SECOND, Micros, Reading
from interlock.wire.topics import ACKS, HEARTBEATS

ROUTER = "gateway-1"
_LOOK_S = 0.02
_AT_ONCE = 50
"""Calls between two looks at the clock, so that looking costs little of what is measured."""


class _Start:
    """One start: the subscriber, and who beats.

    Attributes:
        lived: When every lease lived; nobody beats any more afterwards.
    """

    lived: Reading

    def __init__(self, deployment: Deployment, broker: MemoryBroker, heads: tuple[bytes, list[bytes]]) -> None:
        self._deployment = deployment
        self._broker = broker
        self._heads = heads
        self._clock = SystemClock()
        self._readiness = Readiness("lease")

    async def run(self, marks: MarksFile) -> tuple[RouterState, dict[str, Any]]:
        """Start, and stop once every lease lives; what is held then, and the figures."""
        gc.collect()
        before, begun, used = resident_bytes(), self._clock.now().boot, time.process_time()
        async with shell(MemoryBus(self._broker), ROUTER, self._deployment, self._clock) as it:
            subscriber = await open_subscriber(replace(it, readiness=self._readiness), marks, TERMS)
            figures = await self._follow(subscriber, begun, used)
        gc.collect()
        return subscriber.state, {**figures, "bytes": resident_bytes() - before}

    async def _follow(self, subscriber: Subscriber, begun: Micros, used: float) -> dict[str, Any]:
        """Let it follow until every lease lives, and then until it has said of each route that it does as ordered.

        Returns:
            The seconds since it began, of the clock and of the processor, when every lease lived; the seconds, of the clock, when it had
            said all; and how many acknowledgements there are.
        """
        stop = StopRequest()
        beating = asyncio.create_task(self._beat())
        following = asyncio.create_task(subscriber.run(stop))
        await _until(lambda: self._readiness.ready, following)
        self.lived = self._clock.now()
        seconds, cpu_s = (self.lived.boot - begun) / SECOND, time.process_time() - used
        await _until(lambda: self._said() > len(subscriber.state.held), following)
        said_s = (self._clock.now().boot - begun) / SECOND
        beating.cancel()
        stop.request()
        await following
        return {"seconds": seconds, "cpu_s": cpu_s, "said_s": said_s, "acknowledgements": self._said()}

    def _said(self) -> int:
        return sum(self._broker.end(Position(ACKS.name, each)) for each in range(ACKS.partitions))

    async def _beat(self) -> None:
        policies, routes = self._heads
        beat = 0
        while True:
            beat += 1
            for shard, head in enumerate(routes):
                said = heartbeat(self._deployment, shard, beat, self._clock.now().wall, (policies, head))
                self._broker.append(Position(HEARTBEATS.name, shard), str(shard).encode(), said)
            await asyncio.sleep(1.0)


async def _until(condition: Callable[[], bool], following: "asyncio.Task[None]") -> None:
    while not condition() and not following.done():  # noqa: ASYNC110 - the subscriber tells nobody
        await asyncio.sleep(_LOOK_S)


def answering(state: RouterState, now: Reading) -> dict[str, float]:
    """How long `resolve` takes, microseconds: the first time that each route is asked for, and afterwards; by what was ordered, too.

    Medians over all routes, in an order of no meaning.

    Raises:
        InvariantError: A route is not answered as it was ordered.
    """
    routes = {kind: list[RouteId]() for kind in (PRIMARY, CANARY, STOPPED)}
    for number in range(len(state.held)):
        routes[kind_of(number)].append(route_of(number))
    for kind, of_kind in routes.items():
        for route in of_kind[:_AT_ONCE]:
            _check(kind, resolve(state, route, "conversation-1", now))
    every = [route for of_kind in routes.values() for route in of_kind]
    gc.collect()
    gc.disable()
    try:
        first = _us(state, every, now)
        return {
            "first": first,
            "all": _us(state, every, now),
            **{kind: _us(state, of_kind, now) for kind, of_kind in routes.items()},
        }
    finally:
        gc.enable()


def _check(kind: str, answer: Serve | Stop) -> None:
    as_ordered = {
        PRIMARY: isinstance(answer, Serve) and not answer.canary,
        CANARY: isinstance(answer, Serve) and bool(answer.canary),
        STOPPED: isinstance(answer, Stop) and bool(answer.change_id),
    }
    if not as_ordered[kind]:
        raise InvariantError(f"A route of the bench is answered with {answer}.", "Report it as a bug.")


def _us(state: RouterState, routes: Sequence[RouteId], now: Reading) -> float:
    drawn, times = sorted(routes, key=lambda route: digest(route.key.encode())), []
    for place in range(0, len(drawn), _AT_ONCE):
        some = drawn[place : place + _AT_ONCE]
        begun = time.thread_time_ns()
        for route in some:
            resolve(state, route, "conversation-1", now)
        times.append((time.thread_time_ns() - begun) / len(some))
    return median(times) / 1_000


def main(folder: str, routes: str, made_at: str) -> None:
    """Start with what a folder holds: `records`, and the `heads` over them."""
    logs.configure("bench", level="error")
    deployment = deployment_of(int(routes), Micros(int(made_at)))
    broker = recorded.read(Path(folder) / "records", NetworkBroker())
    said = json.loads((Path(folder) / "heads").read_text("utf-8"))
    heads = bytes.fromhex(said["policies"]), [bytes.fromhex(head) for head in said["routes"]]
    with closing(MarksFile(Path(folder) / "marks.sqlite")) as marks:
        start = _Start(deployment, broker, heads)
        state, figures = asyncio.run(start.run(marks))
    resolved = answering(state, start.lived)
    sys.stdout.write(json.dumps({**figures, "held": len(state.held), "resolve_us": resolved}))


if __name__ == "__main__":
    main(*sys.argv[1:])
