"""What a timed process writes down, and how another one reads it while it is written: a line of JSON for each note."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.runtime.clock import SystemClock
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was noted.

    Attributes:
        what: What happened.
        about: To what: a Kafka key, or a shard.
        at: When, on the clock since boot.
        found: What else was seen, in words.
    """

    what: str
    about: str
    at: Micros
    found: str = ""


class NoteBook:
    """Takes notes.

    Args:
        path: The file, made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._clock = SystemClock()
        self._file = path.open("ab", buffering=0)  # a reader sees whole lines, and at once

    def note(self, what: str, about: str, found: str = "") -> None:
        """Write down that something happens now."""
        line = json.dumps([what, about, self._clock.now().boot, found])
        self._file.write(f"{line}\n".encode())


class NoteReader:
    """Reads notes while they are taken.

    Args:
        path: The file; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def news(self) -> list[Note]:
        """What was noted since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._read += len(whole) + 1
        return [_note(json.loads(line)) for line in whole.splitlines()]


def _note(fields: list[Any]) -> Note:
    what, about, at, found = fields
    return Note(what, about, Micros(at), found)
