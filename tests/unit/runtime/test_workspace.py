"""The files of a deployment: their places, and what is written there."""

import stat
import tomllib
from pathlib import Path

import pytest

from interlock.runtime.workspace import Workspace, read_text, toml, write_whole
from interlock.vocabulary.errors import ConfigurationError


def test_a_file_belongs_to_the_nearest_folder_with_a_registry(tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_text("models: {}\n")
    inner = tmp_path / "policies"
    inner.mkdir()
    assert Workspace.around(inner / "invoice.yaml").directory == tmp_path
    assert Workspace.around(tmp_path).directory == tmp_path
    (inner / "registry.yaml").write_text("models: {}\n")
    assert Workspace.around(inner / "invoice.yaml").directory == inner


def test_a_file_outside_any_workspace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no workspace"):
        Workspace.around(tmp_path / "lonely.yaml")


def test_settings_survive_the_way_to_toml_and_back() -> None:
    values = {
        "text": 'a "quoted" \\ text, ünïcode',
        "number": 20,
        "share": 0.5,
        "on": True,
        "names": ["a", "b"],
        "empty": [],
        "table": {"for": "30s", "deep": {"a": 1}},
        "agents": [{"agent": "x", "key": "1"}, {"agent": "y", "key": "2"}],
    }
    assert tomllib.loads(toml(values)) == values


def test_secrets_are_written_once_and_for_their_owner_only(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.make_keys("grace")
    agent_key = workspace.make_agent_key("invoice")
    assert len(agent_key) > 40
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "keys").iterdir()} == {0o600}
    with pytest.raises(FileExistsError):
        workspace.make_keys("grace")


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = write_whole(tmp_path / "new" / "it.sealed", b"1")
    write_whole(file, b"2")
    assert [path.name for path in file.parent.iterdir()] == ["it.sealed"]
    assert file.read_bytes() == b"2"


def test_what_is_no_text_is_refused_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_text(tmp_path / "it.yaml")
    with pytest.raises(ConfigurationError, match="Check the path"):
        read_text(tmp_path / "missing.yaml")
