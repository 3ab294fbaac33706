"""Looser only in as many words: a departure is shown for as long as it is needed, and is refused where it cannot be one."""

from collections.abc import Callable

import pytest

from interlock.policy.authoring.check import check
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.policy.authoring.workflows import DEMANDS, demands_on
from interlock.records.documents import Departure, RoutePolicy, Workflow
from interlock.testing.builders import NOW

DraftOf = Callable[..., Draft | list[Problem]]
WHY = "a release is finished rather than broken off"


def departing(policy: str, *demands: str, grace: str = "2h", workflow: str = "customer_facing") -> str:
    written = "".join(f'  - {{from: {demand}, because: "{WHY}"}}\n' for demand in demands)
    changed = policy.replace("grace: 90s", f"grace: {grace}").replace("customer_facing", workflow)
    return f"{changed}departures:\n{written}"


def checked(draft: Draft | list[Problem]) -> tuple[RoutePolicy, list[Problem]]:
    assert isinstance(draft, Draft), draft
    policy = compile_policy(draft, NOW)
    assert isinstance(policy, RoutePolicy), policy
    return policy, check(draft, policy, NOW)


def test_what_is_departed_from_is_no_error_and_is_shown_at_its_line(draft_of: DraftOf, policy_text: str) -> None:
    text = departing(policy_text, "short-grace")
    policy, (shown,) = checked(draft_of(text))
    assert policy.departures == (Departure("short-grace", WHY),)
    assert shown.severity is Severity.WARNING
    assert shown.line == text.splitlines().index(f'  - {{from: short-grace, because: "{WHY}"}}') + 1
    assert (shown.field, shown.what) == ("departures[0].from", f"departs from short-grace: {WHY}")
    assert "routes[0].grace" in shown.mend


def test_without_it_the_same_policy_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    _, (problem,) = checked(draft_of(policy_text.replace("grace: 90s", "grace: 2h")))
    assert (problem.severity, problem.field) == (Severity.ERROR, "routes[0].grace")


def test_it_lifts_its_own_demand_and_no_other(draft_of: DraftOf, policy_text: str) -> None:
    text = departing(policy_text, "short-grace").replace("blind: 0s", "blind: 1h")
    _, found = checked(draft_of(text))
    assert [problem.field for problem in found if problem.severity is Severity.ERROR] == ["routes[0].blind"]


def test_a_departure_from_what_is_met_anyway_is_a_warning(draft_of: DraftOf, policy_text: str) -> None:
    _, (shown,) = checked(draft_of(departing(policy_text, "short-grace", grace="90s")))
    assert shown.severity is Severity.WARNING
    assert "short-grace is met" in shown.what
    assert "Remove the departure" in shown.mend


@pytest.mark.parametrize(
    ("demand", "what", "mend"),
    [
        ("short-grice", "there is no demand 'short-grice'", "Did you mean short-grace?"),
        ("anything", "there is no demand 'anything'", "may depart from: review-soon, short-silence, short-grace"),
        ("ends-with-a-person", "is not asked of customer_facing, but of clinical", "Remove the departure."),
    ],
)
def test_a_departure_from_no_demand_on_this_work_is_an_error(
    draft_of: DraftOf, policy_text: str, demand: str, what: str, mend: str
) -> None:
    _, (problem,) = checked(draft_of(departing(policy_text, demand, grace="90s")))
    assert (problem.severity, problem.field) == (Severity.ERROR, "departures[0].from")
    assert what in problem.what
    assert mend in problem.mend


@pytest.mark.parametrize("name", [demand.name for demand in DEMANDS if demand.firm])
def test_what_is_the_standards_own_cannot_be_departed_from(draft_of: DraftOf, policy_text: str, name: str) -> None:
    (demand,) = (demand for demand in DEMANDS if demand.name == name)
    text = departing(policy_text, name, grace="10s", workflow=demand.workflows[0])
    _, found = checked(draft_of(text))
    (problem,) = (problem for problem in found if problem.field == "departures[0].from")
    assert problem.severity is Severity.ERROR
    assert "is the standard's own, and cannot be departed from" in problem.what


def test_a_firm_demand_is_asked_in_spite_of_a_departure(draft_of: DraftOf, policy_text: str) -> None:
    text = departing(policy_text, "open-material-change", grace="10s", workflow="money_moving")
    _, found = checked(draft_of(text))
    errors = [problem.field for problem in found if problem.severity is Severity.ERROR]
    assert errors == ["routes[0].ladder[1].model", "departures[0].from"]


def test_a_departure_that_is_written_twice_is_refused(draft_of: DraftOf, policy_text: str) -> None:
    draft = draft_of(departing(policy_text, "short-grace", "short-grace"))
    assert isinstance(draft, Draft)
    (problem,) = compile_policy(draft, NOW)  # type: ignore[misc]
    assert (problem.field, problem.what) == ("departures[1].from", "short-grace is departed from twice")


def test_departures_are_signed_in_one_order_whatever_the_order_they_are_written_in(
    draft_of: DraftOf, policy_text: str
) -> None:
    one, _ = checked(draft_of(departing(policy_text, "short-grace", "short-silence").replace("0s", "1h", 1)))
    other, _ = checked(draft_of(departing(policy_text, "short-silence", "short-grace").replace("0s", "1h", 1)))
    assert one == other
    assert [departure.demand for departure in one.departures] == ["short-grace", "short-silence"]


def test_every_kind_of_work_can_depart_from_something_and_not_from_everything() -> None:
    for workflow in (each for each in Workflow if each is not Workflow.OTHER):
        assert any(not demand.firm for demand in demands_on(workflow))
    assert any(demand.firm for demand in DEMANDS)
