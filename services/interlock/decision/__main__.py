"""`python -m interlock.decision SETTINGS`: the decision service in the foreground."""

import sys
from pathlib import Path

from interlock.decision.desk import desks
from interlock.decision.service import DecisionService
from interlock.decision.settings import DecisionSettings
from interlock.reporting.shell import shell
from interlock.runtime import lifecycle, logs


def run(settings_path: Path) -> int:
    """Run the service until it is told to stop; the exit code."""
    return lifecycle.run(lambda stop: _serve(settings_path, stop))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = DecisionSettings.load(settings_path)
    logs.configure("decision", level=settings.log_level)
    async with shell(settings, settings.owner, settings.key, "decision", "shards") as it:
        service = DecisionService(it.bus, settings.owner, desks(it), it.readiness)
        await lifecycle.supervise(stop, {"decision": service.run(stop)})


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
