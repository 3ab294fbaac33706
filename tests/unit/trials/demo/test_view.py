from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from interlock.records.health import Level, Verdict
from interlock.runtime.clock import SystemClock
from interlock.testing.builders import NOW, Deployment
from interlock.testing.driver import AGENT, Driver
from interlock.trials.demo.cast import PRIMARY, ROUTE, STORY_AGENTS, SUPPORT, TEMPTER
from interlock.trials.demo.scene import Scene
from interlock.trials.demo.view import LiveView, PlainView
from interlock.trials.steady_client import Fate, Reply, SteadyClient
from interlock.trials.witness import Witness
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import SECOND

CLOCK = SystemClock()
DEPLOYMENT = Deployment()


def scene() -> Scene:
    """A scene of which only what is shown is there."""
    witness = Witness(DEPLOYMENT.book())
    driver = Driver(DEPLOYMENT, DEPLOYMENT.policy(AGENT, ["atlas", "birch"]))
    witness.changes += driver.orders
    witness.changes.append(
        DEPLOYMENT.change(ROUTE, source="dune", target="elm", weight=25, canary="c", safe_state=None)
    )
    other = RouteId(SUPPORT, "other", ANY)
    witness.changes.append(
        DEPLOYMENT.change(other, source="dune", target=None, safe_state="human_queue", proposed="fir")
    )
    verdict = Verdict(PRIMARY, ANY, "errors>0.5", Level.DEGRADED, "", 3, (), NOW, NOW, NOW)
    witness.last_verdict[verdict.key] = verdict
    clients = {
        agent: SteadyClient("http://127.0.0.1:9", "key", user="a", every_s=1, tempted_by=TEMPTER, clock=CLOCK)
        for agent in STORY_AGENTS
    }
    clients[SUPPORT].replies.append(Reply(CLOCK.now().wall, Fate.TICKET, 202, "", TEMPTER))
    body = {"data": {"change_id": driver.orders[0].id}}
    notice: dict[str, Any] = {"genuine": True, "status": 204, "at": NOW / SECOND + 0.25, "body": body}
    return cast(
        "Scene", SimpleNamespace(witness=witness, clients=clients, stage=SimpleNamespace(notices=lambda: [notice]))
    )


async def test_at_a_terminal_routes_verdicts_requests_and_notices_are_drawn() -> None:
    console = Console(record=True, force_terminal=True, width=80, height=50)
    view = LiveView(console, CLOCK)
    async with view.watching(scene()):
        view.say("the primary fails")
    shown = console.export_text()
    for part in (
        "the primary fails",
        "SAFE STATE suspend",
        "dune 75 %, elm 25 %",
        "SAFE STATE human_queue, fir waits for approval",
        "degraded",
        f"{TEMPTER} *",
        "0.25 s",
        "ticket",
    ):
        assert part in shown, part


async def test_without_a_terminal_there_are_plain_lines() -> None:
    console = Console(record=True, force_terminal=False, width=80)
    view = PlainView(console, CLOCK)
    async with view.watching(scene()):
        view.say("the primary fails")
    assert console.export_text().endswith(" s  the primary fails\n")
