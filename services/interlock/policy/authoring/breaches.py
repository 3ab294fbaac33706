"""What a policy may say against what is asked of its kind of work: for each demand its test, with the place and the mend of a breach.

Not handled here: which demand is made of which kind of work (`workflows`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath
from interlock.policy.authoring.triggers import UNREPORTED, trigger_path
from interlock.policy.authoring.usual import USUAL, Span, Usual
from interlock.policy.lattice import material
from interlock.records.documents import RoutePolicy
from interlock.records.models import Autonomy
from interlock.records.rules import BARE, Mode, RouteRule, SafeState
from interlock.signing.roles import Role
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.time import Micros, duration_text

DRAFTING_SLOT = "drafting"
"""The one slot of a `live_system` agent that may fall back: a person reads what it writes before anything is done."""


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
"""What a policy says against a demand."""

RuleTest = Callable[[Case, RouteRule], Iterator[Breach]]
"""What one of its routes does; paths begin at the route."""


def each_route(test: RuleTest) -> Test:
    """The test of a policy that makes a test of each of its routes."""

    def of_all(case: Case) -> Iterator[Breach]:
        for number, rule in enumerate(case.rules):
            for breach in test(case, rule):
                yield Breach(("routes", number, *breach.path), breach.what, breach.mend)

    return of_all


def reviews_soon(case: Case) -> Iterator[Breach]:
    """`review_within` beyond the most."""
    yield from _too_long("review_within", case.policy.review_within_us, case.usual.review_within)


def believes_silence_briefly(case: Case, rule: RouteRule) -> Iterator[Breach]:
    """`blind` beyond the most."""
    yield from _too_long("blind", rule.blind_us, case.usual.blind)


def has_short_grace(case: Case, rule: RouteRule) -> Iterator[Breach]:
    """`grace` beyond the most."""
    yield from _too_long("grace", rule.grace_us, case.usual.grace)


def _too_long(field: str, said: Micros, span: Span) -> Iterator[Breach]:
    if span.most is not None and said > span.most:
        most, usual = duration_text(span.most), duration_text(span.usual) if span.usual else "0s"
        mend = f"Write `{field}: {most}` or less, or leave it out: {usual} is usual."
        yield Breach((field,), f"{duration_text(said)} is longer than {most}", mend)


def watches_degradation(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """Only triggers that show once a model is down, or that nobody judges."""
    if not {trigger.trigger for trigger in rule.triggers} - BARE - UNREPORTED:
        mend = "Add `errors: {above: 20%, for: 30s}` or `latency: {p95_above: 2s, for: 30s}`."
        yield Breach(("triggers",), "nothing is watched that shows before an outage", mend)


def accepted_by_owner(case: Case, rule: RouteRule) -> Iterator[Breach]:
    """Rungs that somebody accepted who does not answer for the agent."""
    owners = sorted(case.trust.holders(Role.AGENT_OWNER, case.policy.agent))
    for place, rung in enumerate(rule.ladder):
        if rung.accepted_by not in owners:
            what = f"{rung.accepted_by} does not own the agent {case.policy.agent}"
            mend = f"Have it accepted by {' or '.join(owners)}, and write that name."
            yield Breach(("ladder", place, "accepted_by"), what, mend)


def ends_in(*allowed: SafeState) -> RuleTest:
    """A test for a safe state that is none of these, the first of them the usual one."""

    def test(_: Case, rule: RouteRule) -> Iterator[Breach]:
        if rule.safe_state not in allowed:
            mend = f"Write `safe_state: {allowed[0]}`, or leave it out."
            yield Breach(("safe_state",), f"it ends in {rule.safe_state}, not in {' or '.join(allowed)}", mend)

    return test


def no_old_answers(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """A safe state that answers from earlier replies."""
    if rule.safe_state is SafeState.CACHED_RESPONSE:
        yield Breach(("safe_state",), f"it ends in {rule.safe_state}", "Write another one, or leave it out.")


def accepted_only(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """Fallbacks that would be entered though nobody accepted them."""
    for place, rung in enumerate(rule.ladder[1:], start=1):
        waits = bool(material(rule.ladder[0], rung)) and rule.approval.within_us > 0
        if not rung.accepted_in_advance and not waits:
            what = f"{rung.model.name} is neither accepted in advance nor waits for an approval"
            yield Breach(("ladder", place, "model"), what, "Write `accepted_in_advance: true` beside it, if it is.")


def openly_material(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """Material changes that are written as equivalent."""
    for place, rung in enumerate(rule.ladder[1:], start=1):
        differs = material(rule.ladder[0], rung)
        if differs and rung.equivalent:
            what = f"{rung.model.name} is written as equivalent, but differs in {', '.join(differs)}"
            yield Breach(("ladder", place, "model"), what, "Write `equivalent: false` beside it.")


def names_a_ticket(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """Approvals that are recorded nowhere."""
    if rule.approval.within_us > 0 and not rule.approval.ticket:
        yield Breach(("approval",), "an approval needs no ticket", "Write `ticket: true` beside `within`.")


def pauses(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """Ways to another model that no person is asked about: a trigger, or a rung that a denial would bring in."""
    for trigger in rule.triggers:
        if trigger.mode not in {Mode.SUSPEND, Mode.AWAIT_APPROVAL}:
            mend = "Write `mode: await_approval` or `mode: suspend` beside its `for`, or leave the mode out."
            yield Breach(trigger_path(trigger), f"it leaves its model by {trigger.mode}", mend)
    for place, rung in enumerate(rule.ladder[1:], start=1):
        if rung.accepted_in_advance or not material(rule.ladder[0], rung):
            what = f"{rung.model.name} would take over unasked from a model that is denied, disabled or no longer validated"
            mend = "Write `equivalent: false` beside it, and no `accepted_in_advance`: then it is approved each time."
            yield Breach(("ladder", place, "model"), what, mend)


def execution_stays(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """Fallbacks of another slot than the one that drafts."""
    if rule.slot != DRAFTING_SLOT and len(rule.ladder) > 1:
        what = f"{rule.slot} falls back to {rule.ladder[1].model.name}"
        yield Breach(("ladder",), what, f"Keep the primary alone; only the slot `{DRAFTING_SLOT}` may fall back.")


def only_drafts(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """Models of the slot that drafts which may act."""
    for place, rung in enumerate(rule.ladder):
        if rule.slot == DRAFTING_SLOT and rung.model.capability.autonomy is Autonomy.ACT:
            what = f"{rung.model.name} may act without a person"
            mend = "Register it with `autonomy: suggest` or `act_with_approval`, under an identity that allows no more."
            yield Breach(("ladder", place, "model"), what, mend)


def tries_nothing(_: Case, rule: RouteRule) -> Iterator[Breach]:
    """A canary plan."""
    if rule.canary is not None:
        yield Breach(("canary",), "it moves by canary", "Remove the plan, and every mode and recovery by canary.")


def two_operators(case: Case) -> Iterator[Breach]:
    """Too few operators for what two must sign."""
    people = case.trust.holders(Role.OPERATOR, case.policy.agent)
    if len(people) < 2:
        what = f"the trust root has {len(people)} of the two operators who must sign: nobody could resume a route"
        yield Breach(("workflow",), what, "Have the root's owners add another operator.")
