"""A gateway that believes decision blindly: its own look at the signed policy is replaced by a double that says yes.

It shows that this look is what keeps an unapproved model away from an agent: a story in which this gateway takes the real one's
place must fail. Nothing else is changed; signatures, orders and leases are checked as ever. It can be reached by no setting:

    python -m interlock.testing.doubles.credulous_gateway SETTINGS
"""

import sys
from dataclasses import replace
from pathlib import Path

from interlock.policy.book import Book
from interlock.records.change import RoutingChange
from interlock.records.models import Model
from interlock.router.core import accept, renew, state
from interlock.router.core import standing as standings
from interlock.router.core.fit import control_of
from interlock.router.core.marks import Marks
from interlock.router.core.standing import Arm, Standing
from interlock.router.gateway.__main__ import run
from interlock.signing.verifier import Verified
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

_honest_standing = standings.standing


def _fit(_book: Book, _marks: Marks, _change: Verified[RoutingChange], _now: Micros) -> Reason | None:
    """Says of every change that policy allows it."""
    return None


def _standing(
    book: Book, marks: Marks, change: Verified[RoutingChange], refused: Reason | None, now: Micros
) -> Standing:
    """Serves whatever the change names, as long as anybody's policy knows such a model."""
    honest = _honest_standing(book, marks, change, refused, now)
    named = _model(book, control_of(change.value))
    if honest.control is not None or named is None:
        return honest
    return replace(honest, control=Arm(named, primary=False, until=book.trust.expires_at), reason=None)


def _model(book: Book, name: str | None) -> Model | None:
    policies = (held.value for held in book.policies.values())
    rungs = (rung for policy in policies for rule in policy.routes for rung in rule.ladder)
    return next((rung.model for rung in rungs if rung.model.name == name), None)


def believe_everything() -> None:
    """Replace the check in this process, wherever it was imported by name."""
    for module, name in (
        (accept, "unfit"),
        (renew, "control_unfit"),
        (standings, "control_unfit"),
        (standings, "canary_unfit"),
    ):
        setattr(module, name, _fit)
    setattr(state, "standing", _standing)  # noqa: B010 - the checker knows that modules are not for this


if __name__ == "__main__":
    believe_everything()
    sys.exit(run(Path(sys.argv[1])))
