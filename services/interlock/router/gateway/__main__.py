"""`python -m interlock.router.gateway SETTINGS`: the gateway in the foreground."""

import sys
from contextlib import closing
from pathlib import Path

from interlock.reporting.shell import Shell, shell
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.router.core.renew import Terms
from interlock.router.core.state import RouterState
from interlock.router.gateway.server import GatewayServer
from interlock.router.gateway.settings import GatewaySettings
from interlock.router.gateway.tickets import Tickets
from interlock.router.instruments import Instruments
from interlock.router.marks_file import MarksFile
from interlock.router.rereader import Rereader
from interlock.router.subscriber import Identity, Subscriber
from interlock.runtime import lifecycle, logs
from interlock.wire.topics import HEARTBEATS, POLICIES, ROUTES, SHARDS


def run(settings_path: Path) -> int:
    """Run the gateway until it is told to stop; the exit code."""
    return lifecycle.run(lambda stop: _serve(settings_path, stop))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = GatewaySettings.load(settings_path)
    logs.configure("gateway", level=settings.log_level)
    async with shell(settings, settings.owner, settings.key, "gateway", "lease") as it:
        with closing(MarksFile(settings.state)) as marks:
            subscriber = await _subscriber(settings, marks, it)
            telemetry = TelemetryEmitter(it.publisher, it.owner, it.key, it.clock, it.metrics, it.tracing)
            server = GatewayServer(
                settings=settings,
                resolver=subscriber,
                tickets=Tickets(it.publisher, it.owner, it.key, it.clock),
                note=telemetry.note,
                findings=it.findings,
                clock=it.clock,
                metrics=it.metrics,
            )
            async with server:
                loops = {"subscriber": subscriber.run, "telemetry": telemetry.run, "server": server.run}
                await lifecycle.supervise(stop, {name: loop(stop) for name, loop in loops.items()})
            await telemetry.flush()  # of the calls that were in hand when the telemetry's own loop ended


async def _subscriber(settings: GatewaySettings, marks: MarksFile, it: Shell) -> Subscriber:
    reader = Rereader(lambda: it.bus.reader([POLICIES.name, ROUTES.name, HEARTBEATS.name]), it.clock)
    await reader.begin()
    return Subscriber(
        state=RouterState.start(SHARDS, it.book, marks.load()),
        marks=marks,
        reader=reader,
        publisher=it.publisher,
        identity=Identity(it.owner, it.key),
        terms=Terms(settings.lease, settings.skew),
        clock=it.clock,
        findings=it.findings,
        readiness=it.readiness,
        instruments=Instruments(it.metrics),
        tracing=it.tracing,
    )


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
