"""A gateway that would rather oblige: where the safe state was ordered, it asks the route's primary all the same.

It shows that it is the gateway that keeps requests away from models while a route is in its safe state.

    python -m interlock.testing.doubles.obliging_gateway SETTINGS
"""

import sys
from dataclasses import replace
from pathlib import Path

from interlock.policy.book import Book
from interlock.records.change import RoutingChange
from interlock.router.core import standing as standings
from interlock.router.core import state
from interlock.router.core.marks import Marks
from interlock.router.core.standing import Arm, Standing
from interlock.router.gateway.__main__ import run
from interlock.signing.verifier import Verified
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

_honest = standings.standing


def _standing(
    book: Book, marks: Marks, change: Verified[RoutingChange], refused: Reason | None, now: Micros
) -> Standing:
    """Serves by the primary what was ordered into the safe state."""
    honest = _honest(book, marks, change, refused, now)
    rule = book.rule(change.value.route)
    if honest.control is not None or honest.reason is not None or rule is None:
        return honest
    return replace(honest, control=Arm(rule.ladder[0].model, primary=True, until=book.trust.expires_at))


def oblige() -> None:
    """Replace what follows from a change in this process, where it was imported by name."""
    setattr(state, "standing", _standing)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    oblige()
    sys.exit(run(Path(sys.argv[1])))
