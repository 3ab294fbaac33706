"""Kafka brokers that outlive the command that starts them: `interlock kafka up` and `down`.

Whether a node runs is told by a lock on a file that only the node's process holds: the system takes it back
however that process ends, and no other process can be mistaken for it, as could happen with a process id
alone.
"""

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.brokers.nodes import Node, bootstrap_of, brokers_in, prepare
from interlock.brokers.real import STOP_S_MAX, end_group, spawn, wait_until_up
from interlock.brokers.waiting import wait_for
from interlock.vocabulary.errors import ConfigurationError, InfrastructureError


@dataclass(frozen=True, slots=True)
class Started:
    """A cluster as it was started, and what of it runs now.

    Attributes:
        nodes: All its nodes.
        running: By number, the process of each node that runs.
    """

    nodes: tuple[Node, ...]
    running: dict[int, int]

    @property
    def bootstrap(self) -> str:
        """Where it listens, `127.0.0.1:port`, separated by commas."""
        return bootstrap_of(self.nodes)

    @property
    def ended(self) -> tuple[Node, ...]:
        """The nodes that do not run, though nobody took them down."""
        return tuple(node for node in self.nodes if node.number not in self.running)


def up(
    state_dir: Path,
    *,
    brokers: int | None = None,
    port: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> str:
    """Start the cluster of this directory; of one that runs already, the nodes that have ended.

    Args:
        state_dir: Where its records and its state are; made if it is not there.
        brokers: How many nodes: 1 or 3; None: as many as it has, 1 if there is none.
        port: Where the first shall listen, the others at the ports that follow; None takes free ones.
        tell: Is told what is done, a line at a time.

    Returns:
        Where it listens, `127.0.0.1:port`, separated by commas.

    Raises:
        ConfigurationError: Java or Maven is missing, a port is in use, or the directory holds a cluster of another size.
        InfrastructureError: A node did not start; the end of its log is in the message.
    """
    found = started(state_dir)
    held = brokers_in(state_dir)
    if found is None:
        found = Started(prepare(state_dir, brokers=brokers or held or 1, port=port), {})
    elif brokers not in {None, len(found.nodes)}:
        raise ConfigurationError(
            f"A cluster of {len(found.nodes)} runs in {state_dir}, and {brokers} were asked for.",
            "Take it down first, or name another folder with --data.",
        )
    if found.ended:
        _start(state_dir, found, tell)
    return found.bootstrap


def running(state_dir: Path) -> str | None:
    """Where the cluster of this directory listens; None if no node of it runs."""
    found = started(state_dir)
    return None if found is None else found.bootstrap


def down(state_dir: Path, tell: Callable[[str], None] = lambda line: None) -> bool:
    """Stop the cluster of this directory, gently at first.

    Returns:
        Whether it ran.
    """
    found = started(state_dir)
    if found is None:
        return False
    tell(f"stopping {len(found.running)} of {len(found.nodes)}")
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in found.running.values():
            end_group(pid, number)
        if wait_for(lambda: started(state_dir) is None, STOP_S_MAX):
            return True
    left = ", ".join(str(pid) for pid in found.running.values())
    raise InfrastructureError(f"Processes of the cluster did not end: {left}.", "Look at what they wait for.")


def _start(state_dir: Path, found: Started, tell: Callable[[str], None]) -> None:
    """Start the nodes that do not run, and wait for them; if one does not come up, none of those stays."""
    processes: dict[Node, subprocess.Popen[bytes]] = {}
    for node in found.ended:
        tell(f"starting node {node.number} of {len(found.nodes)} at {node.address}")
        processes[node] = _spawn(node)
    running = found.running | {node.number: process.pid for node, process in processes.items()}
    _write(state_dir, found.nodes, running)
    try:
        wait_until_up(processes, brokers=len(found.nodes))
    except BaseException:
        for process in processes.values():
            end_group(process.pid, signal.SIGKILL)
        raise


def _spawn(node: Node) -> subprocess.Popen[bytes]:
    lock = _lock(node)
    if lock is None:
        raise InfrastructureError("Somebody else is starting this broker.", "Try again in a few seconds.")
    try:
        with node.log.open("ab") as log:
            return spawn(node.command, log, keep=[lock])
    finally:
        os.close(lock)  # the broker's process has it now


def started(state_dir: Path) -> Started | None:
    """The cluster of which a node runs; None, and its state forgotten, if none does."""
    file = _state_file(state_dir)
    if not file.is_file():
        return None
    written = json.loads(file.read_text(encoding="utf-8"))
    nodes = tuple(
        Node(number, state_dir.resolve() / f"node-{number}", address)
        for number, address in enumerate(written["addresses"], start=1)
    )
    running = {node.number: int(written["pids"][str(node.number)]) for node in nodes if _runs(node)}
    if not running:
        file.unlink(missing_ok=True)
        return None
    return Started(nodes, running)


def _runs(node: Node) -> bool:
    lock = _lock(node)
    if lock is not None:
        os.close(lock)
    return lock is None


def _lock(node: Node) -> int | None:
    """Take a node's lock; None if its process holds it."""
    node.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(node.folder / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _write(state_dir: Path, nodes: Sequence[Node], running: dict[int, int]) -> None:
    state = {"addresses": [node.address for node in nodes], "pids": running}
    _state_file(state_dir).write_text(json.dumps(state), encoding="utf-8")


def _state_file(state_dir: Path) -> Path:
    return state_dir / "running.json"
