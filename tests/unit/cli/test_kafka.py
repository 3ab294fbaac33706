"""`interlock kafka`, as far as it goes without a broker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.runtime.workspace import Workspace

AsJson = Callable[..., dict[str, Any]]


def test_a_broker_that_does_not_run_is_not_stopped(as_json: AsJson, tmp_path: Path) -> None:
    assert as_json("kafka", "down", "-w", tmp_path) == {"stopped": False}


def test_no_broker_is_started_here_where_the_settings_name_one_elsewhere(
    as_json: AsJson, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example:9092")
    refused = as_json("kafka", "up", "-w", workspace.directory, code=2)
    assert "kafka.example:9092" in refused["error"]
    assert "Use that one" in refused["mend"]
