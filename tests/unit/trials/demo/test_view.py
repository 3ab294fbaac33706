from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from interlock.records.health import Level, Verdict
from interlock.runtime.clock import SystemClock
from interlock.testing.builders import NOW, Deployment
from interlock.testing.driver import AGENT, Driver
from interlock.trials.demo.cast import PRIMARY, TEMPTER
from interlock.trials.demo.client import Fate, Reply, SteadyClient
from interlock.trials.demo.scene import Scene
from interlock.trials.demo.view import LiveView, PlainView
from interlock.trials.witness import Witness
from interlock.vocabulary.identifiers import ANY
from interlock.vocabulary.time import SECOND

CLOCK = SystemClock()
DEPLOYMENT = Deployment()


def scene() -> Scene:
    """A scene of which only what is shown is there."""
    witness = Witness(DEPLOYMENT.book())
    driver = Driver(DEPLOYMENT, DEPLOYMENT.policy(AGENT, ["atlas", "birch"]))
    witness.changes += driver.orders
    verdict = Verdict(PRIMARY, ANY, "errors>0.5", Level.DEGRADED, "", 3, (), NOW, NOW, NOW)
    witness.last_verdict[verdict.key] = verdict
    client = SteadyClient("http://127.0.0.1:9", "key", user="a", every_s=1, tempted_by=TEMPTER, clock=CLOCK)
    client.replies.append(Reply(CLOCK.now().wall, Fate.OK, 200, PRIMARY, TEMPTER))
    body = {"data": {"change_id": driver.orders[0].id}}
    notice: dict[str, Any] = {"genuine": True, "status": 204, "at": NOW / SECOND + 0.25, "body": body}
    return cast(
        "Scene", SimpleNamespace(witness=witness, client=client, stage=SimpleNamespace(notices=lambda: [notice]))
    )


async def test_at_a_terminal_routes_verdicts_requests_and_notices_are_drawn() -> None:
    console = Console(record=True, force_terminal=True, width=80, height=50)
    view = LiveView(console, CLOCK)
    async with view.watching(scene()):
        view.say("the primary fails")
    shown = console.export_text()
    for part in ("the primary fails", "SAFE STATE", "degraded", f"{TEMPTER} *", "0.25 s"):
        assert part in shown, part


async def test_without_a_terminal_there_are_plain_lines() -> None:
    console = Console(record=True, force_terminal=False, width=80)
    view = PlainView(console, CLOCK)
    async with view.watching(scene()):
        view.say("the primary fails")
    assert console.export_text().endswith(" s  the primary fails\n")
