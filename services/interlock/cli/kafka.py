"""`interlock kafka up | down | topics`: real brokers on this machine, and the topics on any."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from interlock.brokers import detached
from interlock.brokers.nodes import brokers_in
from interlock.brokers.topics_admin import Replication, TopicChanges, check_topics, create_topics, replication
from interlock.cli.answer import NO, InWorkspace, Json, counted, say
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import OPERATOR
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace
from interlock.trials.demo.view import PlainView
from interlock.vocabulary.errors import ConfigurationError
from interlock.wire.topics import TOPICS

app = typer.Typer(help="Real Kafka brokers on this machine, and the topics on any.")

PORT = 9092
"""Kafka's usual port, where no settings say otherwise."""

Data = Annotated[
    Path | None, typer.Option(help="Where the brokers keep their records; by default .kafka/broker in the workspace.")
]
HERE = Path()

_WIDTH = max(len(spec.name) for spec in TOPICS)


@app.command()
def up(
    data: Data = None,
    brokers: Annotated[
        int | None,
        typer.Option(
            help="1, or 3 of which any one may be lost; by default as many as it has, else as the settings name."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Its port on 127.0.0.1, two further brokers take the next; by default the workspace's, else 9092.",
            min=1,
            max=65_533,
        ),
    ] = None,
    workspace: InWorkspace = HERE,
    as_json: Json = False,
) -> None:
    """Start brokers that go on running, those of them that do not run already. Needs Java 17; their jars are fetched once by Maven."""
    folder = _data(data, workspace)
    named = _ports(workspace)
    wanted = brokers or brokers_in(folder) or len(named)
    bootstrap = detached.up(folder, brokers=wanted, port=port or named[0], tell=_progress())
    document = {"bootstrap": bootstrap, "brokers": wanted, "data": str(folder)}
    say(document, f"Kafka runs at {bootstrap}; data in {folder}.", as_json=as_json)


@app.command()
def down(data: Data = None, workspace: InWorkspace = HERE, as_json: Json = False) -> None:
    """Stop those brokers; their records stay."""
    stopped = detached.down(_data(data, workspace), _progress())
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
    held = replication(servers)
    document = {
        "bootstrap": servers,
        "topics": [asdict(each) for each in held],
        "created": list(changes.created),
        "configured": list(changes.configured),
        "problems": [
            {"topic": problem.topic, "kind": problem.kind, "error": problem.message, "mend": problem.mend}
            for problem in changes.problems
        ],
    }
    lines = [f"created {name}" for name in changes.created] + [f"configured {name}" for name in changes.configured]
    lines += [_replicated(each) for each in held]
    lines += [f"{problem.message} {problem.mend}" for problem in changes.problems]
    if not changes.problems:
        lines.append(f"The topics at {servers} are as they should be.")
    say(document, "\n".join(lines), as_json=as_json)
    if changes.problems:
        raise typer.Exit(NO)


def _data(data: Path | None, workspace: Path) -> Path:
    return (data or workspace / ".kafka" / "broker").absolute()


def _settings(workspace: Path) -> ServiceSettings | None:
    path = Workspace(workspace).settings(OPERATOR)
    return ServiceSettings.load(path) if path.is_file() else None


def _ports(workspace: Path) -> list[int]:
    """The ports that the workspace's settings expect on this machine, one for each broker."""
    settings = _settings(workspace)
    if settings is None:
        return [PORT]
    places = [address.strip().rpartition(":") for address in settings.bootstrap.split(",")]
    if any(host not in {"127.0.0.1", "localhost"} for host, _, _ in places):
        raise ConfigurationError(
            f"The settings name the broker {settings.bootstrap}, which is not on this machine.",
            "Use that one, or set `bootstrap` to 127.0.0.1:9092 in settings/*.toml.",
        )
    return [int(port) for _, _, port in places]


def _progress() -> Callable[[str], None]:
    """Where a person sees what is done meanwhile."""
    return PlainView(Console(stderr=True, highlight=False), SystemClock()).say


def _replicated(held: Replication) -> str:
    """On how many brokers a topic is, in one line."""
    many = f"{held.replicas} brokers" if held.replicas > 1 else "1 broker"
    missing = f", {held.in_sync} of them in sync" if held.in_sync < held.replicas else ""
    return f"{held.topic:<{_WIDTH}}  {counted(held.partitions, 'partition'):<12}  on {many}{missing}"


def _bootstrap(workspace: Path) -> str:
    settings = _settings(workspace)
    servers = settings.bootstrap if settings else os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return servers or detached.running(_data(None, workspace)) or f"127.0.0.1:{PORT}"
