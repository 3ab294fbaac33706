"""`interlock init DIR`: a whole working configuration, to be read and changed."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.answer import Json, say
from interlock.cli.examples import EXAMPLE_NAMES, USUAL_EXAMPLE, Example, load_example
from interlock.cli.policy.editor import with_schemas, write_schemas
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import first_settings
from interlock.runtime.founding import found
from interlock.runtime.workspace import Workspace
from interlock.signing.keys import KeyKind
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import ANY, RouteId, is_name


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    deployment: Annotated[str, typer.Option(help="The deployment's name: the audience of every record.")] = "default",
    bootstrap: Annotated[str, typer.Option(help="Kafka bootstrap servers.")] = "127.0.0.1:9092",
    example: Annotated[
        str, typer.Option(help=f"The policy to begin with. One of {', '.join(f'`{name}`' for name in EXAMPLE_NAMES)}.")
    ] = USUAL_EXAMPLE,
    keys: Annotated[
        KeyKind, typer.Option(help="The kind of everybody's keys. Who signs webhooks has an Ed25519 key in any case.")
    ] = KeyKind.ED25519,
    as_json: Json = False,
) -> None:
    """Write a working configuration: trust root, keys, models, evidence, an example policy, settings of every service."""
    if not is_name(deployment):
        raise ConfigurationError(
            f"{deployment!r} cannot name a deployment.", "Use lower-case letters, digits and . _ @ -."
        )
    now = SystemClock().now().wall
    chosen = load_example(example, deployment, now)
    workspace = found(directory, replace(with_schemas(chosen.plan), keys=keys), now)
    write_schemas(workspace)
    _write_settings(workspace, chosen, bootstrap)
    readme = workspace.write(directory / "README.md", chosen.readme())
    say(
        {"directory": str(directory), "deployment": deployment, "next": str(readme)},
        f"{directory} holds a working configuration. Its README.md tells the next steps.",
        as_json=as_json,
    )


def _write_settings(workspace: Workspace, example: Example, bootstrap: str) -> None:
    """The settings of every service; the gateway knows one key for each route of the agent."""
    first = RouteId(example.agent, "main", ANY)
    agents = {example.agent: workspace.make_agent_key(example.agent)} if first in example.routes else {}
    settings = first_settings(example.plan.deployment, bootstrap, agents)
    settings["gateway"]["agents"] += _other_keys(workspace, example.routes, first)
    for service, values in settings.items():
        workspace.write_settings(service, values)


def _other_keys(workspace: Workspace, routes: tuple[RouteId, ...], first: RouteId) -> Iterator[dict[str, Any]]:
    """A key for every other route: its slot and scope are known from it, never from what the agent says."""
    for route in routes:
        if route != first:
            place = route.slot if route.scope == ANY else f"{route.slot}.{route.scope}"
            key = workspace.make_agent_key(f"{route.agent}.{place}")
            yield {**route._asdict(), "key_sha256": sha256(key.encode()).hexdigest()}
