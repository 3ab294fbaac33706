"""What ends by the passing of time alone, when, and what happens to the routes then.

Evidence and a model's retirement are told of as soon as they come before the policy's own end, because renewing them takes people;
credentials, the policy and the trust root within `ENDS_SOON_US`, because they are renewed as a matter of course.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.policy.admissible import Proposal
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath, Problem
from interlock.records.rules import RouteRule, Rung
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.limits import ENDS_SOON_US
from interlock.vocabulary.time import Micros, to_text

_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Ending:
    """One thing that ends.

    Attributes:
        what: What it is.
        at: When.
        mend: Who renews it, and how.
        always: Whether it is told of however far away it is, as long as it comes before the policy's end.
    """

    what: str
    at: Micros
    mend: str
    always: bool = False


def endings_of(rung: Rung, proposal: Proposal, rule: RouteRule) -> list[Ending]:
    """Everything about one rung that ends; the rung is left at the first of them."""
    model = rung.model
    evidence = proposal.evidence_for(rule, model)
    rotation = "Rotate it in time, and write the next `rotation_due`: an overdue credential is not used."
    retirement = "Have another model validated and accepted before its provider stops serving it."
    renewal = "Have a validator renew it in time: the rung is left when it ends."
    found = [
        Ending(f"the credential of {model.name}", model.identity.rotation_due, rotation),
        Ending(f"the service of {model.name} by its provider", model.retires_at, retirement, always=True),
    ]
    return (
        found
        if evidence is None
        else [Ending(f"the evidence for {model.name}", evidence.expires_at, renewal, True), *found]
    )


def end_of_rung(rung: Rung, proposal: Proposal, rule: RouteRule) -> Micros:
    """When a rung is left by the passing of time alone; the policy's own end apart."""
    return min(ending.at for ending in endings_of(rung, proposal, rule))


def first_end(proposal: Proposal, trust: TrustRoot) -> Ending:
    """What of a policy ends first, whatever it is."""
    found = [policy_ending(proposal), root_ending(trust)]
    for rule in proposal.policy.routes:
        found += [ending for rung in rule.ladder for ending in endings_of(rung, proposal, rule)]
    return min(found, key=lambda ending: ending.at)


def policy_ending(proposal: Proposal) -> Ending:
    """The end of the policy itself."""
    mend = "Write a later date, raise `version`, and have it signed before then."
    return Ending(f"the policy of {proposal.policy.agent}", proposal.policy.expires_at, mend)


def root_ending(trust: TrustRoot) -> Ending:
    """The end of the trust root."""
    return Ending("the trust root", trust.expires_at, "Have the root's owners sign a new trust root before then.")


def ending_warnings(draft: Draft, proposal: Proposal, now: Micros) -> Iterator[Problem]:
    """What of a policy ends soon; what has ended is a problem of its own, and not told of here."""
    states = sorted({str(rule.safe_state) for rule in proposal.policy.routes})
    after = f"from then on every route is in its safe state, {' or '.join(states)}"
    ends: tuple[tuple[FieldPath, Ending], ...] = (
        (("expires_at",), policy_ending(proposal)),
        ((), root_ending(draft.trust)),
    )
    for path, ending in ends:
        if now < ending.at <= now + ENDS_SOON_US:
            yield draft.source.warning(path, f"{_told(ending, now)}: {after}", ending.mend)


def rung_ending_warnings(
    draft: Draft, proposal: Proposal, number: int, rule: RouteRule, now: Micros
) -> Iterator[Problem]:
    """What of the rungs of one route ends soon, or before the policy does."""
    for place, rung in enumerate(rule.ladder):
        for ending in endings_of(rung, proposal, rule):
            early = ending.always and ending.at < proposal.policy.expires_at
            if now < ending.at and (early or ending.at <= now + ENDS_SOON_US):
                before = ", before the policy" if early else ""
                what = f"{_told(ending, now)}{before}: {_left(ending.at, proposal, rule)}"
                yield draft.source.warning(("routes", number, "ladder", place, "model"), what, ending.mend)


def _told(ending: Ending, now: Micros) -> str:
    return f"{ending.what} ends at {to_text(ending.at)}, in {in_days(Micros(ending.at - now))}"


def in_days(span: Micros) -> str:
    """A time that is left, in days; what is less than one day is told as that."""
    days = span // _DAY_US
    return "less than a day" if days < 1 else "1 day" if days == 1 else f"{days} days"


def _left(moment: Micros, proposal: Proposal, rule: RouteRule) -> str:
    """What a route has once a moment has come."""
    left = [rung.model.name for rung in rule.ladder if end_of_rung(rung, proposal, rule) > moment]
    where = f"{rule.slot}/{rule.scope}"
    return f"then {where} has {', '.join(left)}" if left else f"then {where} is in its safe state, {rule.safe_state}"
