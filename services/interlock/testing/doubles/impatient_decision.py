"""A decision service without patience: a verdict against a model counts at once, whatever `for` the policy asks.

It shows that an agent leaves its model when a trigger has lasted for as long as its policy says, and not before.

    python -m interlock.testing.doubles.impatient_decision SETTINGS
"""

import sys
from dataclasses import replace
from pathlib import Path

from interlock.decision.__main__ import run
from interlock.decision.core import usable
from interlock.decision.core.usable import Health
from interlock.records.change import Cause
from interlock.vocabulary.time import NEVER, Micros

_honest = usable._against


def _against(seen: Health, model: str, now: Micros) -> Cause | None:
    """The trigger, however long it has lasted."""
    return _honest(replace(seen, rule=replace(seen.rule, for_us=NEVER)), model, now)


def wait_for_nothing() -> None:
    """Replace the question in this process."""
    setattr(usable, "_against", _against)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    wait_for_nothing()
    sys.exit(run(Path(sys.argv[1])))
