"""`python -m interlock.watch SETTINGS`: the deadline watch in the foreground."""

import sys
from functools import partial
from pathlib import Path

import structlog

from interlock.reporting.shell import shell
from interlock.runtime import lifecycle, logs
from interlock.watch.instruments import Instruments
from interlock.watch.last_channel import LastChannel, public_text
from interlock.watch.outside_heartbeat import FRESH_S, OutsideHeartbeat
from interlock.watch.service import open_service
from interlock.watch.settings import WatchSettings

_log = structlog.get_logger(__name__)


def run(settings_path: Path) -> int:
    """Run the service until it is told to stop; the exit code."""
    return lifecycle.run(lambda stop: _serve(settings_path, stop))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = WatchSettings.load(settings_path)
    logs.configure("watch", level=settings.log_level)
    async with shell(settings, settings.owner, settings.key, "watch", "audit") as it, LastChannel(it.key) as sender:
        _log.info("signing_webhooks", verify_with=public_text(it.key))
        instruments = Instruments(it.metrics)
        async with (
            open_service(it, settings, sender, instruments) as service,
            OutsideHeartbeat(settings.heartbeat_url, partial(service.well, FRESH_S), instruments) as heartbeat,
        ):
            await lifecycle.supervise(stop, {"watch": service.run(stop), "heartbeat": heartbeat.run(stop)})


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
