"""Every place in the code where a service calls a port of its bus, read from the code itself.

A call counts by the name of its method, so that one which is added cannot be overlooked; what bears such a name and is no call of a port is
named here, with whose it is. What is a port's and cannot happen in this world is named here, too, with the reason.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.runtime import bus
from interlock.testing.killing.strikes import PACKAGE

PORTS = (bus.Publisher, bus.Reader, bus.Membership, bus.Bus)

METHODS = frozenset(name for port in PORTS for name in vars(port) if not name.startswith("_"))
"""What can be called on a bus and on what is made from it."""

ROOMS = ("decision", "notifier", "watch", "router", "reporting", "runtime/policy_follower.py", "runtime/audit_trail.py")
"""Where it is looked for."""

NO_PORTS: Mapping[str, str] = {
    "any": "an HTTP session",
    "desk": "asks the service, which asks its membership: that call counts",
    "inputs": "an owner's readers: what it asks of them counts",
    "metrics": "the service's metrics",
    "private": "an HTTP session",
    "public": "an HTTP session",
    "response": "an HTTP response",
    "server": "an HTTP server",
    "session": "an HTTP session",
    "shared": "hears what was read for all owners: that reading counts",
    "state": "a router's state",
    "store": "a router's marks, in SQLite",
    "upstream": "the model servers",
}
"""Receivers of calls that only sound like those of a port."""

ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("decision/replay.py", "replay"): "a tool that reads; nothing is lost with it",
    ("decision/replay.py", "_replay_shard"): "a tool that reads; nothing is lost with it",
    ("reporting/shell.py", "shell"): "connects to Kafka: `drill survive` kills there",
    ("reporting/shell.py", "_tracing"): "the exporter of traces",
    ("router/rereader.py", "begin"): "reads once more what a broker withheld: a broker that lies is another story",
    ("router/subscriber.py", "_follow"): "calls the rereader, whose own calls count",
    ("runtime/policy_follower.py", "run"): "for services that follow policies beside their work: none of these",
}
"""Functions whose calls do not happen in this world."""


@dataclass(frozen=True, slots=True)
class Site:
    """One call of a port in the code.

    Attributes:
        file: Relative to the package.
        lines: From its first line to its last.
        function: In which it stands.
    """

    file: str
    lines: range
    method: str
    function: str

    def is_at(self, place: str) -> bool:
        """Whether a call that was seen, such as `decision/term.py:226`, is this one."""
        file, _, line = place.rpartition(":")
        return file == self.file and line.isdigit() and int(line) in self.lines

    def __str__(self) -> str:
        return f"{self.file}:{self.lines.start} {self.method}() in {self.function}"


def sites() -> list[Site]:
    """Every call of a port that can happen in this world."""
    return [site for site in all_sites() if (site.file, site.function) not in ELSEWHERE]


def spared(places: Collection[str]) -> list[Site]:
    """The sites at none of whose calls anything happened.

    Args:
        places: Where something did, such as `decision/term.py:226`.
    """
    return [site for site in sites() if not any(site.is_at(place) for place in places)]


def all_sites() -> list[Site]:
    """Every call of a port in the rooms."""
    return [site for room in ROOMS for path in _files(PACKAGE / room) for site in _in_file(path)]


def _files(room: Path) -> list[Path]:
    return [room] if room.is_file() else sorted(room.rglob("*.py"))


def _in_file(path: Path) -> Iterator[Site]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        for node in (each for each in _own_nodes(function) if isinstance(each, ast.expr)):
            attribute = _called(node)
            if attribute is not None and attribute.attr in METHODS and _name(attribute.value) not in NO_PORTS:
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                yield Site(path.relative_to(PACKAGE).as_posix(), lines, attribute.attr, function.name)


def _called(node: ast.expr) -> ast.Attribute | None:
    """The method that a call names; of a membership also the property that is read."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func
    if isinstance(node, ast.Attribute) and node.attr == "held" and _name(node.value) == "membership":
        return node
    return None


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, those of the functions inside it left out."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _own_nodes(child)


def _name(node: ast.AST) -> str:
    """The last name of an expression, without its underscore: `self._desk` is `desk`."""
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    return node.id if isinstance(node, ast.Name) else ""
