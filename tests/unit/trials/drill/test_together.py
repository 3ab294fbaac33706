"""Several things at the same time."""

import asyncio

import pytest

from interlock.trials.drill.together import together


async def test_each_gives_what_it_gave_in_their_order() -> None:
    second = asyncio.Event()

    async def waits() -> str:
        await second.wait()
        return "first"

    async def goes() -> str:
        second.set()
        return "second"

    assert await together([waits(), goes()]) == ["first", "second"]


async def test_the_first_error_ends_all_of_them() -> None:
    ended = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await together([endless(), fails()])
    assert ended == ["endless"]
