"""From what people wrote to what they sign: one self-contained `RoutePolicy`.

The compiled form is a function of the documents, the evidence, the trust root and `issued_at` alone: two owners who compile
the same files on two machines get the same bytes, so each can add a signature to the other's.

Not handled here: whether the result may be used (`check`).
"""

from collections.abc import Iterator
from difflib import get_close_matches

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.library import Library
from interlock.policy.authoring.policy import CanaryEntry, RouteEntry, RungEntry
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.usual import USUAL, Usual
from interlock.records.codec import encode
from interlock.records.documents import Departure, RoutePolicy, Webhook
from interlock.records.rules import Approval, CanaryPlan, Needs, RouteRule, Rung, SafeReply
from interlock.signing.roles import Role
from interlock.vocabulary.limits import POLICY_BYTES_MAX
from interlock.vocabulary.time import Micros, duration_text

_SIGNATURES_BYTES = 4_096
"""Room for the signatures around a policy."""


def compile_policy(draft: Draft, issued_at: Micros) -> RoutePolicy | list[Problem]:
    """Compile a policy.

    Args:
        draft: The policy and what it refers to.
        issued_at: The time it bears; who signs as the second takes it from the first one's file.

    Returns:
        The policy, or every reason why there is none.
    """
    library = Library(draft)
    problems = [*_audience_problems(draft), *_repeated_departures(draft), *_route_problems(draft, library)]
    if problems:
        return sorted(problems, key=lambda problem: problem.line)
    document = draft.document
    usual, last = USUAL[document.workflow], document.last_channel
    policy = RoutePolicy(
        agent=document.agent,
        version=document.version,
        deployment=document.deployment,
        workflow=document.workflow,
        team=document.team,
        issued_at=issued_at,
        expires_at=document.expires_at,
        review_within_us=usual.review_within.usual if document.review_within is None else document.review_within,
        routes=tuple(
            sorted(
                (_rule(route, usual, library) for route in document.routes), key=lambda rule: (rule.slot, rule.scope)
            )
        ),
        notify=tuple(
            sorted((Webhook(to.webhook, to.allow_private) for to in document.notify), key=lambda webhook: webhook.url)
        ),
        unnotified=document.unnotified,
        last_channel=Webhook(last.webhook, last.allow_private) if last else None,
        departures=tuple(
            sorted(
                (Departure(entry.demand, entry.because) for entry in document.departures),
                key=lambda departure: departure.demand,
            )
        ),
    )
    if len(encode(policy)) > POLICY_BYTES_MAX - _SIGNATURES_BYTES:
        return [
            draft.source.problem(
                ("routes",), "the compiled policy is too large to be published", "Use fewer routes or rungs."
            )
        ]
    return policy


def _audience_problems(draft: Draft) -> Iterator[Problem]:
    document, trust = draft.document, draft.trust
    if document.deployment != trust.deployment:
        what = f"the policy is for {document.deployment!r}, the trust root for {trust.deployment!r}"
        yield draft.source.problem(
            ("deployment",), what, f"Write `deployment: {trust.deployment}`, or use that one's root."
        )
    owned = {agent for grant in trust.grants_of(Role.AGENT_OWNER) for agent in grant.agents}
    if document.agent not in owned:
        what = f"nobody in the trust root owns the agent {document.agent!r}, so nobody can sign its policy"
        yield draft.source.problem(
            ("agent",), what, f"Name one of: {', '.join(sorted(owned)) or 'none'}; or have the root's owners grant it."
        )


def _repeated_departures(draft: Draft) -> Iterator[Problem]:
    named = [entry.demand for entry in draft.document.departures]
    for number, demand in enumerate(named):
        if demand in named[:number]:
            what = f"{demand} is departed from twice"
            yield draft.source.problem(("departures", number, "from"), what, "Keep one of them, with both reasons.")


def _route_problems(draft: Draft, library: Library) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for number, route in enumerate(draft.document.routes):
        if (route.slot, route.scope) in seen:
            what = f"the route {route.slot}/{route.scope} is here for the second time"
            yield draft.source.problem(("routes", number, "slot"), what, "Keep one of them, or give one another scope.")
        seen.add((route.slot, route.scope))
        yield from _ladder_problems(draft, library, number, route)
        yield from _reply_problems(draft, number, route)
        yield from _canary_problems(draft, number, route)
        yield from _guard_problems(draft, number, route)


def _ladder_problems(draft: Draft, library: Library, number: int, route: RouteEntry) -> Iterator[Problem]:
    names = [rung.model for rung in route.ladder]
    for place, name in enumerate(names):
        path = ("routes", number, "ladder", place, "model")
        if name in names[:place]:
            yield draft.source.problem(path, f"{name} is on this ladder already", "Keep it in one place.")
        elif name not in library.entries:
            near = get_close_matches(name, list(library.entries), n=1)
            mend = (
                f"Did you mean {near[0]}?"
                if near
                else f"Register it, or use one of: {', '.join(sorted(library.entries))}."
            )
            yield draft.source.problem(path, f"{name} is not in the registry", mend)
        elif library.evidence(name, route.task_profile) is None:
            mend = "Have a validator sign evidence for this version and profile, or use a model that has it."
            yield draft.source.problem(path, library.lacking(name, route.task_profile), mend)


def _reply_problems(draft: Draft, number: int, route: RouteEntry) -> Iterator[Problem]:
    named = route.safe_state.read_only if route.safe_state else None
    names = [rung.model for rung in route.ladder]
    if named and named.model not in names:
        path = ("routes", number, "safe_state", "read_only", "model")
        what = f"{named.model} is not on this ladder, so nobody approved it"
        yield draft.source.problem(path, what, f"Name one of: {', '.join(names)}.")


def _canary_problems(draft: Draft, number: int, route: RouteEntry) -> Iterator[Problem]:
    plan = route.canary
    if plan and plan.time_min > plan.wait_max:
        what = f"a step may wait {duration_text(plan.wait_max)}, and must last {duration_text(plan.time_min)}"
        path = ("routes", number, "canary", "wait_max")
        yield draft.source.problem(path, what, "Let `wait_max` be no shorter than `time_min`.")


def _guard_problems(draft: Draft, number: int, route: RouteEntry) -> Iterator[Problem]:
    """A guard beats under its own name, with a key of the trust root: without one the route could never be served."""
    keyids = {keyid for grant in draft.trust.grants_of(Role.GUARD) for keyid in grant.keyids}
    known = sorted({key.owner for key in draft.trust.keys if key.keyid in keyids})
    for guard in sorted(set(route.guards) - set(known)):
        what = f"{guard} holds no key with the role guard in the trust root, so it would always be missing"
        mend = f"Name one of: {', '.join(known) or 'none'}; or have the root's owners add its key."
        yield draft.source.problem(("routes", number, "guards"), what, mend)


def _rule(route: RouteEntry, usual: Usual, library: Library) -> RouteRule:
    """The route as it is signed: what it says, and for the rest what is usual for its kind of work."""
    recovery, ending = route.recovery, route.safe_state
    return RouteRule(
        slot=route.slot,
        scope=route.scope,
        profile=route.task_profile,
        ladder=tuple(_rung(rung, route.task_profile, library) for rung in route.ladder),
        triggers=tuple(route.triggers.rules(usual.mode)),
        blind_us=usual.blind.usual if route.blind is None else route.blind,
        stable_us=recovery.stable if recovery else usual.stable,
        grace_us=usual.grace.usual if route.grace is None else route.grace,
        safe_state=ending.state if ending else usual.safe_state,
        evidence_level=route.evidence_level,
        needs=Needs(**dict(route.needs)),
        cost_ceiling=route.cost_ceiling,
        guards=route.guards,
        dwell_us=recovery.dwell if recovery else usual.dwell,
        canary=_canary(route.canary) if route.canary else None,
        approval=Approval(route.approval.within, route.approval.ticket) if route.approval else usual.approval,
        safe_reply=ending.reply if ending else SafeReply(),
    )


def _rung(entry: RungEntry, profile: str, library: Library) -> Rung:
    return Rung(
        model=library.model(entry.model),
        accepted_by=entry.accepted_by,
        evidence=library.evidence(entry.model, profile) or b"",
        equivalent=entry.equivalent,
        accepted_in_advance=entry.accepted_in_advance,
    )


def _canary(entry: CanaryEntry) -> CanaryPlan:
    return CanaryPlan(entry.steps, entry.calls_min, entry.time_min, entry.wait_max)
