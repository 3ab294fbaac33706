"""A workspace that `interlock init` made, and the command line on a bus in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from interlock.cli import connection
from interlock.cli.app import app
from interlock.runtime.memory_bus import MemoryBroker, MemoryBus
from interlock.runtime.workspace import Workspace

Interlock = Callable[..., Result]


@pytest.fixture
def interlock() -> Interlock:
    def interlock(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="interlock")

    return interlock


@pytest.fixture
def as_json(interlock: Interlock) -> Callable[..., dict[str, Any]]:
    def as_json(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
        result = interlock(*arguments, "--json")
        assert result.exit_code == code, result.output
        assert result.stderr == ""
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    return as_json


@pytest.fixture
def workspace(interlock: Interlock, tmp_path: Path) -> Workspace:
    result = interlock("init", tmp_path / "deployment", "--deployment", "testbed")
    assert result.exit_code == 0, result.output
    return Workspace(tmp_path / "deployment")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    """Stands where Kafka would: the only thing that these tests put in the place of another."""
    memory = MemoryBroker()
    monkeypatch.setattr(connection, "KafkaBus", lambda *_, **__: MemoryBus(memory))
    return memory
