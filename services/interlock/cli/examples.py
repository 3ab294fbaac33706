"""The examples that `interlock init` founds a deployment with: one for each kind of work, and the invoice agent as the usual one.

Each is a folder with a policy, its registry and the evidence of a validator, as templates of what a governance owner would write.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

from interlock.policy.authoring.usual import USUAL
from interlock.runtime.founding import Plan
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import Micros, parse_duration, to_text

_INSTALLED = Path(__file__).parents[1] / "deploy" / "policies"
_CHECKOUT = Path(__file__).parents[3] / "deploy" / "policies"
EXAMPLES: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
"""Where the examples are: beside the package in a wheel, at the top of a checkout."""

USUAL_EXAMPLE = "invoice"
EXAMPLE_NAMES = (USUAL_EXAMPLE, *(str(workflow) for workflow in USUAL))

_POLICY_LASTS = parse_duration("180d")
_EVIDENCE_LASTS = parse_duration("365d")
_ROTATION_AFTER = parse_duration("365d")


@dataclass(frozen=True, slots=True)
class Example:
    """One example.

    Attributes:
        plan: What a deployment is founded with.
        agent: The agent whose policy it is.
        routes: The agent's routes, in the order of the policy.
        primary: The first model of the first ladder.
        secrets: The environment variables that hold the models' credentials.
    """

    plan: Plan
    agent: str
    routes: tuple[RouteId, ...]
    primary: str
    secrets: tuple[str, ...]

    def readme(self) -> str:
        """What a person reads first in the new folder."""
        exports = " ".join(f"{secret}=..." for secret in self.secrets)
        return _filled(EXAMPLES / "workspace.md", agent=self.agent, primary=self.primary, exports=exports)


def load_example(name: str, deployment: str, now: Micros) -> Example:
    """Fill in an example for a deployment.

    Raises:
        ConfigurationError: There is no such example.
    """
    if name not in EXAMPLE_NAMES:
        raise ConfigurationError(f"There is no example {name!r}.", f"Name one of: {', '.join(EXAMPLE_NAMES)}.")
    usual = name == USUAL_EXAMPLE
    folder = EXAMPLES if usual else EXAMPLES / "examples" / name
    registry = _filled(folder / "registry.yaml", rotation=to_text(Micros(now + _ROTATION_AFTER)))
    ends = to_text(Micros(now + _POLICY_LASTS))
    text = _filled(folder / (f"{name}.yaml" if usual else "policy.yaml"), deployment=deployment, ends=ends)
    policy, models = yaml.safe_load(text), yaml.safe_load(registry)["models"]
    evidence = {
        f"{model}.{profile}": _evidence(folder, model, models[model]["version"], profile, now)
        for model, profile in _validated(policy)
    }
    agent = policy["agent"]
    return Example(
        plan=Plan(deployment, registry, evidence, {agent: text}),
        agent=agent,
        routes=tuple(RouteId(agent, route["slot"], route["scope"]) for route in policy["routes"]),
        primary=policy["routes"][0]["ladder"][0]["model"],
        secrets=tuple(entry["identity"]["secret_ref"].removeprefix("env:") for entry in models.values()),
    )


def _validated(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every pair of a model and a task profile that the policy needs evidence for, each of them once."""
    pairs = ((rung["model"], route["task_profile"]) for route in policy["routes"] for rung in route["ladder"])
    yield from dict.fromkeys(pairs)


def _evidence(folder: Path, model: str, version: str, profile: str, now: Micros) -> str:
    ends = to_text(Micros(now + _EVIDENCE_LASTS))
    said = {"model": model, "version": version, "profile": profile, "validated": to_text(now), "ends": ends}
    return _filled(folder / "evidence.yaml", **said)


def _filled(template: Path, **values: str) -> str:
    return Template(template.read_text("utf-8")).substitute(values)
