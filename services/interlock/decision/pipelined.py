"""Publishing many records at once: each is on its way before the one before it is acknowledged."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from interlock.runtime.bus import Position, Publisher
from interlock.wire.trace import NO_TRACE


async def publish_all(
    publisher: Publisher, where: Position, records: Iterable[tuple[str, bytes | None]], traces: Sequence[str] = ()
) -> list[int]:
    """Append records to one partition, in their order, and wait until all are safe; their offsets.

    Args:
        publisher: Where to append.
        where: The partition.
        records: Keys and values.
        traces: The trace that each belongs to; empty: none of them belongs to one.

    Raises:
        InfrastructureError: What became of one of them is unknown. None is under way any more.
    """
    topic, partition = where
    told = chain(traces, repeat(NO_TRACE))
    sent = (
        publisher.publish(topic, key, value, partition=partition, trace=trace)
        for (key, value), trace in zip(records, told, strict=False)
    )
    offsets: list[int] = []
    for outcome in await asyncio.gather(*sent, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
        offsets.append(outcome)
    return offsets
