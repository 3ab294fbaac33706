"""The page of metrics: every instrument that is made anywhere in the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import interlock
from interlock.runtime.metrics import Metrics
from pages.markdown import table

SOURCE = Path(str(interlock.__file__)).parent

_USE = {"counter": "add", "gauge": "set", "histogram": "record"}


def page() -> str:
    """What each service tells Prometheus at `/metrics` of its `listen` address."""
    rows = [
        (f"`{_shown(kind, name, unit, description)}`", kind, description, f"`{path.relative_to(SOURCE)}`")
        for path in sorted(SOURCE.rglob("*.py"))
        for kind, (name, unit, description) in _made(ast.parse(path.read_text("utf-8")))
    ]
    return table(("name", "kind", "what it tells", "made in"), sorted(rows))


def _made(tree: ast.AST) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """The instruments that a module makes: `metrics.counter("name", "unit", "description")`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("metrics"), attr=kind), args=[name, unit, told]) if (
                kind in _USE
            ):
                yield kind, (ast.literal_eval(name), ast.literal_eval(unit), ast.literal_eval(told))


def _shown(kind: str, name: str, unit: str, description: str) -> str:
    """The name that Prometheus reads: the instrument is made and used once, and the text looked at."""
    metrics = Metrics("reference")
    instrument = getattr(metrics, kind)(name, unit, description)
    getattr(instrument, _USE[kind])(1)
    lines = [line.split() for line in metrics.render().decode().splitlines() if line.startswith("# TYPE interlock_")]
    metrics.close()
    return lines[0][2]
