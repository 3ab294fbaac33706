"""Commands that a trial types: what they answer is a document, or it is no answer."""

from pathlib import Path

import pytest

from interlock.runtime.workspace import Workspace
from interlock.trials.typed import typed
from interlock.trials.witness import NotSeen


async def test_a_command_runs_in_the_folder_and_its_document_comes_back(tmp_path: Path) -> None:
    answer = await typed(Workspace(tmp_path), "status")
    assert "operator.toml" in answer["error"], "there are no settings in this folder, and it says so"


async def test_what_answers_no_document_was_not_seen(tmp_path: Path) -> None:
    with pytest.raises(NotSeen, match="answered no document"):
        await typed(Workspace(tmp_path), "status", "--help")
