"""A gateway that believes decision blindly: its own look at the signed policy is replaced by a double that says yes.

It shows that this look is what keeps an unapproved model away from an agent: a story in which this gateway takes the real one's
place must fail. Nothing else is changed; signatures, orders and leases are checked as ever. It can be reached by no setting:

    python -m interlock.testing.credulous_gateway SETTINGS
"""

import sys
from dataclasses import replace
from pathlib import Path

from interlock.records.change import RoutingChange
from interlock.records.models import Model
from interlock.router.core import accept, renew
from interlock.router.core import state as standings
from interlock.router.core.state import Held, RouterState, Standing
from interlock.router.gateway.__main__ import run
from interlock.signing.verifier import Verified
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

_honest_standing = standings._standing


def _fit(_state: RouterState, _change: Verified[RoutingChange], _now: Micros) -> Reason | None:
    """Says of every change that policy allows it."""
    return None


def _standing(state: RouterState, held: Held, now: Micros) -> Standing:
    """Serves whatever the change names, as long as anybody's policy knows such a model."""
    standing = _honest_standing(state, held, now)
    named = _model(state, held.change.value.target)
    if standing.model is not None or named is None:
        return standing
    return replace(standing, model=named, reason=None, until=state.book.trust.expires_at)


def _model(state: RouterState, name: str | None) -> Model | None:
    policies = (held.value for held in state.book.policies.values())
    rungs = (rung for policy in policies for rule in policy.routes for rung in rule.ladder)
    return next((rung.model for rung in rungs if rung.model.name == name), None)


def believe_everything() -> None:
    """Replace the check in this process."""
    for module in (standings, accept, renew):
        module.unfit = _fit  # type: ignore[attr-defined]  # imported there by name
    standings._standing = _standing


if __name__ == "__main__":
    believe_everything()
    sys.exit(run(Path(sys.argv[1])))
