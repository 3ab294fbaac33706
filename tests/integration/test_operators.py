"""Operators' commands as processes on a real broker, answered by the decision service as a process."""

import asyncio
import json
import sys
import uuid
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.records.health import Cell, Level, TelemetryBatch, Verdict
from interlock.records.rules import Approval, SafeState
from interlock.records.sketch import bucket
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import OPERATOR, first_settings
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.workspace import Workspace
from interlock.testing.builders import Deployment, model
from interlock.testing.stories import DOWN
from interlock.vocabulary.time import SECOND, Micros, seconds
from interlock.wire.topics import POLICIES, TELEMETRY, VERDICTS

PATIENCE_S = 60
ROUTE = "support/main/*"


class Scene:
    """A deployment of its own on the shared broker, its operators, and what the health-monitor says."""

    def __init__(self, bus, bootstrap, folder):
        self.deployment = Deployment(f"it-{uuid.uuid4().hex[:8]}", now=SystemClock().now().wall)
        self.bus = bus
        self.workspace = Workspace(folder)
        self.workspace.write(self.workspace.root, self.deployment.sealed_root)
        settings = first_settings(self.deployment.name, bootstrap, {})
        for service in (OPERATOR, "decision"):
            self.workspace.write_settings(service, settings[service])
        for owner in ("olga", "oscar", "sam", "decision-1"):
            path = self.workspace.write(self.workspace.key(owner), self.deployment.key(owner).to_pem())
            path.chmod(0o600)
        self.levels = {"atlas": Level.HEALTHY, "birch": Level.HEALTHY}

    async def publish_policy(self):
        """The fallback has another identity, and needs an approval."""
        birch = self.deployment.rung(model("birch", identity={"id": "spiffe://other/agent"}))
        rule = self.deployment.rule(
            ["atlas", replace(birch, accepted_in_advance=False)],
            triggers=(DOWN,),
            stable_us=Micros(SECOND),
            safe_state=SafeState.HUMAN_QUEUE,
            approval=Approval(seconds(600)),
        )
        sealed = self.deployment.seal(self.deployment.policy_of("support", rule), "grace", "oscar")
        await (await self.bus.publisher()).publish(POLICIES.name, "policy/support", sealed, partition=0)

    async def judge(self):
        """Says every half second what `levels` holds."""
        publisher = await self.bus.publisher()
        while True:
            now = SystemClock().now().wall
            for name, level in self.levels.items():
                end = Micros(now + 5 * SECOND)
                said = Verdict(name, "*", "unavailable", level, f"it is {level}", 9, (), now, now, end)
                await publisher.publish(VERDICTS.name, said.key, self.deployment.seal(said, "health-1"))
            await asyncio.sleep(0.5)

    @asynccontextmanager
    async def decision(self):
        path = str(self.workspace.settings("decision"))
        started = await asyncio.create_subprocess_exec(sys.executable, "-m", "interlock.decision", path)
        judge = asyncio.create_task(self.judge())
        try:
            yield
        finally:
            judge.cancel()
            with suppress(ProcessLookupError):
                started.kill()
            await started.wait()

    async def interlock(self, *arguments):
        """Run a command; its exit code and its document."""
        command = [
            str(Path(sys.executable).with_name("interlock")),
            *arguments,
            "-w",
            str(self.workspace.directory),
            "--json",
        ]
        started = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        stdout, _ = await started.communicate()
        return started.returncode, json.loads(stdout)

    async def order(self, verb, *arguments, by="olga"):
        return await self.interlock(verb, *arguments, "--key", str(self.workspace.key(by)))

    async def report(self, model, outcomes):
        """The gateway tells of calls that ended in the last hundredth of a second."""
        now = SystemClock().now().wall
        cell = Cell("support", "main", "*", outcomes, {bucket(0.5): sum(outcomes.values())}, {}, {})
        batch = TelemetryBatch("gateway-1", model, Micros(now - SECOND // 100), now, now, (cell,))
        await (await self.bus.publisher()).publish(TELEMETRY.name, model, self.deployment.seal(batch, "gateway-1"))

    async def until(self, concern):
        """Wait until the route is of that concern; what status says of it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                _, told = await self.interlock("status")
                for route in told["routes"]:
                    if route["concern"] == concern:
                        return route


@pytest.fixture
async def scene(real_kafka, tmp_path):
    bus = KafkaBus(real_kafka, client="test")
    made = Scene(bus, real_kafka, tmp_path)
    await made.publish_policy()
    yield made
    await bus.close()


async def test_an_approval_a_suspension_and_a_review_are_each_answered_from_the_log(scene):
    async with scene.decision():
        assert (await scene.until("none"))["target"] == "atlas"
        scene.levels["atlas"] = Level.UNAVAILABLE
        waiting = await scene.until("approval")
        proposal = waiting["hold"]["proposal"]
        code, told = await scene.order("approve", ROUTE, proposal, by="olga")
        assert (code, told["reason"], told["published"]) == (1, "not_authorised", False)
        code, told = await scene.order("approve", ROUTE, proposal, by="oscar")
        assert (code, [change["target"] for change in told["changes"]]) == (0, ["birch"])
        code, told = await scene.order("approve", ROUTE, proposal, by="oscar")
        assert (code, told["reason"]) == (1, "nothing_proposed")
        change = (await scene.until("fallback"))["change"]
        code, told = await scene.order("suspend", "support", by="sam")
        assert (code, [change["safe_state"] for change in told["changes"]]) == (0, ["human_queue"])
        assert (await scene.until("ordered"))["hold"]["by"] == ["sam"]
        why = ("--reason", "expected")
        code, told = await scene.order("review", "close", change, "--outcome", "confirm", *why, by="oscar")
        assert (code, told["accepted"]) == (0, True)
        code, told = await scene.order("resume", ROUTE)
        assert (code, [change["target"] for change in told["changes"]]) == (0, ["birch"])
    code, told = await scene.order("freeze", "support", "--for", "5m")
    assert (code, told["published"], told["accepted"]) == (3, True, None)


def calls_of_the_route(shown, model, period):
    wanted = ("route", model, period)
    seen = shown["figures"]["seen"]
    (row,) = [each for each in seen if (each["calls_of"], each["model"], each["period"]) == wanted]
    return row


async def test_a_review_is_listed_shown_with_what_was_reported_on_either_side_and_closed(scene):
    async with scene.decision():
        await scene.until("none")
        await scene.report("atlas", {"ok": 30, "timeout": 5})
        scene.levels["atlas"] = Level.UNAVAILABLE
        waiting = await scene.until("approval")
        code, told = await scene.order("approve", ROUTE, waiting["hold"]["proposal"], by="oscar")
        assert (code, [change["target"] for change in told["changes"]]) == (0, ["birch"])
        change = (await scene.until("fallback"))["change"]
        await scene.report("birch", {"ok": 20})
        code, told = await scene.interlock("review", "list", "support")
        assert (code, {each["change"] for each in told["reviews"]} >= {change, waiting["change"]}) == (0, True)
        code, stopped = await scene.interlock("review", "show", waiting["change"])
        assert (code, stopped["source"], stopped["target"]) == (0, "atlas", None)
        before = calls_of_the_route(stopped, "atlas", "before")
        assert (before["errors"]["count"], before["errors"]["of"]) == (5, 35)
        code, shown = await scene.interlock("review", "show", change)
        assert calls_of_the_route(shown, "birch", "after")["outcomes"] == {"ok": 20}
        why = ("--reason", "it answers worse", "--ticket", "CHG-1")
        code, told = await scene.order("review", "close", change, "--outcome", "revoke", *why, by="oscar")
        assert (code, [change["safe_state"] for change in told["changes"]]) == (0, ["human_queue"])
        code, shown = await scene.interlock("review", "show", change)
        closed = shown["review"]["closed"]
        assert (shown["review"]["state"], closed["outcome"], closed["by"], closed["ticket"]) == (
            "closed",
            "revoke",
            ["oscar"],
            "CHG-1",
        )
