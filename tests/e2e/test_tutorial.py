"""The tutorial, word for word: every command that it shows is run in a fresh folder, and what it shows of the answers is what came.

Only the two commands that start and stop a broker are left out; the environment names the tests' own.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-policy.md"
LEFT_OUT = ("interlock kafka up", "interlock kafka down")
PATIENCE_S = 900
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_VARIES = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?|\b[0-9a-f]{8,}…?|\d+")
"""Moments, digests and numbers are others on every day."""

_MARK = "=== block"


@dataclass(frozen=True)
class Block:
    """Commands, and what the tutorial shows of their answers."""

    commands: str
    shown: str = ""

    @property
    def says_no(self) -> bool:
        """Whether the last command is shown to end with an error, or with the answer no."""
        return any(
            word in self.shown for word in ("not fit to be signed", "Nothing was published", "1 without", "error: ")
        )


def blocks() -> list[Block]:
    found: list[Block] = []
    for kind, body in _FENCE.findall(TUTORIAL.read_text("utf-8")):
        if kind == "sh":
            found.append(Block(body))
        elif kind == "text":
            assert not found[-1].shown, "an answer follows its commands"
            found[-1] = Block(found[-1].commands, body)
    return found


def script(commands: list[Block]) -> str:
    """All commands, in one shell, as a reader types them: a mark and the exit code after each block."""
    lines = ["exec 2>&1"]
    for number, block in enumerate(commands):
        kept = [line for line in block.commands.splitlines() if not line.startswith(LEFT_OUT)]
        lines += [f"echo '{_MARK} {number}'", *kept, 'echo "=== code $?"']
    return "\n".join(lines)


def run(folder: Path, bootstrap: str, commands: list[Block]) -> list[tuple[str, int]]:
    here = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{here}:{os.environ['PATH']}",
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "COLUMNS": "120",
    }
    started = subprocess.Popen(
        ["bash", "-c", script(commands)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = started.communicate(timeout=PATIENCE_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)  # what a command that failed left running
    parts = told.split(_MARK)[1:]
    answers = []
    for number, part in enumerate(parts):
        said, _, code = part.removeprefix(f" {number}\n").rpartition("=== code ")
        answers.append((said, int(code.split()[0])))
    assert len(answers) == len(commands), told[-2000:]
    return answers


def likened(text: str) -> list[str]:
    """Lines without what varies from day to day."""
    return [re.sub(r"\s+", " ", _VARIES.sub("#", line)).strip() for line in text.splitlines() if line.strip()]


def missing(shown: str, said: str) -> list[str]:
    """The lines that are shown and did not come, in their order."""
    there = iter(likened(said))
    return [line for line in likened(shown) if line not in there]


def test_every_command_of_the_tutorial_works_word_for_word(
    real_kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTERLOCK_WORKSPACE", raising=False)
    commands = blocks()
    answers = run(tmp_path, real_kafka, commands)
    for block, (said, code) in zip(commands, answers, strict=True):
        assert missing(block.shown, said) == [], f"{block.commands}\nsaid:\n{said}"
        assert (code == 0) is not block.says_no, f"{block.commands}\nended with {code}:\n{said}"


def test_an_answer_that_is_not_as_shown_is_noticed() -> None:
    assert missing("a 1\nb 2\n", "a 7\nc\nb 9\n") == []
    assert missing("a 1\nb 2\n", "b 9\na 7\n") == ["b #"]
    assert missing("a 1\n", "nothing\n") == ["a #"]
    assert [block.says_no for block in (Block("x", "x: not fit to be signed."), Block("x", "done"))] == [True, False]
