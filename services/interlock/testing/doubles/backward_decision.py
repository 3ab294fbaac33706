"""A decision service that reads ladders backward: of the rungs that may be entered, it takes the last.

It shows that the order of the policy decides where an agent goes, and not what happens to be well: every rung is an approved one.

    python -m interlock.testing.doubles.backward_decision SETTINGS
"""

import sys
from pathlib import Path

from interlock.decision.__main__ import run
from interlock.decision.core import target
from interlock.decision.core.choice import consider, passed
from interlock.decision.core.usable import Case
from interlock.records.change import Check
from interlock.records.rules import Rung


def _last_enterable(case: Case) -> tuple[Rung | None, tuple[Check, ...]]:
    """The last rung that policy allows and that may be entered."""
    verified: list[Check] = []
    for rung in reversed(case.rule.ladder):
        made = consider(case, rung.model.name)
        if passed(made):
            return rung, (*verified, *made)
        verified += [check for check in made if not check.passed]
    return None, tuple(verified)


def read_backward() -> None:
    """Replace the choice of the rung in this process, where it is asked."""
    setattr(target, "first_enterable", _last_enterable)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    read_backward()
    sys.exit(run(Path(sys.argv[1])))
