"""The contract of every command: exit codes, and errors that tell the next step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

Interlock = Callable[..., Result]


def test_alone_it_prints_what_it_can_do(interlock: Interlock) -> None:
    result = interlock()
    assert result.exit_code == 0
    assert "policy" in result.stdout


def test_wrong_usage_is_exit_code_2_with_the_mend_on_standard_error(interlock: Interlock) -> None:
    result = interlock("policy", "frobnicate")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such command 'frobnicate'" in result.stderr
    assert "-> Run `interlock policy --help`" in result.stderr


def test_with_json_wrong_usage_is_a_document_too(as_json: Callable[..., dict[str, Any]]) -> None:
    refused = as_json("policy", "check", code=2)
    assert set(refused) == {"error", "mend"}
    assert "FILE" in refused["error"]


def test_an_unknown_service_cannot_be_run(interlock: Interlock) -> None:
    result = interlock("run", "everything")
    assert result.exit_code == 2
    assert "health-monitor" in result.stderr


def test_a_service_without_settings_tells_how_to_get_them(interlock: Interlock, tmp_path: Path) -> None:
    result = interlock("run", "decision", "-w", tmp_path)
    assert result.exit_code == 2
    assert "interlock init DIR" in result.stderr
