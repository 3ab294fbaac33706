"""A proxy before a real broker that tells lies to whoever reaches the broker through it.

The broker has a second listener whose advertised address is the proxy's (`behind`), so its own answers send clients here, and need not be
touched. Requests are passed on as they came, and so are answers, but for those to Fetch and ListOffsets while lies are told.

    async with LyingProxy(port, to=broker_port) as proxy:
        proxy.lies = [Withhold(Which(POLICIES.name, key="deny/"))]
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from interlock.brokers.nodes import prepare
from interlock.brokers.real import KafkaCluster
from interlock.runtime.bus import Position
from interlock.runtime.clock import SystemClock
from interlock.testing.lying.frames import Asked, Part, asked, closed, ends, opened
from interlock.testing.lying.lies import Lie
from interlock.testing.lying.told import Remembered, Told, Truth, dropped, dumb, silent, tell

_NOTHING_NEW_S = 0.1
"""How long an answer waits that holds back what there is: its client asks again at once."""

_FRAME_BYTES_MAX = 256 * 1024 * 1024


def behind(data_dir: Path, proxy: int, listener: int) -> KafkaCluster:
    """A broker, not started yet, that whoever reaches it at `listener` takes for the proxy; others reach it as usual.

    Args:
        data_dir: Where its records, settings and log are.
        proxy: The proxy's port.
        listener: The port of the second listener.
    """
    (node,) = prepare(data_dir, brokers=1, port=None)
    path = node.folder / "server.properties"
    lines = dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
    lines["listeners"] += f",PROXIED://127.0.0.1:{listener}"
    lines["advertised.listeners"] += f",PROXIED://127.0.0.1:{proxy}"
    lines["listener.security.protocol.map"] += ",PROXIED:PLAINTEXT"
    path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")
    return KafkaCluster([node])


class LyingProxy:
    """Listens on loopback while it is entered.

    Args:
        port: Where.
        to: The port of the broker's second listener.

    Attributes:
        lies: What is told instead of the truth; may be changed at any time.
        edited: How many answers were not the broker's.
        failures: What went wrong in the proxy itself: a test must see that there is none.
    """

    def __init__(self, port: int, *, to: int) -> None:
        self.edited = 0
        self._lies: Sequence[Lie] = ()
        self._changed = asyncio.Event()
        self.failures: list[BaseException] = []
        self._port = port
        self._to = to
        self._clock = SystemClock()
        self._seen: dict[Position, Remembered] = {}
        self._ends: dict[Position, int] = {}
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def lies(self) -> Sequence[Lie]:
        """What is told instead of the truth."""
        return self._lies

    @lies.setter
    def lies(self, lies: Sequence[Lie]) -> None:
        self._lies = lies
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _accept(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if not dropped(self.lies):
                await self._serve(client, answers)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two has gone
        except asyncio.CancelledError:
            pass  # the proxy ends; asyncio's server would log it
        except Exception as error:  # noqa: BLE001  a test looks at `failures`
            self.failures.append(error)
        finally:
            self._connections.discard(task)
            answers.close()

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """One connection, until either side or a lie ends it."""
        broker, requests = await asyncio.open_connection("127.0.0.1", self._to)
        under_way: dict[int, Asked] = {}
        loops = [
            asyncio.create_task(self._requests(client, requests, under_way)),
            asyncio.create_task(self._answers(broker, answers, under_way)),
            asyncio.create_task(self._until(dropped)),
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in done:
                loop.result()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            requests.close()

    async def _until(self, holds: Callable[[Sequence[Lie]], bool]) -> None:
        """Wait until something holds of the lies."""
        while not holds(self.lies):
            await self._changed.wait()

    async def _requests(
        self, client: asyncio.StreamReader, broker: asyncio.StreamWriter, under_way: dict[int, Asked]
    ) -> None:
        async for frame in _frames(client):
            correlation, request = asked(frame)
            if request is not None:
                under_way[correlation] = request
            await _send(broker, frame)

    async def _answers(
        self, broker: asyncio.StreamReader, client: asyncio.StreamWriter, under_way: dict[int, Asked]
    ) -> None:
        async for frame in _frames(broker):
            request = under_way.pop(int.from_bytes(frame[:4], "big", signed=True), None)
            told = frame if request is None else await self._told(frame, request)
            await self._until(lambda lies: not dumb(lies))
            await _send(client, told)

    async def _told(self, frame: bytes, request: Asked) -> bytes:
        answer, parts = opened(frame, request)
        change: Callable[[Part, Asked], Part] = self._fetched if request.fetches else self._ended
        said = [change(part, request) for part in parts if not silent(self.lies, part.where)]
        if said == parts or not self.lies:
            return frame
        self.edited += 1
        if request.fetches and not any(part.fields[-1] or part.fields[1] for part in said):
            await asyncio.sleep(max(request.wait_s, _NOTHING_NEW_S))
        return closed(frame, answer, said)

    def _fetched(self, part: Part, request: Asked) -> Part:
        """What is told of a partition's records."""
        position, seen = request.positions[part.where], self._seen.setdefault(part.where, Remembered())
        if part.fields[1]:
            return part
        records = part.records(position)
        seen.note(records)
        truth = Truth(part.where, records, part.end)
        honest = tell((), truth, position, self._clock.now().wall, seen)
        told = tell(self.lies, truth, position, self._clock.now().wall, seen)
        self._ends[part.where] = told.end
        if told == honest:
            return part
        return _part(part, told, position)

    def _ended(self, part: Part, request: Asked) -> Part:
        """What is told of a partition's end, to who asks for that alone: what the last fetch was told, if it was a lie."""
        if part not in ends([part], request) or not self.lies:
            return part
        truth = Truth(part.where, (), int(part.fields[-1]))
        told = tell(self.lies, truth, 0, self._clock.now().wall, Remembered())
        end = min(told.end, self._ends.get(part.where, told.end)) if told.end <= truth.end else told.end
        return replace(part, fields=(*part.fields[:-1], end))


def _part(part: Part, told: Told, position: int) -> Part:
    if told.out_of_range:
        return part.refused(told.end)
    return part.holding(told.records, position, told.position, told.end)


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Whole requests, or whole answers, without their lengths; until the other side is gone."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            size = int.from_bytes(await reader.readexactly(4), "big")
            if size > _FRAME_BYTES_MAX:
                raise ConnectionError(f"a frame of {size} bytes")
            yield await reader.readexactly(size)


async def _send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(len(frame).to_bytes(4, "big") + frame)
    await writer.drain()
