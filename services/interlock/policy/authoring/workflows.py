"""Rule 8: what a policy must say because of the kind of work that its agent does.

One row of `DEMANDS` is one demand: its name, of which kinds of work it is asked, and the sentence that says why. A policy may depart
from a demand only in as many words (`departures`); what the standard itself asks for may not be departed from at all. What a policy gets
where it says nothing is in `usual`.

Not handled here: that replies are marked, which the gateway does for every kind of work, and that some orders need two operators,
which decision sees to; here is only asked whether there are two.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath, Problem, Severity
from interlock.policy.authoring.triggers import UNREPORTED, trigger_path
from interlock.policy.authoring.usual import USUAL, Span, Usual
from interlock.policy.lattice import material
from interlock.records.documents import BARE, Mode, RoutePolicy, RouteRule, SafeState, Workflow
from interlock.records.models import Autonomy
from interlock.signing.roles import Role
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.time import Micros, duration_text

DRAFTING_SLOT = "drafting"
"""The one slot of a `live_system` agent that may fall back: a person reads what it writes before anything is done."""

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
class Case:
    """A compiled policy as demands look at it.

    Attributes:
        policy: The policy.
        rules: Its routes, in the order in which they are written.
        trust: The trust root.
    """

    policy: RoutePolicy
    rules: tuple[RouteRule, ...]
    trust: TrustRoot

    @classmethod
    def of(cls, draft: Draft, policy: RoutePolicy) -> "Case":
        """What was compiled of a draft."""
        found = [policy.rule(entry.slot, entry.scope) for entry in draft.document.routes]
        return cls(policy, tuple(rule for rule in found if rule is not None), draft.trust)

    @property
    def usual(self) -> Usual:
        """What is usual for its kind of work."""
        return USUAL[self.policy.workflow]


@dataclass(frozen=True, slots=True)
class Breach:
    """What a policy says against a demand: where, what, and the mend."""

    path: FieldPath
    what: str
    mend: str


Test = Callable[[Case], Iterator[Breach]]
RuleTest = Callable[[Case, RouteRule], Iterator[Breach]]


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


def _each_route(test: RuleTest) -> Test:
    def of_all(case: Case) -> Iterator[Breach]:
        for number, rule in enumerate(case.rules):
            for breach in test(case, rule):
                yield Breach(("routes", number, *breach.path), breach.what, breach.mend)

    return of_all


def _reviews_soon(case: Case) -> Iterator[Breach]:
    yield from _too_long("review_within", case.policy.review_within_us, case.usual.review_within)


def _believes_silence_briefly(case: Case, rule: RouteRule) -> Iterator[Breach]:
    yield from _too_long("blind", rule.blind_us, case.usual.blind)


def _has_short_grace(case: Case, rule: RouteRule) -> Iterator[Breach]:
    yield from _too_long("grace", rule.grace_us, case.usual.grace)


def _too_long(field: str, said: Micros, span: Span) -> Iterator[Breach]:
    if span.most is not None and said > span.most:
        most, usual = duration_text(span.most), duration_text(span.usual) if span.usual else "0s"
        mend = f"Write `{field}: {most}` or less, or leave it out: {usual} is usual."
        yield Breach((field,), f"{duration_text(said)} is longer than {most}", mend)


def _watches_degradation(_: Case, rule: RouteRule) -> Iterator[Breach]:
    if not {trigger.trigger for trigger in rule.triggers} - BARE - UNREPORTED:
        mend = "Add `errors: {above: 20%, for: 30s}` or `latency: {p95_above: 2s, for: 30s}`."
        yield Breach(("triggers",), "nothing is watched that shows before an outage", mend)


def _accepted_by_owner(case: Case, rule: RouteRule) -> Iterator[Breach]:
    owners = sorted(case.trust.holders(Role.AGENT_OWNER, case.policy.agent))
    for place, rung in enumerate(rule.ladder):
        if rung.accepted_by not in owners:
            what = f"{rung.accepted_by} does not own the agent {case.policy.agent}"
            mend = f"Have it accepted by {' or '.join(owners)}, and write that name."
            yield Breach(("ladder", place, "accepted_by"), what, mend)


def _ends_in(*allowed: SafeState) -> RuleTest:
    def test(_: Case, rule: RouteRule) -> Iterator[Breach]:
        if rule.safe_state not in allowed:
            mend = f"Write `safe_state: {allowed[0]}`, or leave it out."
            yield Breach(("safe_state",), f"it ends in {rule.safe_state}, not in {' or '.join(allowed)}", mend)

    return test


def _no_old_answers(_: Case, rule: RouteRule) -> Iterator[Breach]:
    if rule.safe_state is SafeState.CACHED_RESPONSE:
        yield Breach(("safe_state",), f"it ends in {rule.safe_state}", "Write another one, or leave it out.")


def _accepted_only(_: Case, rule: RouteRule) -> Iterator[Breach]:
    for place, rung in enumerate(rule.ladder[1:], start=1):
        waits = bool(material(rule.ladder[0], rung)) and rule.approval.within_us > 0
        if not rung.accepted_in_advance and not waits:
            what = f"{rung.model.name} is neither accepted in advance nor waits for an approval"
            yield Breach(("ladder", place, "model"), what, "Write `accepted_in_advance: true` beside it, if it is.")


def _openly_material(_: Case, rule: RouteRule) -> Iterator[Breach]:
    for place, rung in enumerate(rule.ladder[1:], start=1):
        differs = material(rule.ladder[0], rung)
        if differs and rung.equivalent:
            what = f"{rung.model.name} is written as equivalent, but differs in {', '.join(differs)}"
            yield Breach(("ladder", place, "model"), what, "Write `equivalent: false` beside it.")


def _names_a_ticket(_: Case, rule: RouteRule) -> Iterator[Breach]:
    if rule.approval.within_us > 0 and not rule.approval.ticket:
        yield Breach(("approval",), "an approval needs no ticket", "Write `ticket: true` beside `within`.")


def _pauses(_: Case, rule: RouteRule) -> Iterator[Breach]:
    for trigger in rule.triggers:
        if trigger.mode not in {Mode.SUSPEND, Mode.AWAIT_APPROVAL}:
            mend = "Write `mode: await_approval` or `mode: suspend` beside its `for`, or leave the mode out."
            yield Breach(trigger_path(trigger), f"it leaves its model by {trigger.mode}", mend)
    for place, rung in enumerate(rule.ladder[1:], start=1):
        if rung.accepted_in_advance or not material(rule.ladder[0], rung):
            what = f"{rung.model.name} would take over unasked from a model that is denied, disabled or no longer validated"
            mend = "Write `equivalent: false` beside it, and no `accepted_in_advance`: then it is approved each time."
            yield Breach(("ladder", place, "model"), what, mend)


def _execution_stays(_: Case, rule: RouteRule) -> Iterator[Breach]:
    if rule.slot != DRAFTING_SLOT and len(rule.ladder) > 1:
        what = f"{rule.slot} falls back to {rule.ladder[1].model.name}"
        yield Breach(("ladder",), what, f"Keep the primary alone; only the slot `{DRAFTING_SLOT}` may fall back.")


def _only_drafts(_: Case, rule: RouteRule) -> Iterator[Breach]:
    for place, rung in enumerate(rule.ladder):
        if rule.slot == DRAFTING_SLOT and rung.model.capability.autonomy is Autonomy.ACT:
            what = f"{rung.model.name} may act without a person"
            mend = "Register it with `autonomy: suggest` or `act_with_approval`, under an identity that allows no more."
            yield Breach(("ladder", place, "model"), what, mend)


def _tries_nothing(_: Case, rule: RouteRule) -> Iterator[Breach]:
    if rule.canary is not None:
        yield Breach(("canary",), "it moves by canary", "Remove the plan, and every mode and recovery by canary.")


def _two_operators(case: Case) -> Iterator[Breach]:
    people = case.trust.holders(Role.OPERATOR, case.policy.agent)
    if len(people) < 2:
        what = f"the trust root has {len(people)} of the two operators who must sign: nobody could resume a route"
        yield Breach(("workflow",), what, "Have the root's owners add another operator.")


_ANY = tuple(USUAL)
_BOUNDED = tuple(workflow for workflow in USUAL if workflow is not Workflow.DRAFTING)

DEMANDS = (
    Demand(
        "review-soon",
        _ANY,
        "`review_within` is no longer than the most of the kind of work",
        "a substitution is looked at while people still remember it",
        _reviews_soon,
    ),
    Demand(
        "short-silence",
        _BOUNDED,
        "`blind` is no longer than the most of the kind of work",
        "a model that nobody hears of may be failing",
        _each_route(_believes_silence_briefly),
    ),
    Demand(
        "short-grace",
        _BOUNDED,
        "`grace` is no longer than the most of the kind of work",
        "a router that hears nothing does not know what was forbidden since",
        _each_route(_has_short_grace),
    ),
    Demand(
        "watches-degradation",
        GRAVE,
        "a trigger that shows before an outage: `errors`, `throttled`, `latency`, `refusals` or `schema_failures`",
        "what fails slowly has done its harm before it is down",
        _each_route(_watches_degradation),
        firm=True,
    ),
    Demand(
        "accepted-by-owner",
        GRAVE,
        "every rung is `accepted_by` a person who owns the agent",
        "who answers for the agent answers for each model behind it",
        _each_route(_accepted_by_owner),
    ),
    Demand(
        "no-old-answers",
        GRAVE,
        "the safe state is not `cached_response`",
        "an earlier answer is a wrong one once the world has moved",
        _each_route(_no_old_answers),
    ),
    Demand(
        "open-material-change",
        (Workflow.MONEY_MOVING,),
        "a rung that differs materially from the primary is written `equivalent: false`",
        "no material change is made silently, so it is written as one",
        _each_route(_openly_material),
        firm=True,
    ),
    Demand(
        "ticket-named",
        (Workflow.MONEY_MOVING,),
        "an `approval` has `ticket: true`",
        "who approves a change says where it is recorded",
        _each_route(_names_a_ticket),
    ),
    Demand(
        "pause-each-transition",
        (Workflow.TRADING,),
        "every trigger has `mode: await_approval` or `suspend`, and no fallback is `accepted_in_advance` or equivalent",
        "every transition to another model is a pause in which a person looks",
        _each_route(_pauses),
    ),
    Demand(
        "accepted-substitutes",
        (Workflow.CLINICAL, Workflow.SAFETY_CRITICAL),
        "every fallback is `accepted_in_advance`, or differs materially and waits for an `approval`",
        "only substitutes that somebody accepted take the place of a model that people's health depends on",
        _each_route(_accepted_only),
        firm=True,
    ),
    Demand(
        "ends-with-a-person",
        (Workflow.CLINICAL,),
        "the safe state is `human_queue`",
        "what no model may answer, a person does",
        _each_route(_ends_in(SafeState.HUMAN_QUEUE)),
    ),
    Demand(
        "execution-stays",
        (Workflow.LIVE_SYSTEM,),
        f"only the slot `{DRAFTING_SLOT}` has fallbacks",
        "what acts on a live system is not replaced under way",
        _each_route(_execution_stays),
    ),
    Demand(
        "drafts-only",
        (Workflow.LIVE_SYSTEM,),
        f"no model of the slot `{DRAFTING_SLOT}` has `autonomy: act`",
        "what may fall back only writes, and a person does",
        _each_route(_only_drafts),
    ),
    Demand(
        "comes-to-rest",
        (Workflow.SAFETY_CRITICAL,),
        "the safe state is `safe_shutdown` or `human_queue`",
        "without its model it comes to rest, or a person takes over",
        _each_route(_ends_in(SafeState.SAFE_SHUTDOWN, SafeState.HUMAN_QUEUE)),
    ),
    Demand(
        "no-canary",
        (Workflow.SAFETY_CRITICAL,),
        "no `canary`",
        "nothing is tried out where people can come to harm",
        _each_route(_tries_nothing),
    ),
    Demand(
        "two-operators",
        TWO_OPERATORS,
        "the trust root has two operators; decision asks for two signatures on what widens",
        "one person alone does not put a stopped agent back to work",
        _two_operators,
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
