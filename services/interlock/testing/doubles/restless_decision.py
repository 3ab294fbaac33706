"""A decision service that cannot stop: where no rung is left for a route, it leaves the route where it is.

It shows that the safe state is decision's doing, and not what is left when every model has failed.

    python -m interlock.testing.doubles.restless_decision SETTINGS
"""

import sys
from pathlib import Path

from interlock.decision.__main__ import run
from interlock.decision.core import target
from interlock.decision.core.choice import Choice
from interlock.decision.core.usable import Case, Leave

_honest = target.depart


def _depart(case: Case, leave: Leave) -> Choice | None:
    """Leaves a model for another one, and never for none."""
    choice = _honest(case, leave)
    return choice if choice.after.safe_state is None else None


def never_stop() -> None:
    """Replace the rule in this process, where it is asked."""
    setattr(target, "depart", _depart)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    never_stop()
    sys.exit(run(Path(sys.argv[1])))
