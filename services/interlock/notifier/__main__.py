"""`python -m interlock.notifier SETTINGS`: the notifier in the foreground."""

import sys
from pathlib import Path

import structlog

from interlock.notifier.service import open_service
from interlock.notifier.settings import NotifierSettings
from interlock.notifier.webhook import WebhookSender, public_text
from interlock.reporting.shell import shell
from interlock.runtime import lifecycle, logs

_log = structlog.get_logger(__name__)


def run(settings_path: Path) -> int:
    """Run the service until it is told to stop; the exit code."""
    return lifecycle.run(lambda stop: _serve(settings_path, stop))


async def _serve(settings_path: Path, stop: lifecycle.Stop) -> None:
    settings = NotifierSettings.load(settings_path)
    logs.configure("notifier", level=settings.log_level)
    async with (
        shell(settings, settings.owner, settings.key, "notifier", "audit") as it,
        WebhookSender(it.key) as sender,
    ):
        _log.info("signing_webhooks", verify_with=public_text(it.key))
        service = await open_service(it, sender, stop)
        await lifecycle.supervise(stop, {"notifier": service.run()})


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
