"""Publishing many records at once: each is on its way before the one before it is acknowledged."""

import asyncio
from collections.abc import Iterable

from interlock.runtime.bus import Position, Publisher


async def publish_all(publisher: Publisher, where: Position, records: Iterable[tuple[str, bytes | None]]) -> list[int]:
    """Append records to one partition, in their order, and wait until all are safe; their offsets.

    Raises:
        InfrastructureError: What became of one of them is unknown. None is under way any more.
    """
    topic, partition = where
    sent = (publisher.publish(topic, key, value, partition=partition) for key, value in records)
    offsets: list[int] = []
    for outcome in await asyncio.gather(*sent, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
        offsets.append(outcome)
    return offsets
