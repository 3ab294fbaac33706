"""A Kafka broker that outlives the command that starts it: `interlock kafka up` and `down`.

Whether it runs is told by a lock on a file that only the broker's process holds: the system takes it back
however that process ends, and no other process can be mistaken for it, as could happen with a process id
alone.
"""

import fcntl
import json
import os
import signal
from pathlib import Path

from interlock.brokers.real import STOP_S_MAX, end_group, log_file, prepare, spawn, wait_until_up
from interlock.brokers.waiting import wait_for
from interlock.vocabulary.errors import InfrastructureError


def up(state_dir: Path, *, port: int | None = None) -> str:
    """Start a broker, unless the one of this directory runs already.

    Args:
        state_dir: Where its records and its state are; made if it is not there.
        port: Where it shall listen; None takes a free one.

    Returns:
        Where it listens, `127.0.0.1:port`.

    Raises:
        ConfigurationError: Java or Maven is missing.
        InfrastructureError: It did not start; the end of its log is in the message.
    """
    if (bootstrap := running(state_dir)) is not None:
        return bootstrap
    bootstrap, command = prepare(state_dir, port=port)
    lock = _lock(state_dir)
    if lock is None:
        raise InfrastructureError("Somebody else is starting this broker.", "Try again in a few seconds.")
    try:
        with log_file(state_dir).open("ab") as log:
            process = spawn(command, log, keep=[lock])
    finally:
        os.close(lock)  # the broker's process has it now
    _state_file(state_dir).write_text(json.dumps({"pid": process.pid, "bootstrap": bootstrap}), encoding="utf-8")
    try:
        wait_until_up(bootstrap, process, state_dir)
    except BaseException:
        down(state_dir)
        raise
    return bootstrap


def running(state_dir: Path) -> str | None:
    """Where the broker of this directory listens; None if it does not run."""
    state = _state(state_dir)
    return None if state is None else state[1]


def down(state_dir: Path) -> bool:
    """Stop the broker of this directory, gently at first.

    Returns:
        Whether it ran.
    """
    state = _state(state_dir)
    if state is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        end_group(state[0], number)
        if wait_for(lambda: _state(state_dir) is None, STOP_S_MAX):
            return True
    raise InfrastructureError(f"The broker with process id {state[0]} did not end.", "Look at what it waits for.")


def _state(state_dir: Path) -> tuple[int, str] | None:
    """Process id and address of the broker that runs; None, and its state forgotten, if none does."""
    file = _state_file(state_dir)
    if not file.is_file():
        return None
    lock = _lock(state_dir)
    if lock is not None:
        os.close(lock)
        file.unlink(missing_ok=True)
        return None
    state = json.loads(file.read_text(encoding="utf-8"))
    return int(state["pid"]), str(state["bootstrap"])


def _lock(state_dir: Path) -> int | None:
    """Take the lock; None if a broker holds it."""
    lock = os.open(state_dir / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _state_file(state_dir: Path) -> Path:
    return state_dir / "running.json"
