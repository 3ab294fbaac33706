"""A gateway that goes its own way: it asks the last rung of a ladder, whichever rung was ordered.

It acknowledges every change and marks its replies truly, so only a comparison of the orders with what the models' servers saw finds
it out.

    python -m interlock.testing.doubles.wayward_gateway SETTINGS
"""

import sys
from pathlib import Path

from interlock.policy.admissible import admissible_until
from interlock.policy.book import Book
from interlock.records.rules import RouteRule
from interlock.router.core import standing
from interlock.router.core.standing import Arm
from interlock.router.gateway.__main__ import run
from interlock.vocabulary.identifiers import RouteId


def _arm(book: Book, route: RouteId, rule: RouteRule | None, model: str | None) -> Arm | None:
    """The arm of the last rung, where any was ordered."""
    if rule is None or model is None or rule.index(model) is None:
        return None
    last = rule.ladder[-1].model
    return Arm(last, len(rule.ladder) == 1, admissible_until(book, route, last.name))


def go_astray() -> None:
    """Replace the choice of the arm in this process."""
    setattr(standing, "_arm", _arm)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    go_astray()
    sys.exit(run(Path(sys.argv[1])))
