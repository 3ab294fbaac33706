"""Bare hops: processes that hand a record on with aiokafka and nothing else, each with a topic of its own.

There are three of them in a row. A record says how many it goes through, so that two hops and three are measured with the same ones.
The records are as large as Interlock's own on the same way.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it has no __all__

from interlock.runtime.clock import SystemClock
from interlock.testing.timed.notes import NoteReader
from interlock.trials.bench.reaction.relay import ARRIVED, READY
from interlock.trials.processes import die_with_parent, inherited
from interlock.vocabulary.errors import InfrastructureError
from interlock.vocabulary.time import Micros

HOPS = 3
LOOK_S = 0.002
"""How often the notes are looked at: they bear their own times, so that this delays nothing that is measured."""

_ANSWER_S_MAX = 60.0
_SERVERS_DEFAULT = -1


class BareHops:
    """The relays, ready to be used. Made by `open`."""

    def __init__(self, producer: AIOKafkaProducer, topics: Sequence[str], readers: Sequence[NoteReader]) -> None:
        self._producer = producer
        self._topics = topics
        self._readers = readers
        self._clock = SystemClock()
        self._number = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, bootstrap: str, folder: Path, sizes: Sequence[int]) -> AsyncIterator[Self]:
        """Make the topics, start a process for each hop, and stop and remove all of it at the end.

        Args:
            bootstrap: Kafka bootstrap servers.
            folder: Where the notes go.
            sizes: What the relays append: bytes of a record, after the first hop and after the second.
        """
        topics = [f"interlock-bench-{secrets.token_hex(4)}-{number}" for number in range(HOPS)]
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        made = admin.create_topics([NewTopic(topic, 1, _SERVERS_DEFAULT) for topic in topics])
        await asyncio.gather(*(asyncio.to_thread(each.result, _ANSWER_S_MAX) for each in made.values()))
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
        relays: list[asyncio.subprocess.Process] = []
        try:
            await producer.start()
            notes = [folder / f"hop-{number}" for number in range(HOPS)]
            sinks = [(topics[1], str(sizes[0])), (topics[2], str(sizes[1])), ()]
            for topic, path, sink in zip(topics, notes, sinks, strict=True):
                relays.append(await _spawn(bootstrap, topic, str(path), *sink))
            hops = cls(producer, topics, [NoteReader(path) for path in notes])
            for reader in hops._readers:
                await hops._noted(reader, READY)
            yield hops
        finally:
            for relay in relays:
                relay.kill()
            await asyncio.gather(*(relay.wait() for relay in relays))
            await producer.stop()
            admin.delete_topics(list(topics))

    async def pass_on(self, hops: int, size: int) -> Micros:
        """Send a record through so many hops; how long it took from the call to its arrival in the last process."""
        self._number += 1
        sent = self._clock.now().boot
        await self._producer.send_and_wait(self._topics[0], bytes(size), key=f"{hops}/{self._number}".encode())
        return Micros(await self._noted(self._readers[hops - 1], ARRIVED, str(self._number)) - sent)

    async def _noted(self, reader: NoteReader, what: str, about: str = "") -> Micros:
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                while True:
                    for note in reader.news():
                        if note.what == what and about in {"", note.about}:
                            return note.at
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise InfrastructureError(
                f"A bare record was not handed on within {_ANSWER_S_MAX:g} s.", "Look at the broker's log."
            ) from None


async def _spawn(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "interlock.trials.bench.reaction.relay",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        env=inherited(),
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
