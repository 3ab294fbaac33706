"""`interlock run SERVICE`: one service in the foreground, as `python -m interlock.<service>` is."""

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.answer import InWorkspace
from interlock.runtime.workspace import Workspace


class Service(StrEnum):
    """The services that can be run."""

    HEALTH_MONITOR = "health-monitor"
    DECISION = "decision"
    NOTIFIER = "notifier"
    WATCH = "watch"
    PROBE = "probe"
    GATEWAY = "gateway"


_PACKAGES = {
    Service.HEALTH_MONITOR: "interlock.health_monitor",
    Service.DECISION: "interlock.decision",
    Service.NOTIFIER: "interlock.notifier",
    Service.WATCH: "interlock.watch",
    Service.PROBE: "interlock.health_monitor.probe",
    Service.GATEWAY: "interlock.router.gateway",
}
"""Imported only when run: no service needs the libraries of another."""


def run(
    service: Annotated[Service, typer.Argument(help="Which one.")],
    settings: Annotated[
        Path | None, typer.Option(help="Its settings file; by default the workspace's settings/SERVICE.toml.")
    ] = None,
    workspace: InWorkspace = Path(),
) -> None:
    """Run one service until it is told to stop (^C, SIGTERM)."""
    main = import_module(f"{_PACKAGES[service]}.__main__")
    raise typer.Exit(main.run(settings or Workspace(workspace).settings(service)))
