"""A flood of telemetry: as much as a hundred busy gateways send, half of it genuine, half of it garbage.

The genuine half is signed with a gateway's real key: batches of a thousand routes each, about models that are on nobody's ladder here,
under keys of every partition. A few hundred are signed beforehand and sent again and again: a repetition costs its reader as much as
a new batch does, up to the moment at which its number is looked at.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import ClassVar, Self

from interlock.records.health import Cell, TelemetryBatch
from interlock.records.sealing import seal
from interlock.runtime.kafka_bus import KafkaBus
from interlock.signing.keys import SigningKey
from interlock.trials.drill.cast import TEMPTER
from interlock.trials.stage import Stage
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.limits import BATCH_CELLS_MAX
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import TELEMETRY

REPORTER = "gateway-2"
"""Whose key signs: a reporter like any other."""

BYTES_PER_S = 10_000_000
_SIGNED = 40
_TURN_S = 0.1
_IN_FLIGHT_MAX = 64


class Flood:
    """Sends while it is entered, at `BYTES_PER_S` as far as the brokers take it.

    Args:
        stage: Where.
        now: The time: batches end then.
        tell: Is told what happens.
    """

    LASTS_S: ClassVar[float] = 20.0

    def __init__(self, stage: Stage, now: Micros, tell: Callable[[str], None]) -> None:
        self._bus = KafkaBus(stage.broker.bootstrap, client="flood")
        self._key = stage.workspace.load_key(REPORTER)
        self._now = now
        self._tell = tell
        self._sent = 0
        self._began = self._ended = 0.0
        self._task: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        batches = await asyncio.to_thread(genuine, REPORTER, self._key, self._now)
        self._tell(f"{BYTES_PER_S // 1_000_000} MB of telemetry a second, in records of {len(batches[0]) // 1_000} kB")
        self._began = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._send(batches), name="flood")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sending."""
        assert self._task is not None, "entered"
        self._ended = self.lasted_s
        self._task.cancel()
        await asyncio.wait({self._task, *self._under_way})
        await self._bus.close()

    @property
    def lasted_s(self) -> float:
        """For how long it has been sent."""
        return self._ended or asyncio.get_running_loop().time() - self._began

    @property
    def megabytes_per_s(self) -> float:
        """How much the brokers took, on average."""
        return self._sent / 1_000_000 / self.lasted_s

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, while it is sent."""
        assert self._task is not None, "entered"
        while not holds() and not self._task.done():  # noqa: ASYNC110 - what is waited for is told by nobody
            await asyncio.sleep(_TURN_S)
        if self._task.done():
            self._task.result()

    async def _send(self, batches: list[bytes]) -> None:
        publisher = await self._bus.publisher()
        garbage = bytes(len(batches[0]))
        under_way = self._under_way
        loop = asyncio.get_running_loop()

        async def publish(number: int) -> None:
            value = batches[number // 2 % len(batches)] if number % 2 else garbage
            with suppress(InfrastructureError):  # what the brokers do not take was not sent; `megabytes_per_s` tells
                await publisher.publish(TELEMETRY.name, f"fleet-{number % 16}", value)
                self._sent += len(value)

        for number in count():
            due = self._began + number * len(garbage) / BYTES_PER_S
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            while len(under_way) >= _IN_FLIGHT_MAX:
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(publish(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)


def genuine(reporter: str, key: SigningKey, now: Micros) -> list[bytes]:
    """Batches of a reporter, each with as many routes as one may have."""
    buckets = dict.fromkeys(range(200, 212), 3)
    cells = tuple(
        Cell(f"agent-{number}", "main", "*", {"ok": 50}, buckets, buckets, {TEMPTER: 50})
        for number in range(BATCH_CELLS_MAX)
    )
    first = now // SECOND
    return [
        seal(TelemetryBatch(reporter, TEMPTER, now, now, number, cells), key)
        for number in range(first, first + _SIGNED)
    ]
