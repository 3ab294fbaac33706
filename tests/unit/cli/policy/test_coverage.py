"""`interlock policy coverage`: every agent has a path, or is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.records.documents import Denial
from interlock.records.sealing import seal
from interlock.runtime.clock import SystemClock
from interlock.runtime.memory_bus import MemoryBroker
from interlock.runtime.workspace import Workspace

AsJson = Callable[..., dict[str, Any]]
Interlock = Callable[..., Result]


@pytest.fixture
def policy(workspace: Workspace) -> Path:
    return workspace.policies / "invoice.yaml"


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    file = tmp_path / "agents.txt"
    file.write_text("# what runs in production\ninvoice\n\npayroll\n")
    return file


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_an_agent_with_a_policy_has_its_path_told(as_json: AsJson, workspace: Workspace) -> None:
    told = as_json("policy", "coverage", workspace.directory)
    (agent,) = told["agents"]
    assert (told["ok"], told["live"], told["without"], told["differences"]) == (True, False, [], {})
    assert told["counts"] == {"agents": 1, "covered": 1, "without": 0}
    assert (agent["agent"], agent["workflow"], agent["version"], agent["team"]) == (
        "invoice",
        "customer_facing",
        1,
        "payments-automation",
    )
    assert agent["routes"] == [
        {
            "route": "invoice/main/*",
            "ladder": [{"model": "atlas-large", "against": None}, {"model": "birch-medium", "against": None}],
            "safe_state": "suspend",
        }
    ]
    assert agent["lacking"] is None
    assert agent["departures"] == []
    assert told["first_to_end"] == {"agent": "invoice", **agent["first_to_end"]}
    assert told["first_to_end"]["what"] == "the policy of invoice"


def test_for_a_person_a_path_is_one_line(interlock: Interlock, workspace: Workspace) -> None:
    lines = interlock("policy", "coverage", workspace.directory).stdout.splitlines()
    assert lines[0].split() == ["agent", "kind", "of", "work", "route", "path"]
    assert lines[1] == "invoice  customer_facing  main/*  atlas-large → birch-medium → suspend"
    assert lines[2].startswith("First to end: the policy of invoice at ")
    assert "in 179 days (invoice)." in lines[2]
    assert lines[3] == "1 agent: 1 with a path, 0 without."


def test_a_named_agent_without_a_policy_is_exit_code_1(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, agents: Path
) -> None:
    told = as_json("policy", "coverage", workspace.directory, "--agents", agents, code=1)
    assert (told["ok"], told["without"]) == (False, ["payroll"])
    assert told["counts"] == {"agents": 2, "covered": 1, "without": 1}
    assert told["agents"][1]["lacking"] == "no policy names it"
    shown = interlock("policy", "coverage", workspace.directory, "--agents", agents).stdout
    assert "payroll  -                -       none: no policy names it" in shown
    assert shown.endswith("2 agents: 1 with a path, 1 without.\n")


def test_an_agent_that_is_owned_and_has_no_policy_is_named(as_json: AsJson, workspace: Workspace, policy: Path) -> None:
    policy.unlink()
    told = as_json("policy", "coverage", workspace.directory, code=1)
    assert told["without"] == ["invoice"]
    assert told["first_to_end"] is None


def test_a_policy_that_is_not_fit_to_be_signed_covers_nobody(
    as_json: AsJson, workspace: Workspace, policy: Path
) -> None:
    edit(policy, "model: birch-medium", "model: cedar")
    (agent,) = as_json("policy", "coverage", workspace.directory, code=1)["agents"]
    assert agent["lacking"] == "invoice.yaml is not fit to be signed (1 error)"


def test_a_policy_that_does_not_tell_its_agent_is_named_by_its_file(as_json: AsJson, workspace: Workspace) -> None:
    (workspace.policies / "broken.yaml").write_text("agent: [\n")
    (workspace.policies / "binary.yaml").write_bytes(b"\xff\xfe")
    told = as_json("policy", "coverage", workspace.directory, code=1)
    assert told["without"] == [str(workspace.policies / "binary.yaml"), "broken.yaml"]
    assert told["agents"][-1]["agent"] == "invoice"


def test_departures_are_shown(interlock: Interlock, as_json: AsJson, tmp_path: Path) -> None:
    interlock("init", tmp_path / "live", "--example", "live_system")
    (agent,) = as_json("policy", "coverage", tmp_path / "live")["agents"]
    assert [departure["demand"] for departure in agent["departures"]] == ["short-grace"]
    shown = interlock("policy", "coverage", tmp_path / "live").stdout
    assert "release-manager departs from short-grace: a release under way" in shown
    assert "drafting/*  atlas-writer → birch-writer → suspend" in shown


@pytest.mark.parametrize(
    ("content", "told"), [("invoice\nIn Voice\n", ":2: 'In Voice' cannot name an agent"), (b"\xff", "is not UTF-8")]
)
def test_a_list_of_agents_that_is_none_is_wrong_usage(
    as_json: AsJson, workspace: Workspace, agents: Path, content: str | bytes, told: str
) -> None:
    agents.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert told in as_json("policy", "coverage", workspace.directory, "--agents", agents, code=2)["error"]


def test_a_folder_that_is_no_workspace_is_wrong_usage(as_json: AsJson, tmp_path: Path) -> None:
    assert "in no workspace" in as_json("policy", "coverage", tmp_path, code=2)["error"]


def test_live_it_reads_what_is_published(as_json: AsJson, workspace: Workspace, broker: MemoryBroker) -> None:
    told = as_json("policy", "coverage", workspace.directory, "--live", code=1)
    assert told["agents"][0]["lacking"] == "no policy names it", "nothing is published yet"
    assert told["differences"] == {"invoice": "version 1 is here and is not published"}
    as_json("policy", "publish", workspace.directory)
    told = as_json("policy", "coverage", workspace.directory, "--live")
    assert (told["ok"], told["live"], told["differences"]) == (True, True, {})
    assert told["agents"][0]["routes"][0]["safe_state"] == "suspend"


def test_live_it_tells_where_the_files_differ(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, policy: Path, broker: MemoryBroker
) -> None:
    as_json("policy", "publish", workspace.directory)
    edit(policy, "grace: 60s", "grace: 61s")
    told = as_json("policy", "coverage", workspace.directory, "--live")
    assert told["agents"][0]["differs"] == "version 1 is here with other content than the published one"
    edit(policy, "version: 1", "version: 2")
    told = as_json("policy", "coverage", workspace.directory, "--live")
    assert told["differences"] == {"invoice": "version 2 is here and is not published, 1 is"}
    edit(policy, "model: birch-medium", "model: cedar")
    told = as_json("policy", "coverage", workspace.directory, "--live")
    assert "version 1 is published, and invoice.yaml is not fit" in told["differences"]["invoice"]
    policy.unlink()
    shown = interlock("policy", "coverage", workspace.directory, "--live").stdout
    assert "invoice: version 1 is published, and there is no policy for it here" in shown


def test_live_a_denied_model_is_shown_with_the_reason_and_a_path_of_none_covers_nobody(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, broker: MemoryBroker, tmp_path: Path
) -> None:
    as_json("policy", "publish", workspace.directory)
    now = SystemClock().now().wall

    def deny(model: str) -> None:
        sealed = tmp_path / f"deny-{model}.sealed"
        sealed.write_bytes(seal(Denial(f"d-{model}", model, "leaks prompts", now), workspace.load_key("sam")))
        as_json("policy", "publish", sealed, "--workspace", workspace.directory)

    deny("birch-medium")
    told = as_json("policy", "coverage", workspace.directory, "--live")
    assert told["agents"][0]["routes"][0]["ladder"][1] == {"model": "birch-medium", "against": "denied"}
    shown = interlock("policy", "coverage", workspace.directory, "--live").stdout
    assert "atlas-large → birch-medium (denied) → suspend" in shown
    deny("atlas-large")
    told = as_json("policy", "coverage", workspace.directory, "--live", code=1)
    assert told["agents"][0]["lacking"] == "none of its rungs may be used now"


def test_live_without_a_bus_is_exit_code_3(as_json: AsJson, workspace: Workspace, broker: MemoryBroker) -> None:
    broker.reachable = False
    assert "unreachable" in as_json("policy", "coverage", workspace.directory, "--live", code=3)["error"]


def test_live_a_route_of_which_no_rung_may_be_used_is_a_path_that_lacks(
    as_json: AsJson, interlock: Interlock, tmp_path: Path, broker: MemoryBroker
) -> None:
    assert interlock("init", tmp_path / "chat", "--example", "customer_facing").exit_code == 0
    workspace = Workspace(tmp_path / "chat")
    as_json("policy", "publish", workspace.directory)
    for model in ("birch-medium", "cedar-mini"):
        sealed = tmp_path / f"deny-{model}.sealed"
        denial = Denial(f"d-{model}", model, "leaks prompts", SystemClock().now().wall)
        sealed.write_bytes(seal(denial, workspace.load_key("sam")))
        as_json("policy", "publish", sealed, "--workspace", workspace.directory)
    told = as_json("policy", "coverage", workspace.directory, "--live", code=1)
    assert (told["ok"], told["without"]) == (False, ["support-chat"])
    assert told["agents"][0]["lacking"] == "no rung of main/free-tier may be used now"
    shown = interlock("policy", "coverage", workspace.directory, "--live").stdout
    assert shown.count("(none: ") == 1, "the other route has its primary"
