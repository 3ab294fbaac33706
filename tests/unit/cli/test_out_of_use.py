"""What only the topic knows is told where a policy is published: rungs that may not be used, though the policy counts."""

import shutil
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

UNUSED = {"route": "invoice/main/*", "model": "birch-medium", "reason": "denied"}


@pytest.fixture
def denied(workspace: Workspace, broker: MemoryBroker, as_json: AsJson, tmp_path: Path) -> None:
    """The fallback of the example is denied on the topic."""
    denial = Denial("d-1", "birch-medium", "leaks prompts", SystemClock().now().wall)
    sealed = tmp_path / "deny.sealed"
    sealed.write_bytes(seal(denial, workspace.load_key("sam")))
    as_json("policy", "publish", workspace.root, workspace.registrations, sealed, "-w", workspace.directory)


@pytest.mark.usefixtures("denied")
def test_a_policy_with_a_model_that_is_denied_is_published_with_a_warning(
    as_json: AsJson, interlock: Interlock, workspace: Workspace
) -> None:
    assert as_json("policy", "check", workspace.policies / "invoice.yaml")["problems"] == [], "it knows no topic"
    file = workspace.policies / "invoice.sealed"
    shown = interlock("policy", "publish", file)
    assert shown.exit_code == 0
    assert f"{file}: published as policy/invoice" in shown.stdout
    assert "warning: invoice/main/* may not use birch-medium: denied\n  -> The safety role denied" in shown.stdout
    again = as_json("policy", "publish", file)
    assert (again["ok"], again["files"][0]["already_there"]) == (True, True)
    assert again["out_of_use"] == [{"file": str(file), **UNUSED}]


def test_where_every_rung_may_be_used_nothing_is_warned_of(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, broker: MemoryBroker
) -> None:
    assert "warning" not in interlock("policy", "publish", workspace.directory).stdout
    assert as_json("policy", "publish", workspace.directory)["out_of_use"] == []


@pytest.mark.usefixtures("denied")
def test_a_policy_that_was_replaced_is_not_warned_of(as_json: AsJson, workspace: Workspace) -> None:
    policy = workspace.policies / "invoice.yaml"
    as_json("policy", "publish", policy.with_suffix(".sealed"))
    older = shutil.copy(policy.with_suffix(".sealed"), workspace.directory / "older.sealed")
    policy.write_text(policy.read_text().replace("version: 1", "version: 2", 1))
    as_json("policy", "sign", policy, "--key", workspace.key("oscar"), "--key", workspace.key("grace"))
    assert as_json("policy", "publish", policy.with_suffix(".sealed"))["out_of_use"]
    assert as_json("policy", "publish", older)["out_of_use"] == []


@pytest.mark.usefixtures("denied")
def test_a_policy_that_does_not_count_is_not_warned_of(as_json: AsJson, workspace: Workspace) -> None:
    file = workspace.policies / "invoice.sealed"
    file.unlink()
    as_json("policy", "sign", file.with_suffix(".yaml"), "--key", workspace.key("oscar"))
    assert as_json("policy", "publish", file, code=1)["out_of_use"] == []
