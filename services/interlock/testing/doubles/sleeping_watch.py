"""A deadline watch that sleeps: whatever the receipts say, it finds that everybody was told in time.

It shows that a lost notice is found by the watch, and by nobody else.

    python -m interlock.testing.doubles.sleeping_watch SETTINGS
"""

import sys
from pathlib import Path

from interlock.vocabulary.time import Reading
from interlock.watch import core
from interlock.watch.__main__ import run
from interlock.watch.core import Owed, Said, Standing, judge


def _judge(owed: Owed, said: Said, as_of: Reading) -> Standing:
    """Finds nothing overdue."""
    standing = judge(owed, said, as_of)
    return Standing.TOLD if standing is Standing.OVERDUE else standing


def sleep() -> None:
    """Replace the judgement in this process, where it is asked."""
    setattr(core, "judge", _judge)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    sleep()
    sys.exit(run(Path(sys.argv[1])))
