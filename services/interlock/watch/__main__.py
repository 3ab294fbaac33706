"""`python -m interlock.watch SETTINGS`: the deadline watch in the foreground."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from interlock.reporting.shell import shell
from interlock.runtime import lifecycle, logs
from interlock.watch.dead_mans_switch import DeadMansSwitch
from interlock.watch.instruments import Instruments
from interlock.watch.last_channel import LastChannel, public_text
from interlock.watch.outside_heartbeat import OutsideHeartbeat
from interlock.watch.service import open_service
from interlock.watch.settings import WatchSettings

_log = structlog.get_logger(__name__)


def run(settings_path: Path) -> int:
    """Run the service until it is told to stop; the exit code."""
    return lifecycle.run(lambda stop: _serve(settings_path, stop))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = WatchSettings.load(settings_path)
    logs.configure("watch", level=settings.log_level)
    async with AsyncExitStack() as stack:
        it = await stack.enter_async_context(shell(settings, settings.owner, settings.key, "watch", "audit"))
        sender = await stack.enter_async_context(LastChannel(it.key))
        _log.info("signing_webhooks", verify_with=public_text(it.key))
        instruments = Instruments(it.metrics)
        service = await stack.enter_async_context(open_service(it, settings, sender, instruments))
        loops = {"watch": service.run(stop)}
        if settings.heartbeat_url is not None:
            switch = await stack.enter_async_context(DeadMansSwitch(settings.heartbeat_url))
            loops["heartbeat"] = OutsideHeartbeat(switch.post, service.well, instruments).run(stop)
        await lifecycle.supervise(stop, loops)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
