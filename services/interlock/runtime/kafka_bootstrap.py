"""Which of several brokers a client should begin with: the one that answers first.

aiokafka tries the servers that it is given one after the other, in an order of its own, and gives each its whole patience. A broker
that is gone refuses at once, but one that stands still takes the connection and never answers: whoever begins with it has waited for
nothing. So all are asked at once, by the smallest question of the protocol.
"""

import asyncio
import struct
from collections.abc import Sequence

_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 0, -1)
"""A whole request: its length, `ApiVersions` in version 0, correlation id 0, no client id. Every broker answers it."""


async def first_to_answer(servers: Sequence[str], within_s: float) -> str | None:
    """The server that answers first, `host:port`; None if none does in that time."""
    asking = {asyncio.create_task(_answers(server), name=f"asking {server}"): server for server in servers}
    left, loop = set(asking), asyncio.get_running_loop()
    ends = loop.time() + within_s
    try:
        while left and (patience_s := ends - loop.time()) > 0:
            done, left = await asyncio.wait(left, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.result():
                    return asking[task]
        return None
    finally:
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)


async def _answers(server: str) -> bool:
    """Whether a broker answers, however long that takes."""
    host, _, port = server.strip().rpartition(":")
    try:
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except OSError:
        return False
    try:
        writer.write(_API_VERSIONS)
        return len(await reader.read(1)) == 1
    except OSError:
        return False
    finally:
        writer.close()
