"""A gateway that never tires of waiting: where its lease and grace have ended, it serves on.

It shows that the end of the lease, and nothing else, is what stops a router that hears nothing.

    python -m interlock.testing.doubles.tireless_gateway SETTINGS
"""

import sys
from pathlib import Path

from interlock.router.core import resolve
from interlock.router.core.standing import Standing
from interlock.router.core.state import RouterState
from interlock.router.gateway.__main__ import run
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Reading

_honest = resolve._why_not


def _why_not(state: RouterState, route: RouteId, standing: Standing, now: Reading) -> Reason | None:
    """Forgets how long it has heard nothing."""
    why = _honest(state, route, standing, now)
    return None if why is Reason.LEASE_OVER else why


def never_tire() -> None:
    """Replace the question in this process."""
    setattr(resolve, "_why_not", _why_not)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    never_tire()
    sys.exit(run(Path(sys.argv[1])))
