"""`python -m interlock.router.gateway SETTINGS`: the gateway in the foreground."""

import sys
from contextlib import closing
from pathlib import Path

from interlock.reporting.shell import shell
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.router.core.renew import Terms
from interlock.router.gateway.server import GatewayServer
from interlock.router.gateway.settings import GatewaySettings
from interlock.router.gateway.tickets import Tickets
from interlock.router.marks_file import MarksFile
from interlock.router.subscribing import open_subscriber
from interlock.runtime import lifecycle, logs


def run(settings_path: Path) -> int:
    """Run the gateway until it is told to stop; the exit code."""
    return lifecycle.run(lambda stop: _serve(settings_path, stop))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = GatewaySettings.load(settings_path)
    logs.configure("gateway", level=settings.log_level)
    async with shell(settings, settings.owner, settings.key, "gateway", "lease") as it:
        with closing(MarksFile(settings.state)) as marks:
            subscriber = await open_subscriber(it, marks, Terms(settings.lease, settings.skew))
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


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
