"""A service's loops live and end together."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from interlock.runtime import lifecycle
from interlock.runtime.lifecycle import Stop, run, supervise
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError, InvariantError


async def until_stopped(stop: Stop) -> None:
    await stop.wait()


async def fail(error: Exception) -> None:
    raise error


async def test_loops_end_together_when_a_stop_is_requested() -> None:
    stop = Stop()
    ended: list[str] = []

    async def loop(name: str) -> None:
        await stop.wait()
        ended.append(name)

    supervised = asyncio.create_task(supervise(stop, {"a": loop("a"), "b": loop("b")}))
    await asyncio.sleep(0)
    assert not supervised.done()
    stop.request()
    await supervised
    assert sorted(ended) == ["a", "b"]


async def test_a_loop_that_fails_stops_the_others_in_order_and_its_error_is_raised() -> None:
    stop = Stop()
    ended: list[str] = []

    async def other() -> None:
        await stop.wait()
        ended.append("finished what it had in hand")

    with pytest.raises(InfrastructureError, match="gone"):
        await supervise(stop, {"bad": fail(InfrastructureError("gone", "wait")), "other": other()})
    assert ended == ["finished what it had in hand"]


async def test_a_loop_that_just_returns_is_a_fault() -> None:
    async def nothing() -> None:
        return

    stop = Stop()
    with pytest.raises(InvariantError, match="'nothing' ended though nobody asked"):
        await supervise(stop, {"nothing": nothing(), "other": until_stopped(stop)})


async def test_a_loop_that_will_not_stop_is_cancelled_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "SHUTDOWN_S_MAX", 0.01)
    stop = Stop()
    stop.request()
    with pytest.raises(InvariantError, match="'deaf' did not stop"):
        await supervise(stop, {"deaf": asyncio.Event().wait(), "other": until_stopped(stop)})  # type: ignore[dict-item]


async def test_cancelling_the_supervision_cancels_its_loops() -> None:
    stop = Stop()
    cancelled = asyncio.Event()

    async def loop() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    supervised = asyncio.create_task(supervise(stop, {"loop": loop()}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    supervised.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervised
    assert cancelled.is_set()


async def test_a_loop_paces_itself_by_waiting_for_the_stop() -> None:
    stop = Stop()
    assert await stop.within(0) is False
    stop.request()
    assert await stop.within(60) is True
    assert stop.is_set()


def service_that(action: Callable[[], Awaitable[None]]) -> Callable[[Stop], Awaitable[None]]:
    async def main(stop: Stop) -> None:
        await action()

    return main


def test_a_service_that_ends_well_exits_with_0() -> None:
    assert run(service_that(lambda: asyncio.sleep(0))) == 0


def test_an_error_of_ours_is_told_with_its_mend_and_gives_its_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = ConfigurationError("no key.", "Make one.")
    assert run(service_that(lambda: fail(error))) == 2
    assert capsys.readouterr().err == "error: no key.\n  -> Make one.\n"


def test_any_other_error_gives_exit_code_1() -> None:
    assert run(service_that(lambda: fail(RuntimeError("bug")))) == 1


STUBBORN = """
import asyncio, sys
from interlock.runtime.lifecycle import run
from interlock.vocabulary.errors import InfrastructureError

async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def main(stop):
    asyncio.create_task(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    raise InfrastructureError("no broker.", "Start one.")

sys.exit(run(main))
"""


def test_a_task_that_will_not_be_cancelled_does_not_cost_the_service_its_exit_code() -> None:
    done = subprocess.run([sys.executable, "-c", STUBBORN], capture_output=True, text=True, check=False)
    assert done.returncode == InfrastructureError.exit_code
    assert "no broker." in done.stderr
    assert "stubborn" in done.stdout + done.stderr
