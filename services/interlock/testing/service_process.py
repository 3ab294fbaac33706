"""One service as a real process, with settings of a deployment that a test has installed in a folder."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from interlock.testing.builders import Deployment


@asynccontextmanager
async def service_process(
    service: str, deployment: Deployment, bootstrap: str, directory: Path, tuning: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m interlock.<service>` under the key `<service>-1`; whatever happens, it is gone afterwards.

    Args:
        service: Its package.
        deployment: The deployment, installed in the folder (`Deployment.install`).
        bootstrap: Kafka bootstrap servers.
        directory: The folder; the settings are written there.
        tuning: More lines of settings, TOML.
    """
    settings = directory / f"{service}.toml"
    settings.write_text(
        f'bootstrap = "{bootstrap}"\ndeployment = "{deployment.name}"\n'
        f'trust_root = "root-1.sealed"\nowner = "{service}-1"\nkey = "{service}-1.pem"\n{tuning}',
        encoding="utf-8",
    )
    environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"interlock.{service}", str(settings), env=environment
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
