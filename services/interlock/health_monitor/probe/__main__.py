"""`python -m interlock.health_monitor.probe SETTINGS`: the probe in the foreground."""

import sys
from functools import partial
from pathlib import Path

from interlock.health_monitor.probe.caller import Caller
from interlock.health_monitor.probe.prober import Prober
from interlock.health_monitor.probe.service import ProbeService
from interlock.health_monitor.probe.settings import ProbeSettings
from interlock.reporting.shell import shell
from interlock.reporting.telemetry import TelemetryEmitter
from interlock.runtime import lifecycle, logs


def run(settings_path: Path) -> int:
    """Run the service until it is told to stop; the exit code."""
    return lifecycle.run(partial(_serve, settings_path))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = ProbeSettings.load(settings_path)
    logs.configure("probe", level=settings.log_level)
    async with (
        shell(settings, settings.owner, settings.key, "probe", "policies", "credentials") as it,
        Caller(settings.timeout) as caller,
    ):
        policies = await it.follow_policies()
        await policies.catch_up()
        it.readiness.set("policies", True)
        telemetry = TelemetryEmitter(it.publisher, it.owner, it.key, it.clock, it.metrics, it.tracing)
        prober = Prober(caller, telemetry, it.findings, it.clock)
        probe = ProbeService(prober, policies, it.clock, it.readiness, settings.interval)
        loops = {"policies": policies.run(stop), "probing": probe.run(stop), "telemetry": telemetry.run(stop)}
        await lifecycle.supervise(stop, loops)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
