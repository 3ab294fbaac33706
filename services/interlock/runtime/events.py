"""Waiting for an event of asyncio, bounded."""

import asyncio


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until an event is set, for that long at most; whether it was."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
