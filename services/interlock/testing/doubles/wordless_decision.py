"""A decision service of few words: it orders what is right, and says neither why nor what it verified.

Routers obey it, for the order itself is in order; it is the record that is worth nothing.

    python -m interlock.testing.doubles.wordless_decision SETTINGS
"""

import sys
from dataclasses import replace
from pathlib import Path

from interlock.decision.__main__ import run
from interlock.decision.core import decide
from interlock.decision.core.change import make_change
from interlock.decision.core.choice import Choice
from interlock.decision.core.usable import Case
from interlock.records.change import Cause, RoutingChange, Trigger


def _make_change(case: Case, choice: Choice) -> RoutingChange:
    """The order alone."""
    return replace(make_change(case, choice), cause=Cause(Trigger.OTHER, None, ""), verification=())


def say_nothing() -> None:
    """Replace the wording in this process, where orders are made."""
    setattr(decide, "make_change", _make_change)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    say_nothing()
    sys.exit(run(Path(sys.argv[1])))
