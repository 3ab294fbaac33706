"""Opening a sealed record, once for the same bytes.

Checking a signature costs more than a step of a core, and the explorer meets the same records a million times. Opening is a pure
function of the bytes and the trust root, so remembering it changes nothing but the time. The real function is put back at the end;
production code knows nothing of this.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from interlock.records import sealing
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustRoot


@contextmanager
def remembered() -> Iterator[None]:
    """Remember what was opened, in every module that is loaded, until the end."""
    original = sealing.open_sealed
    remembering = _remembering(original)
    _replace(original, remembering)
    try:
        yield
    finally:
        _replace(remembering, original)


def _replace(old: Callable[..., Any], new: Callable[..., Any]) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("interlock.") and vars(module).get("open_sealed") is old:
            setattr(module, "open_sealed", new)  # noqa: B010 - a module has no such attribute for a type checker


def _remembering(original: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[Any, Any] = {}
    roots: list[TrustRoot] = []  # an id is good only for as long as its object lives

    def open_sealed(sealed: bytes | None, trust: TrustRoot, *expected: type[Statement]) -> Any:
        key = (sealed, id(trust), expected)
        found = known.get(key)
        if found is None:
            found = known[key] = original(sealed, trust, *expected)
            roots.append(trust)
        return found

    return open_sealed
