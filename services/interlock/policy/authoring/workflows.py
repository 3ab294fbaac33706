"""Rule 8: what a policy must say because of the kind of work that its agent does.

One row of `DEMANDS` is one demand: its name, of which kinds of work it is asked, and the sentence that says why. A policy may depart
from a demand only in as many words (`departures`); what the standard itself asks for may not be departed from at all. What a policy gets
where it says nothing is in `usual`.

Not handled here: how a breach is found (`breaches`); that replies are marked, which the gateway does for every kind of work, and that some orders need two operators,
which decision sees to; here is only asked whether there are two.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.policy.authoring.breaches import (
    DRAFTING_SLOT,
    Case,
    Test,
    accepted_by_owner,
    accepted_only,
    believes_silence_briefly,
    each_route,
    ends_in,
    execution_stays,
    has_short_grace,
    names_a_ticket,
    no_old_answers,
    only_drafts,
    openly_material,
    pauses,
    reviews_soon,
    tries_nothing,
    two_operators,
    watches_degradation,
)
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem, Severity
from interlock.policy.authoring.usual import USUAL
from interlock.records.documents import RoutePolicy, Workflow
from interlock.records.rules import SafeState

GRAVE = (
    Workflow.MONEY_MOVING,
    Workflow.TRADING,
    Workflow.CLINICAL,
    Workflow.LIVE_SYSTEM,
    Workflow.SAFETY_CRITICAL,
)
"""Where a wrong answer is more than a bad text."""

TWO_OPERATORS = (Workflow.MONEY_MOVING, Workflow.CLINICAL)
"""Where one operator alone may not widen."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What policies of some kinds of work must say, why, and how it is tested.

    Attributes:
        name: By which a policy departs from it.
        workflows: The kinds of work of which it is asked.
        asks: What it asks, in words.
        why: Why, one sentence without its full stop.
        test: What a policy says against it.
        firm: Whether it may not be departed from.
        severity: Whether a breach forbids signing.
    """

    name: str
    workflows: tuple[Workflow, ...]
    asks: str
    why: str
    test: Test
    firm: bool = False
    severity: Severity = Severity.ERROR


_ANY = tuple(USUAL)
_BOUNDED = tuple(workflow for workflow in USUAL if workflow is not Workflow.DRAFTING)

DEMANDS = (
    Demand(
        "review-soon",
        _ANY,
        "`review_within` is no longer than the most of the kind of work",
        "a substitution is looked at while people still remember it",
        reviews_soon,
    ),
    Demand(
        "short-silence",
        _BOUNDED,
        "`blind` is no longer than the most of the kind of work",
        "a model that nobody hears of may be failing",
        each_route(believes_silence_briefly),
    ),
    Demand(
        "short-grace",
        _BOUNDED,
        "`grace` is no longer than the most of the kind of work",
        "a router that hears nothing does not know what was forbidden since",
        each_route(has_short_grace),
    ),
    Demand(
        "watches-degradation",
        GRAVE,
        "a trigger that shows before an outage: `errors`, `throttled`, `latency`, `refusals` or `schema_failures`",
        "what fails slowly has done its harm before it is down",
        each_route(watches_degradation),
        firm=True,
    ),
    Demand(
        "accepted-by-owner",
        GRAVE,
        "every rung is `accepted_by` a person who owns the agent",
        "who answers for the agent answers for each model behind it",
        each_route(accepted_by_owner),
    ),
    Demand(
        "no-old-answers",
        GRAVE,
        "the safe state is not `cached_response`",
        "an earlier answer is a wrong one once the world has moved",
        each_route(no_old_answers),
    ),
    Demand(
        "open-material-change",
        (Workflow.MONEY_MOVING,),
        "a rung that differs materially from the primary is written `equivalent: false`",
        "no material change is made silently, so it is written as one",
        each_route(openly_material),
        firm=True,
    ),
    Demand(
        "ticket-named",
        (Workflow.MONEY_MOVING,),
        "an `approval` has `ticket: true`",
        "who approves a change says where it is recorded",
        each_route(names_a_ticket),
    ),
    Demand(
        "pause-each-transition",
        (Workflow.TRADING,),
        "every trigger has `mode: await_approval` or `suspend`, and no fallback is `accepted_in_advance` or equivalent",
        "every transition to another model is a pause in which a person looks",
        each_route(pauses),
    ),
    Demand(
        "accepted-substitutes",
        (Workflow.CLINICAL, Workflow.SAFETY_CRITICAL),
        "every fallback is `accepted_in_advance`, or differs materially and waits for an `approval`",
        "only substitutes that somebody accepted take the place of a model that people's health depends on",
        each_route(accepted_only),
        firm=True,
    ),
    Demand(
        "ends-with-a-person",
        (Workflow.CLINICAL,),
        "the safe state is `human_queue`",
        "what no model may answer, a person does",
        each_route(ends_in(SafeState.HUMAN_QUEUE)),
    ),
    Demand(
        "execution-stays",
        (Workflow.LIVE_SYSTEM,),
        f"only the slot `{DRAFTING_SLOT}` has fallbacks",
        "what acts on a live system is not replaced under way",
        each_route(execution_stays),
    ),
    Demand(
        "drafts-only",
        (Workflow.LIVE_SYSTEM,),
        f"no model of the slot `{DRAFTING_SLOT}` has `autonomy: act`",
        "what may fall back only writes, and a person does",
        each_route(only_drafts),
    ),
    Demand(
        "comes-to-rest",
        (Workflow.SAFETY_CRITICAL,),
        "the safe state is `safe_shutdown` or `human_queue`",
        "without its model it comes to rest, or a person takes over",
        each_route(ends_in(SafeState.SAFE_SHUTDOWN, SafeState.HUMAN_QUEUE)),
    ),
    Demand(
        "no-canary",
        (Workflow.SAFETY_CRITICAL,),
        "no `canary`",
        "nothing is tried out where people can come to harm",
        each_route(tries_nothing),
    ),
    Demand(
        "two-operators",
        TWO_OPERATORS,
        "the trust root has two operators; decision asks for two signatures on what widens",
        "one person alone does not put a stopped agent back to work",
        two_operators,
        firm=True,
        severity=Severity.WARNING,
    ),
)
"""Every demand, the general ones first."""


def demands_on(workflow: Workflow) -> tuple[Demand, ...]:
    """What is asked of one kind of work."""
    return tuple(demand for demand in DEMANDS if workflow in demand.workflows)


def demand_problems(draft: Draft, policy: RoutePolicy) -> Iterator[Problem]:
    """What a policy says against the demands on its kind of work, save those that it departs from in as many words."""
    case = Case.of(draft, policy)
    departed = {departure.demand for departure in policy.departures}
    for demand in demands_on(policy.workflow):
        if demand.name in departed and not demand.firm:
            continue
        for breach in demand.test(case):
            what = f"{breach.what}, but this is {policy.workflow}: {demand.why} ({demand.name})"
            said = draft.source.problem if demand.severity is Severity.ERROR else draft.source.warning
            yield said(breach.path, what, breach.mend)
