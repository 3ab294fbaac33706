"""Whether a compiled policy may be signed: errors where a rung could never be used, warnings where it could disappoint.

The errors come from the one rule of admissibility that decision and routers use, so a policy that passes here is not refused
there. The warnings are about what public incidents teach: rungs that share a provider fail together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from interlock.policy.admissible import Proposal, examine_rung
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath, Problem, Severity
from interlock.policy.book import Book, evidence_in
from interlock.records.documents import RoutePolicy, RouteRule
from interlock.records.models import Model
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros, to_text

_EVIDENCE = frozenset({Reason.EVIDENCE_MISSING, Reason.EVIDENCE_EXPIRED})


def check(draft: Draft, policy: RoutePolicy, now: Micros) -> list[Problem]:
    """Judge a policy that `compile_policy` made from the draft; the problems stand in the order of the file's lines."""
    found = [*_end_problems(draft, policy, now), *_webhook_problems(draft)]
    proposal = Proposal(policy, evidence_in(draft.trust, policy))
    for number, entry in enumerate(draft.document.routes):
        rule = policy.rule(entry.slot, entry.scope)
        assert rule is not None, "the compiler keeps every route"
        found += _rung_problems(draft, proposal, number, rule, now)
        found += _ladder_warnings(draft, number, rule)
        found += _rung_warnings(draft, proposal, number, rule)
    return sorted(found, key=lambda problem: problem.line)


def _end_problems(draft: Draft, policy: RoutePolicy, now: Micros) -> Iterator[Problem]:
    if policy.expires_at <= now:
        what = f"the policy ended at {to_text(policy.expires_at)}"
        yield draft.source.problem(("expires_at",), what, "Write a later date.")
    if draft.trust.expires_at <= now:
        what = f"the trust root ended at {to_text(draft.trust.expires_at)}"
        yield draft.source.problem((), what, "Have the root's owners sign a new trust root.")


def _rung_problems(draft: Draft, proposal: Proposal, number: int, rule: RouteRule, now: Micros) -> Iterator[Problem]:
    book = Book.start(draft.trust, b"")
    for place, rung in enumerate(rule.ladder):
        told: set[str] = set()
        for made in examine_rung(book, proposal, rule, place, now):
            if made.reason is None or made.reason is Reason.POLICY_EXPIRED or made.detail in told:
                continue
            told.add(made.detail)
            about = "evidence" if made.reason in _EVIDENCE else made.check.split()[0]
            what = f"{rung.model.name} may not be used here: {about}: {made.detail} ({made.reason})"
            yield draft.source.problem(_rung(number, place), what, made.reason.mend)


def _ladder_warnings(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    """What all rungs share, so that one incident takes the whole ladder."""
    models = [rung.model for rung in rule.ladder]
    if len(models) < 2:
        return
    for what, shared in (
        ("provider", {model.provider for model in models}),
        ("region", {region for model in models for region in model.data.regions}),
        ("credential", {model.identity.secret_ref for model in models}),
    ):
        if len(shared) == 1:
            mend = f"Add a rung with another {what}, or accept that one incident can take the whole ladder."
            path = ("routes", number, "ladder")
            yield _warning(draft, path, f"all rungs share the {what} {min(shared)}", mend)


def _rung_warnings(draft: Draft, proposal: Proposal, number: int, rule: RouteRule) -> Iterator[Problem]:
    owners = {key.owner for key in draft.trust.keys}
    for place, rung in enumerate(rule.ladder):
        path = _rung(number, place)
        evidence = proposal.evidence.get((rung.model.name, rung.model.version, rule.profile))
        if evidence and evidence.expires_at < proposal.policy.expires_at:
            what = f"the evidence for {rung.model.name} ends at {to_text(evidence.expires_at)}, before the policy"
            yield _warning(draft, path, what, "Have a validator renew it in time: the rung is left when it ends.")
        if rung.accepted_by not in owners:
            what = f"{rung.accepted_by} holds no key in the trust root"
            mend = "Name a person of the trust root, so that the acceptance can be traced to a signature."
            yield _warning(draft, (*path[:-1], "accepted_by"), what, mend)
        if _in_the_clear(rung.model):
            what = f"calls to {rung.model.name} would travel unencrypted to {rung.model.endpoint}"
            yield _warning(draft, path, what, "Register an https endpoint, unless the network is trusted.")


def _webhook_problems(draft: Draft) -> Iterator[Problem]:
    for number, to in enumerate(draft.document.notify):
        path = ("notify", number, "webhook")
        if _is_private(urlsplit(to.webhook).hostname or "") and not to.allow_private:
            what = f"{to.webhook} is a private address, and notices to those are refused"
            yield draft.source.problem(path, what, "Write `allow_private: true` beside it, or name a public address.")
        if to.webhook in [other.webhook for other in draft.document.notify[:number]]:
            yield draft.source.problem(path, f"{to.webhook} is listed twice", "Keep one of them.")


def _rung(number: int, place: int) -> FieldPath:
    return ("routes", number, "ladder", place, "model")


def _warning(draft: Draft, path: FieldPath, what: str, mend: str) -> Problem:
    return replace(draft.source.problem(path, what, mend), severity=Severity.WARNING)


def _in_the_clear(model: Model) -> bool:
    parts = urlsplit(model.endpoint)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def forbids(problems: Sequence[Problem]) -> bool:
    """Whether any of the problems is an error."""
    return any(problem.severity is Severity.ERROR for problem in problems)
