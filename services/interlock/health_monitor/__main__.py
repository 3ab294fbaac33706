"""`python -m interlock.health_monitor SETTINGS`: the health-monitor in the foreground."""

import sys
from functools import partial
from pathlib import Path

from interlock.health_monitor.core.monitor import Monitor
from interlock.health_monitor.faust_stream import TelemetryStream
from interlock.health_monitor.service import HealthMonitorService, Outbox
from interlock.health_monitor.settings import HealthMonitorSettings
from interlock.reporting.shell import shell
from interlock.runtime import lifecycle, logs
from interlock.wire.topics import TELEMETRY


def run(settings_path: Path) -> int:
    """Run the service until it is told to stop; the exit code."""
    return lifecycle.run(partial(_serve, settings_path))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = HealthMonitorSettings.load(settings_path)
    logs.configure("health-monitor", level=settings.log_level)
    async with shell(settings, settings.owner, settings.key, "health-monitor", "policies", "telemetry") as it:
        await it.bus.partitions(TELEMETRY.name)  # Faust would wait in silence for a topic that is missing
        policies = await it.follow_policies()
        await policies.catch_up()
        it.readiness.set("policies", True)
        service = HealthMonitorService(
            Monitor(settings.rules),
            policies,
            Outbox(it.publisher, it.key, it.findings, it.tracing),
            it.clock,
            it.metrics,
        )

        def assigned(held: bool) -> None:
            service.listening(held)
            it.readiness.set("telemetry", held, "" if held else "no partition is assigned")

        stream = TelemetryStream(settings.bootstrap, settings.fetch_wait_ms, service.handle, assigned)
        loops = {"policies": policies.run(stop), "telemetry": stream.run(stop), "judging": service.run(stop)}
        await lifecycle.supervise(stop, loops)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
