"""Waiting in a command that has no event loop: for a condition, bounded."""

import time
from collections.abc import Callable

_POLL_S = 0.05


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Look again and again until the condition holds, for that many seconds at most; whether it held."""
    until = time.monotonic() + seconds  # noqa: TID251 - a command's patience, nothing is decided by it
    while not condition():
        if time.monotonic() > until:  # noqa: TID251
            return False
        time.sleep(_POLL_S)  # noqa: TID251 - there is no loop that others could use meanwhile
    return True
