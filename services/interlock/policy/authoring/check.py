"""Whether a compiled policy may be signed: errors where a rung could never be used, warnings where it could disappoint.

The errors about rungs come from the one rule of admissibility that decision and routers use, so a policy that passes here is not
refused there; where governance has signed a model's entry, the policy is compared with it. The warnings are about what public
incidents teach.

Not handled here: whether routes can move as they say (`transitions`), what kinds of work ask for (`workflows`) and what a policy departs
from (`departures`), who is told (`receivers`), what fails together (`shared_fate`), ends soon (`endings`) or is judged by nobody (`producers`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import chain
from urllib.parse import urlsplit

from interlock.policy.admissible import Proposal, examine_rung
from interlock.policy.authoring.departures import departure_problems
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.endings import ending_warnings, rung_ending_warnings
from interlock.policy.authoring.problems import FieldPath, Problem, Severity
from interlock.policy.authoring.producers import producer_warnings
from interlock.policy.authoring.receivers import receiver_problems
from interlock.policy.authoring.registry import registered
from interlock.policy.authoring.shared_fate import shared_fate_warnings
from interlock.policy.authoring.transitions import transition_problems
from interlock.policy.authoring.workflows import demand_problems
from interlock.policy.book import Book, evidence_in
from interlock.policy.lattice import DIMENSIONS, deltas
from interlock.records.documents import RoutePolicy
from interlock.records.models import Model
from interlock.records.rules import RouteRule
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, to_text

_MENDS = {
    Reason.REGISTRY_DISAGREES: "Take the entry as it was signed; or raise its `entry`, and have governance sign the registry."
}
"""Where who writes a policy can do something else than who runs one."""


def check(draft: Draft, policy: RoutePolicy, now: Micros) -> list[Problem]:
    """Judge a policy that `compile_policy` made from the draft; the problems stand in the order of the file's lines."""
    signed = registered(draft.trust, draft.sealed.registrations)
    proposal = Proposal(policy, evidence_in(draft.trust, policy))
    found = [
        *_end_problems(draft, policy, now),
        *ending_warnings(draft, proposal, now),
        *receiver_problems(draft),
    ]
    found += signed.warnings(draft.source)
    found += [*demand_problems(draft, policy), *departure_problems(draft, policy)]
    for number, entry in enumerate(draft.document.routes):
        rule = policy.rule(entry.slot, entry.scope)
        assert rule is not None, "the compiler keeps every route"
        found += _rung_problems(draft, list(_faults(signed.book, proposal, rule, now)), number)
        found += transition_problems(draft, number, rule)
        found += producer_warnings(draft, number, rule)
        found += shared_fate_warnings(draft, number, rule)
        found += rung_ending_warnings(draft, proposal, number, rule, now)
        found += _rung_warnings(draft, number, rule)
    return sorted(found, key=lambda problem: problem.line)


def _end_problems(draft: Draft, policy: RoutePolicy, now: Micros) -> Iterator[Problem]:
    if policy.expires_at <= now:
        what = f"the policy ended at {to_text(policy.expires_at)}"
        yield draft.source.problem(("expires_at",), what, "Write a later date.")
    if draft.trust.expires_at <= now:
        what = f"the trust root ended at {to_text(draft.trust.expires_at)}"
        yield draft.source.problem((), what, "Have the root's owners sign a new trust root.")


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a rung may not be used."""

    place: int
    model: str
    about: str
    detail: str
    reason: Reason


def _faults(book: Book, proposal: Proposal, rule: RouteRule, now: Micros) -> Iterator[_Fault]:
    """What the one rule of admissibility has against the rungs; the policy's own end is told once, elsewhere."""
    for place, rung in enumerate(rule.ladder):
        blocks = examine_rung(book, proposal, rule, place, now)
        for made in chain.from_iterable(block.examined for block in blocks):
            if made.reason is not None and made.reason is not Reason.POLICY_EXPIRED:
                about, _, bound = made.check.partition(" ⊑ ")
                model = rule.ladder[0 if bound == "primary" else max(place - 1, 0)].model
                detail = _beyond(rung.model, model, about) if bound else made.detail
                yield _Fault(place, rung.model.name, about, detail, made.reason)


def _beyond(model: Model, bound: Model, name: str) -> str:
    """How a model exceeds its bound in one dimension, in words."""
    dimension = next(dimension for dimension in DIMENSIONS if dimension.name == name)
    has, may = dimension.extent(model), dimension.extent(bound)
    if isinstance(has, frozenset) and isinstance(may, frozenset):
        what, names = ("short of", may - has) if dimension.protects else ("beyond", has - may)
        return f"{what} {bound.name}: {', '.join(sorted(names))}"
    delta = next(delta for delta in deltas(bound, model) if delta.dimension == name)
    return f"{delta.target}, where {bound.name} has {delta.source}"


def _rung_problems(draft: Draft, faults: Sequence[_Fault], number: int) -> Iterator[Problem]:
    for fault in dict.fromkeys(faults):
        what = f"{fault.model} may not be used here: {fault.about}: {fault.detail} ({fault.reason})"
        yield draft.source.problem(_rung(number, fault.place), what, _MENDS.get(fault.reason, fault.reason.mend))


def _rung_warnings(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    owners = {key.owner for key in draft.trust.keys}
    for place, rung in enumerate(rule.ladder):
        path = _rung(number, place)
        if rung.accepted_by not in owners:
            what = f"{rung.accepted_by} holds no key in the trust root"
            mend = "Name a person of the trust root, so that the acceptance can be traced to a signature."
            yield draft.source.warning((*path[:-1], "accepted_by"), what, mend)
        if _in_the_clear(rung.model):
            what = f"calls to {rung.model.name} would travel unencrypted to {rung.model.endpoint}"
            yield draft.source.warning(path, what, "Register an https endpoint, unless the network is trusted.")


def _rung(number: int, place: int) -> FieldPath:
    return ("routes", number, "ladder", place, "model")


def _in_the_clear(model: Model) -> bool:
    parts = urlsplit(model.endpoint)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def forbids(problems: Sequence[Problem]) -> bool:
    """Whether any of the problems is an error."""
    return any(problem.severity is Severity.ERROR for problem in problems)
