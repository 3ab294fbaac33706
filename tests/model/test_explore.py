"""The protocol explored within the time of a test: `make explore` looks at ten times as many states, and at every guard."""

import pytest

from interlock.trials.explore import gate
from interlock.trials.explore.guards import guards
from interlock.trials.explore.report import Report
from interlock.trials.explore.trial import explore, shares

STATES = 115_000


def test_in_a_hundred_thousand_states_every_action_happens_and_every_invariant_holds():
    report = Report([(name, explore(name, share)) for name, share in shares(STATES)])

    assert report.violations == []
    assert report.idle == []
    assert report.states >= 100_000


@pytest.mark.parametrize(
    ("name", "invariant"),
    [
        ("router.core.accept:accept:change.deployment-!=-state.book.trust.deployment", "S6"),
        ("router.core.resolve:_why_not:now.boot->=-lease.end-standing.grace_us", "S4"),
        ("decision.core.tenure:Tenure.may_publish:not-self.pending", "S8"),
    ],
)
def test_a_guard_that_is_removed_is_missed(name, invariant):
    [result] = gate.run([guard for guard in guards() if guard.name == name])

    assert result.invariant == invariant
    assert result.story
