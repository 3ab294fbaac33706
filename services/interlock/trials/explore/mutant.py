"""The protocol without some of its guards, explored in a process of its own.

The modules concerned are read, the guards taken out of the syntax tree, and the rest is what is run: production code has no switch for
it. Nothing of Interlock may be imported before the finder is in place, so imports stand inside `main`.

    python -m interlock.trials.explore.mutant '{"without": {"interlock.records.log": [0]}, "worlds": [["takeover", 5000, 10]]}'
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from interlock.trials.explore import guards


class _Mutants(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads some modules without some of their guards."""

    def __init__(self, places: Mapping[str, Sequence[int]]) -> None:
        self._places = places

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._places:
            return None
        found = importlib.machinery.PathFinder.find_spec(fullname, path)
        if found is None or found.origin is None:
            return None
        return importlib.util.spec_from_file_location(fullname, found.origin, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__file__ is not None, "it has a source"
        source = Path(module.__file__).read_text(encoding="utf-8")
        tree = guards.without(source, frozenset(self._places[module.__name__]))
        exec(compile(tree, module.__file__, "exec"), vars(module))  # noqa: S102 - our own source, less a guard


def main(argument: str) -> None:
    """Explore one world after the other until an invariant is broken; print what was found as JSON."""
    asked = json.loads(argument)
    sys.meta_path.insert(0, _Mutants(asked["without"]))
    from interlock.trials.explore.trial import explore  # noqa: PLC0415 - after the finder

    found: dict[str, Any] = {"invariant": None, "detail": "", "steps": 0, "world": "", "states": 0, "story": []}
    for world, limit, sample in asked["worlds"]:
        explored = explore(world, limit, sample=sample)
        found["states"] += explored.states
        if explored.violation is not None:
            violation = explored.violation
            found |= {"invariant": violation.invariant, "detail": violation.detail, "steps": len(violation.story)}
            found |= {"world": world, "story": list(violation.story)}
            break
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
