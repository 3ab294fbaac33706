"""Keeps a router's marks on disk. A change is applied only after its mark is there: SQLite, one transaction, synced."""

import sqlite3
from pathlib import Path

from interlock.router.core.marks import Marks
from interlock.vocabulary.errors import ConfigurationError


class MarksFile:
    """The file with a router's marks.

    Args:
        path: The SQLite file; made if it is not there. A router without its file starts in the safe state.

    Raises:
        ConfigurationError: The file cannot be opened, or is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._store = sqlite3.connect(path, isolation_level=None)
            self._store.execute("PRAGMA journal_mode=WAL")
            self._store.execute("PRAGMA synchronous=FULL")
            self._store.execute("CREATE TABLE IF NOT EXISTS marks (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def load(self) -> Marks:
        """The marks that were kept.

        Raises:
            ConfigurationError: The file is damaged.
        """
        try:
            return Marks.of(dict(self._store.execute("SELECT key, value FROM marks")))
        except (sqlite3.Error, ValueError) as error:
            raise self._unusable(error) from error

    def save(self, marks: Marks) -> bool:
        """Write what is unsaved; whether it is on disk now."""
        if not marks.unsaved:
            return True
        try:
            with self._store:
                self._store.execute("BEGIN")
                self._store.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", marks.unsaved)
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _unusable(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"The router's state {self._path} cannot be used: {error}.",
            "Mend its permissions, or move it away: the router then starts in the safe state.",
        )
