"""`interlock init DIR`: a whole working configuration, to be read and changed."""

from pathlib import Path
from string import Template
from typing import Annotated, Final

import typer
import yaml

from interlock.cli.answer import Json, say
from interlock.runtime.clock import SystemClock
from interlock.runtime.first_settings import first_settings
from interlock.runtime.founding import Plan, found
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import is_name
from interlock.vocabulary.time import Micros, parse_duration, to_text

_INSTALLED = Path(__file__).parents[1] / "deploy" / "policies"
_CHECKOUT = Path(__file__).parents[3] / "deploy" / "policies"
EXAMPLES: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
"""Where the examples are: beside the package in a wheel, at the top of a checkout."""

AGENT = "invoice"
PROFILE = "invoice-extraction"
_POLICY_LASTS = parse_duration("180d")
_EVIDENCE_LASTS = parse_duration("365d")
_ROTATION_AFTER = parse_duration("365d")


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    deployment: Annotated[str, typer.Option(help="The deployment's name: the audience of every record.")] = "default",
    bootstrap: Annotated[str, typer.Option(help="Kafka bootstrap servers.")] = "127.0.0.1:9092",
    as_json: Json = False,
) -> None:
    """Write a working configuration: trust root, keys, models, evidence, an example policy, settings of every service."""
    if not is_name(deployment):
        raise ConfigurationError(
            f"{deployment!r} cannot name a deployment.", "Use lower-case letters, digits and . _ @ -."
        )
    now = SystemClock().now().wall
    workspace = found(directory, example_plan(deployment, now), now)
    agent_key = workspace.make_agent_key(AGENT)
    for service, values in first_settings(deployment, bootstrap, {AGENT: agent_key}).items():
        workspace.write_settings(service, values)
    readme = workspace.write(directory / "README.md", _example("workspace.md"))
    say(
        {"directory": str(directory), "deployment": deployment, "next": str(readme)},
        f"{directory} holds a working configuration. Its README.md tells the next steps.",
        as_json=as_json,
    )


def example_plan(deployment: str, now: Micros) -> Plan:
    """The example: one agent, two models, evidence for both."""
    registry = _example("registry.yaml", rotation=to_text(Micros(now + _ROTATION_AFTER)))
    evidence = {
        f"{name}.{PROFILE}": _example(
            "evidence.yaml",
            model=name,
            version=entry["version"],
            profile=PROFILE,
            validated=to_text(now),
            ends=to_text(Micros(now + _EVIDENCE_LASTS)),
        )
        for name, entry in yaml.safe_load(registry)["models"].items()
    }
    policy = _example("invoice.yaml", deployment=deployment, ends=to_text(Micros(now + _POLICY_LASTS)))
    return Plan(deployment, registry, evidence, {AGENT: policy})


def _example(name: str, **values: object) -> str:
    return Template((EXAMPLES / name).read_text("utf-8")).substitute(values)
