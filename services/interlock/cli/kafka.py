"""`interlock kafka up | down | topics`: a real broker on this machine, and the topics on any."""

import os
from pathlib import Path
from typing import Annotated

import typer

from interlock.brokers import detached
from interlock.brokers.topics_admin import TopicChanges, check_topics, create_topics
from interlock.cli.answer import NO, InWorkspace, Json, say
from interlock.runtime.first_settings import OPERATOR
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace
from interlock.vocabulary.errors import ConfigurationError

app = typer.Typer(help="A real Kafka broker on this machine, and the topics on any.")

PORT = 9092
"""Kafka's usual port, where no settings say otherwise."""

Data = Annotated[
    Path | None, typer.Option(help="Where the broker keeps its records; by default .kafka/broker in the workspace.")
]
HERE = Path()


@app.command()
def up(
    data: Data = None,
    port: Annotated[
        int | None,
        typer.Option(help="Its port on 127.0.0.1; by default the workspace's, else 9092.", min=1, max=65_535),
    ] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Start a broker that goes on running, unless it runs already. Needs Java 17; its jars are fetched once by Maven."""
    folder = _data(data, workspace)
    bootstrap = detached.up(folder, port=port or _port(workspace))
    say({"bootstrap": bootstrap, "data": str(folder)}, f"Kafka runs at {bootstrap}; data in {folder}.", as_json=as_json)


@app.command()
def down(data: Data = None, workspace: InWorkspace = HERE, as_json: Json = False) -> None:
    """Stop that broker; its records stay."""
    stopped = detached.down(_data(data, workspace))
    say({"stopped": stopped}, "Stopped." if stopped else "It did not run.", as_json=as_json)


@app.command()
def topics(
    bootstrap: Annotated[str | None, typer.Option(help="Kafka bootstrap servers; by default the workspace's.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only compare; change nothing.")] = False,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Make the topics that are missing, mend the configuration of the others, and tell what only people can mend."""
    servers = bootstrap or _bootstrap(workspace)
    changes = TopicChanges((), (), tuple(check_topics(servers))) if check else create_topics(servers)
    document = {
        "bootstrap": servers,
        "created": list(changes.created),
        "configured": list(changes.configured),
        "problems": [
            {"topic": problem.topic, "kind": problem.kind, "error": problem.message, "mend": problem.mend}
            for problem in changes.problems
        ],
    }
    lines = [f"created {name}" for name in changes.created] + [f"configured {name}" for name in changes.configured]
    lines += [f"{problem.message} {problem.mend}" for problem in changes.problems]
    say(document, "\n".join(lines) or f"The topics at {servers} are as they should be.", as_json=as_json)
    if changes.problems:
        raise typer.Exit(NO)


def _data(data: Path | None, workspace: Path) -> Path:
    return (data or workspace / ".kafka" / "broker").absolute()


def _settings(workspace: Path) -> ServiceSettings | None:
    path = Workspace(workspace).settings(OPERATOR)
    return ServiceSettings.load(path) if path.is_file() else None


def _port(workspace: Path) -> int:
    """The port that the workspace's settings expect on this machine."""
    settings = _settings(workspace)
    if settings is None:
        return PORT
    host, _, port = settings.bootstrap.rpartition(":")
    if host not in {"127.0.0.1", "localhost"}:
        raise ConfigurationError(
            f"The settings name the broker {settings.bootstrap}, which is not on this machine.",
            "Use that one, or set `bootstrap` to 127.0.0.1:9092 in settings/*.toml.",
        )
    return int(port)


def _bootstrap(workspace: Path) -> str:
    settings = _settings(workspace)
    servers = settings.bootstrap if settings else os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return servers or detached.running(_data(None, workspace)) or f"127.0.0.1:{PORT}"
