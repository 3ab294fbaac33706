"""`interlock policy check` of a folder: every policy in it, one line for all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.runtime.workspace import Workspace

AsJson = Callable[..., dict[str, Any]]
Interlock = Callable[..., Result]


@pytest.fixture
def policy(workspace: Workspace) -> Path:
    return workspace.policies / "invoice.yaml"


def test_of_a_workspace_the_registry_and_every_policy_are_checked(
    as_json: AsJson, workspace: Workspace, policy: Path
) -> None:
    assert as_json("policy", "check", workspace.directory) == {
        "folder": str(workspace.directory),
        "ok": True,
        "files": [
            {"file": str(workspace.registry), "ok": True, "problems": []},
            {"file": str(policy), "ok": True, "problems": []},
        ],
        "counts": {"files": 2, "fit": 2, "errors": 0, "warnings": 0},
    }


def test_for_a_person_there_is_one_line_of_summary(interlock: Interlock, workspace: Workspace) -> None:
    result = interlock("policy", "check", workspace.directory)
    assert result.stdout == f"{workspace.directory}: 2 of 2 documents fit to be signed; 0 errors, 0 warnings.\n"


def test_one_that_fails_is_exit_code_1_and_the_others_are_checked_all_the_same(
    as_json: AsJson, interlock: Interlock, workspace: Workspace, policy: Path
) -> None:
    (workspace.policies / "a.yaml").write_text("agent: [\n")
    (workspace.policies / "b.yaml").write_bytes(b"\xff")
    (workspace.policies / "c.yaml").mkdir()
    told = as_json("policy", "check", workspace.policies, code=1)
    assert not told["ok"]
    assert [(Path(file["file"]).name, file["ok"]) for file in told["files"]] == [
        ("a.yaml", False),
        ("b.yaml", False),
        ("c.yaml", False),
        ("invoice.yaml", True),
    ]
    assert told["counts"] == {"files": 4, "fit": 1, "errors": 3, "warnings": 0}
    shown = interlock("policy", "check", workspace.policies).stdout
    assert f"{workspace.policies / 'b.yaml'}:1: {workspace.policies / 'b.yaml'} is not UTF-8 text" in shown
    assert shown.splitlines()[-1].endswith("1 of 4 documents fit to be signed; 3 errors, 0 warnings.")


def test_a_neighbour_that_cannot_be_read_does_not_keep_a_policy_from_being_checked(
    as_json: AsJson, workspace: Workspace, policy: Path
) -> None:
    (workspace.policies / "b.yaml").write_bytes(b"invoice \xff")
    (workspace.policies / "c.yaml").mkdir()
    (workspace.policies / "d.yaml").symlink_to("d.yaml")
    assert as_json("policy", "check", policy)["ok"]


def test_a_folder_without_a_policy_is_wrong_usage(as_json: AsJson, workspace: Workspace) -> None:
    (workspace.directory / "empty").mkdir()
    told = as_json("policy", "check", workspace.directory / "empty", code=2)
    assert "holds no policy" in told["error"]
