"""Plays a trace: real services on a bus, and in this process the reporter who tells of the recorded calls.

The recording begins in the middle of its models' lives, the deployment at the beginning of its own. So there is a prologue: for each
model its typical successful call is told again and again, until its agent is served by it. Then the trace is told, at the speed asked
for. It is over when every verdict has been said anew after the last call, and every shard's decision has heard it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from interlock.brokers.free_ports import free_ports
from interlock.records.health import Outcome
from interlock.reporting.accumulator import Call
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.runtime.clock import SystemClock
from interlock.runtime.lifecycle import Stop
from interlock.runtime.metrics import Metrics
from interlock.trials.broker import Broker, broker_at
from interlock.trials.replay.cast import REPORTER, Part, parts_of, plan, tuning, window_s
from interlock.trials.replay.report import document
from interlock.trials.replay.trace import RecordedCall
from interlock.trials.stage import RECEIVER, Stage
from interlock.trials.told import accepted_at
from interlock.trials.witness import Watch, Witness
from interlock.vocabulary.time import SECOND
from interlock.wire.topics import SHARDS

SERVICES = ("health-monitor", "decision", "notifier")
PROLOGUE_CALLS_PER_WINDOW = 10
"""In the prologue: enough to be judged by, and soon outweighed by the trace."""

PATIENCE_S = 60.0
"""How long the prologue, and the last verdicts, may take beyond what the speed asks for."""

_AFTERTHOUGHT_US = SECOND
"""A trigger's `for` (half a second) and a tick: what decision may still have to wait for after the last verdict."""


class Progress(Protocol):
    """Shows how far a replay is."""

    def say(self, line: str) -> None:
        """Tell what happens now."""
        ...

    def told(self, calls: int) -> None:
        """So many calls were told."""
        ...


@dataclass(frozen=True, slots=True)
class Replay:
    """What to replay.

    Attributes:
        calls: The trace, in the order in which its calls ended.
        speed: How many seconds of the trace pass in one.
        folder: An empty folder for all files of the run, logs included.
        bootstrap: A real broker; None for an embedded one.
    """

    calls: Sequence[RecordedCall]
    speed: float
    folder: Path
    bootstrap: str | None = None


async def play(replay: Replay, progress: Progress) -> dict[str, Any]:
    """Replay a trace; the report. Everything started is stopped again.

    Raises:
        ConfigurationError: Something that is needed cannot be used.
        InfrastructureError: The broker cannot be reached, or a process ended; its last words are in the error.
    """
    parts = parts_of(replay.calls)
    async with broker_at(replay.bootstrap) as broker:
        progress.say(f"Starting the broker, {', '.join(SERVICES)} and a webhook receiver")
        async with _open(replay, parts, broker) as (stage, witness, watch), _reporting(stage) as reporter:
            progress.say("Prologue: each model's typical call, until its agent is served by it")
            await _prologue(replay, parts, reporter, watch, witness)
            progress.say(
                f"Replaying {len(replay.calls)} calls of {len(parts)} models at {replay.speed:g} × their speed"
            )
            await _tell(replay, parts, reporter, watch, progress)
            progress.say("Waiting for the last verdicts, and for decision and notifier to have seen them")
            await _settle(parts, watch, witness, stage)
            return document(replay.calls, witness.verdicts, witness.changes, accepted_at(stage.notices()))


@asynccontextmanager
async def _open(replay: Replay, parts: Sequence[Part], broker: Broker) -> AsyncIterator[tuple[Stage, Witness, Watch]]:
    (webhook_port,) = free_ports(1)
    planned = plan(parts, replay.speed, SystemClock().now().wall, webhook_port)
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(Stage.open(replay.folder, broker, planned))
        stage.write_settings({}, tuning(replay.speed))
        witness = Witness(stage.book)
        watch = await stack.enter_async_context(Watch(stage.bus, witness, stage.processes.check))
        await stage.publish_policies()
        await stage.start_receiver(webhook_port)
        for service in SERVICES:
            await stage.start(service)
        await stage.processes.ready(RECEIVER, *SERVICES)
        yield stage, witness, watch


@asynccontextmanager
async def _reporting(stage: Stage) -> AsyncIterator[TelemetryEmitter]:
    """The reporter, who signs with a key of his own, as a gateway does."""
    metrics, stop = Metrics("replay"), Stop()
    publisher = await stage.bus.publisher()
    emitter = TelemetryEmitter(publisher, REPORTER, stage.workspace.load_key(REPORTER), SystemClock(), metrics)
    reporting = asyncio.create_task(emitter.run(stop), name="reporter")
    try:
        yield emitter
    finally:
        stop.request()
        await reporting
        metrics.close()


async def _prologue(
    replay: Replay, parts: Sequence[Part], reporter: TelemetryEmitter, watch: Watch, witness: Witness
) -> None:
    """Tell of healthy calls until every agent that can begin with its own model does."""
    beginning = {part.route: part for part in parts if part.begins}
    pause_s = window_s(replay.speed) / PROLOGUE_CALLS_PER_WINDOW

    def begun() -> bool:
        on = {change.route: change.target for change in witness.changes}
        return all(on.get(route) == part.model for route, part in beginning.items())

    async def tell() -> None:
        while True:
            for part in beginning.values():
                reporter.note(Call(part.route, part.model, Outcome.OK, part.latency_s))
            await asyncio.sleep(pause_s)

    telling = asyncio.create_task(tell(), name="prologue")
    try:
        await watch.until("every agent is served by its primary", begun, within_s=PATIENCE_S)
    finally:
        telling.cancel()


async def _tell(
    replay: Replay, parts: Sequence[Part], reporter: TelemetryEmitter, watch: Watch, progress: Progress
) -> None:
    """Tell of each call when it is over, in the trace's order."""
    routes = {part.model: part.route for part in parts}
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, call in enumerate(replay.calls, start=1):
        due = began + call.ended_s / replay.speed
        if due > loop.time():
            watch.check()
            await asyncio.sleep(due - loop.time())
        reporter.note(Call(routes[call.model], call.model, call.outcome, call.latency_s, call.first_token_s))
        progress.told(number)


async def _settle(parts: Sequence[Part], watch: Watch, witness: Witness, stage: Stage) -> None:
    """Wait until everything that was told has had its effect."""
    over = SystemClock().now().wall
    models = {part.model for part in parts}

    def judged() -> bool:
        anew = {verdict.model for verdict in witness.last_verdict.values() if verdict.issued_at > over + SECOND}
        return models <= anew

    await watch.until("every model was judged after its last call", judged, within_s=PATIENCE_S)
    heard = SystemClock().now().wall + _AFTERTHOUGHT_US
    await watch.until(
        "decision has heard the last verdicts",
        lambda: all(witness.beats.get(shard, 0) > heard for shard in range(SHARDS)),
        within_s=PATIENCE_S,
    )

    def told() -> bool:
        accepted = accepted_at(stage.notices())
        return all(change.id in accepted for change in witness.changes)

    await watch.until("the webhook accepted a notice of each change", told, within_s=PATIENCE_S)
