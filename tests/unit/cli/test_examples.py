"""The examples of each kind of work: each founds a deployment, and passes its own check with exactly the warnings it speaks of."""

import tomllib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.cli.examples import EXAMPLE_NAMES, EXAMPLES, USUAL_EXAMPLE, load_example
from interlock.policy.authoring.usual import USUAL
from interlock.policy.book import Book, Taken, take
from interlock.router.gateway.settings import GatewaySettings
from interlock.runtime.opening import load_trust
from interlock.runtime.workspace import Workspace
from interlock.testing.builders import NOW
from interlock.vocabulary.identifiers import RouteId

Interlock = Callable[..., Result]
AsJson = Callable[..., dict[str, Any]]

WARNINGS = {
    "live_system": [("departures[0].from", "departs from short-grace: ")],
    "safety_critical": [("routes[0].ladder", "all rungs share the region plant-3: ")],
}
"""What the comments of an example say that `check` warns of; the others have no warning."""


@pytest.fixture
def founded(interlock: Interlock, tmp_path: Path) -> Callable[[str], Workspace]:
    def founded(example: str) -> Workspace:
        result = interlock("init", tmp_path / example, "--example", example, "--deployment", "testbed")
        assert result.exit_code == 0, result.output
        return Workspace(tmp_path / example)

    return founded


def test_there_is_an_example_for_every_kind_of_work() -> None:
    assert set(EXAMPLE_NAMES) == {USUAL_EXAMPLE, *USUAL}
    assert {folder.name for folder in (EXAMPLES / "examples").iterdir()} == set(USUAL)
    for workflow in USUAL:
        (policy,) = load_example(workflow, "testbed", NOW).plan.policies.values()
        assert f"workflow: {workflow}\n" in policy


@pytest.mark.parametrize("example", EXAMPLE_NAMES)
def test_it_founds_a_deployment_and_passes_the_check_with_the_warnings_that_it_speaks_of(
    founded: Callable[[str], Workspace], as_json: AsJson, example: str
) -> None:
    workspace = founded(example)
    (policy,) = workspace.policies.glob("*.yaml")
    told = as_json("policy", "check", policy)
    assert told["ok"]
    expected = WARNINGS.get(example, [])
    assert [(problem["severity"], problem["field"]) for problem in told["problems"]] == [
        ("warning", field) for field, _ in expected
    ]
    assert all(problem["what"].startswith(what) for problem, (_, what) in zip(told["problems"], expected, strict=True))
    assert as_json("policy", "check", workspace.registry)["problems"] == []


@pytest.mark.parametrize("example", EXAMPLE_NAMES)
def test_what_it_signs_counts(founded: Callable[[str], Workspace], example: str) -> None:
    workspace = founded(example)
    trust, root_id = load_trust(workspace.root, "testbed")
    (sealed,) = workspace.policies.glob("*.sealed")
    assert isinstance(take(Book.start(trust, root_id), sealed.read_bytes()), Taken)


@pytest.mark.parametrize("example", EXAMPLE_NAMES)
def test_every_route_has_a_key_of_its_own_that_the_gateway_knows(
    founded: Callable[[str], Workspace], example: str
) -> None:
    workspace = founded(example)
    routes = load_example(example, "testbed", NOW).routes
    settings = GatewaySettings.load(workspace.settings("gateway"))
    assert [agent.route for agent in settings.agents] == list(routes)
    written = {sha256(file.read_bytes()).hexdigest() for file in (workspace.directory / "keys").glob("agent-*.txt")}
    assert {agent.key_sha256 for agent in settings.agents} == written
    assert len(written) == len(routes)


def test_the_key_of_a_second_route_bears_its_slot_and_scope(founded: Callable[[str], Workspace]) -> None:
    workspace = founded("live_system")
    assert (workspace.directory / "keys" / "agent-release-manager.drafting.txt").is_file()
    known = tomllib.loads(workspace.settings("gateway").read_text())["agents"]
    assert [(agent["agent"], agent.get("slot", "main")) for agent in known] == [
        ("release-manager", "main"),
        ("release-manager", "drafting"),
    ]


@pytest.mark.parametrize("example", EXAMPLE_NAMES)
def test_its_readme_speaks_of_its_own_agent_and_models(founded: Callable[[str], Workspace], example: str) -> None:
    workspace = founded(example)
    chosen, text = load_example(example, "testbed", NOW), (workspace.directory / "README.md").read_text()
    assert f"`policies/{chosen.agent}.yaml`" in text
    assert f"interlock disable {chosen.primary} " in text
    assert all(f"{secret}=..." in text for secret in chosen.secrets)
    assert ("invoice" in text) == (example == USUAL_EXAMPLE)


def test_the_live_system_example_names_both_of_its_routes() -> None:
    assert load_example("live_system", "testbed", NOW).routes == (
        RouteId("release-manager", "main", "*"),
        RouteId("release-manager", "drafting", "*"),
    )


def test_an_example_that_there_is_not_is_refused_before_anything_is_written(as_json: AsJson, tmp_path: Path) -> None:
    refused = as_json("init", tmp_path / "new", "--example", "gambling", code=2)
    assert "no example 'gambling'" in refused["error"]
    assert "money_moving" in refused["mend"]
    assert not (tmp_path / "new").exists()
