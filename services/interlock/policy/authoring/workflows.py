"""Rule 8: what a policy must say because of the kind of work that its agent does.

One row of `DEMANDS` is one demand, with the sentence that says why. `drafting` and `customer_facing` ask for nothing beyond what
every policy must say; that their replies are marked is the gateway's business. Where two people must sign an order, there must be
two who can.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath, Problem
from interlock.policy.authoring.triggers import trigger_path
from interlock.policy.lattice import material
from interlock.records.documents import Mode, RouteRule, SafeState, Workflow
from interlock.signing.roles import Role

DRAFTING_SLOT = "drafting"
"""The one slot of a `live_system` agent that may fall back: a person reads what it writes before anything is done."""

TWO_OPERATORS = frozenset({Workflow.MONEY_MOVING, Workflow.CLINICAL})
"""Where one operator alone may not widen."""


@dataclass(frozen=True, slots=True)
class Breach:
    """What a route says against a demand: where, what, and the mend."""

    path: FieldPath
    what: str
    mend: str


Test = Callable[[RouteRule], Iterator[Breach]]


def _ends_in(*allowed: SafeState) -> Test:
    def test(rule: RouteRule) -> Iterator[Breach]:
        if rule.safe_state not in allowed:
            mend = f"Write `safe_state: {allowed[0]}`."
            yield Breach(("safe_state",), f"it ends in {rule.safe_state}, not in {' or '.join(allowed)}", mend)

    return test


def _never_ends_in(refused: SafeState) -> Test:
    def test(rule: RouteRule) -> Iterator[Breach]:
        if rule.safe_state is refused:
            yield Breach(("safe_state",), f"it ends in {refused}", "Write `safe_state: suspend`, or another.")

    return test


def _accepted_only(rule: RouteRule) -> Iterator[Breach]:
    for place, rung in enumerate(rule.ladder[1:], start=1):
        waits = bool(material(rule.ladder[0], rung)) and rule.approval.within_us > 0
        if not rung.accepted_in_advance and not waits:
            what = f"{rung.model.name} is neither accepted in advance nor waits for an approval"
            yield Breach(("ladder", place, "model"), what, "Write `accepted_in_advance: true` beside it, if it is.")


def _openly_material(rule: RouteRule) -> Iterator[Breach]:
    for place, rung in enumerate(rule.ladder[1:], start=1):
        differs = material(rule.ladder[0], rung)
        if differs and rung.equivalent:
            what = f"{rung.model.name} is written as equivalent, but differs in {', '.join(differs)}"
            yield Breach(("ladder", place, "model"), what, "Write `equivalent: false` beside it.")


def _names_a_ticket(rule: RouteRule) -> Iterator[Breach]:
    if rule.approval.within_us > 0 and not rule.approval.ticket:
        yield Breach(("approval",), "an approval needs no ticket", "Write `ticket: true` beside `within`.")


def _pauses(rule: RouteRule) -> Iterator[Breach]:
    for trigger in rule.triggers:
        if trigger.mode not in {Mode.SUSPEND, Mode.AWAIT_APPROVAL}:
            mend = "Write `mode: await_approval` or `mode: suspend` beside its `for`."
            yield Breach(trigger_path(trigger), f"it leaves its model by {trigger.mode}", mend)


def _never_falls_back(rule: RouteRule) -> Iterator[Breach]:
    if rule.slot != DRAFTING_SLOT and len(rule.ladder) > 1:
        what = f"{rule.slot} falls back to {rule.ladder[1].model.name}"
        yield Breach(("ladder",), what, f"Keep the primary alone; only the slot `{DRAFTING_SLOT}` may fall back.")


@dataclass(frozen=True, slots=True)
class Demand:
    """What routes of one kind of work must say, why, and how it is tested."""

    workflow: Workflow
    why: str
    test: Test


DEMANDS = (
    Demand(
        Workflow.MONEY_MOVING, "an earlier answer about money is a wrong one", _never_ends_in(SafeState.CACHED_RESPONSE)
    ),
    Demand(Workflow.MONEY_MOVING, "no material change is made silently, so it is written as one", _openly_material),
    Demand(Workflow.MONEY_MOVING, "who approves a change says where it is recorded", _names_a_ticket),
    Demand(Workflow.TRADING, "every transition is a pause in which a person looks", _pauses),
    Demand(Workflow.CLINICAL, "what no model may answer, a person does", _ends_in(SafeState.HUMAN_QUEUE)),
    Demand(Workflow.CLINICAL, "only substitutes that somebody accepted treat patients", _accepted_only),
    Demand(Workflow.LIVE_SYSTEM, "what acts on a live system is not replaced under way", _never_falls_back),
    Demand(
        Workflow.SAFETY_CRITICAL,
        "without its model it comes to rest, or a person takes over",
        _ends_in(SafeState.SAFE_SHUTDOWN, SafeState.HUMAN_QUEUE),
    ),
)


def demand_problems(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    """What one route says against the demands of its agent's kind of work."""
    workflow = draft.document.workflow
    for demand in DEMANDS:
        if demand.workflow is not workflow:
            continue
        for breach in demand.test(rule):
            what = f"{breach.what}, but this is {workflow}: {demand.why}"
            yield draft.source.problem(("routes", number, *breach.path), what, breach.mend)


def operator_warnings(draft: Draft) -> Iterator[Problem]:
    """Whether the trust root knows as many operators as must sign."""
    keyids = {keyid for grant in draft.trust.grants_of(Role.OPERATOR) for keyid in grant.keyids}
    people = {key.owner for key in draft.trust.keys if key.keyid in keyids}
    workflow = draft.document.workflow
    if workflow in TWO_OPERATORS and len(people) < 2:
        what = (
            f"two operators must sign for {workflow}, and the trust root has {len(people)}: nobody could resume a route"
        )
        yield draft.source.warning(("workflow",), what, "Have the root's owners add another operator.")
