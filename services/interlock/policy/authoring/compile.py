"""From what people wrote to what they sign: one self-contained `RoutePolicy`.

The compiled form is a function of the documents, the evidence, the trust root and `issued_at` alone: two owners who compile
the same files on two machines get the same bytes, so each can add a signature to the other's.

Not handled here: whether the result may be used (`check`).
"""

from collections.abc import Iterator
from difflib import get_close_matches

from interlock.policy.authoring.documents import (
    EvidenceDocument,
    ModelEntry,
    RouteEntry,
    Triggers,
)
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.source import Source
from interlock.records.codec import encode
from interlock.records.documents import RoutePolicy, RouteRule, Rung, SafeState, TriggerRule, WatchedTrigger, Webhook
from interlock.records.models import Evidence, Model
from interlock.records.sealing import open_sealed
from interlock.signing.roles import Role
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.limits import POLICY_BYTES_MAX
from interlock.vocabulary.time import Micros

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
    library = _Library(draft)
    problems = [*_audience_problems(draft), *_route_problems(draft, library)]
    if problems:
        return sorted(problems, key=lambda problem: problem.line)
    document = draft.document
    policy = RoutePolicy(
        agent=document.agent,
        version=document.version,
        deployment=document.deployment,
        team=document.team,
        issued_at=issued_at,
        expires_at=document.expires_at,
        review_within_us=document.review_within,
        routes=tuple(
            sorted((_rule(route, library) for route in document.routes), key=lambda rule: (rule.slot, rule.scope))
        ),
        notify=tuple(
            sorted((Webhook(to.webhook, to.allow_private) for to in document.notify), key=lambda webhook: webhook.url)
        ),
    )
    if len(encode(policy)) > POLICY_BYTES_MAX - _SIGNATURES_BYTES:
        return [
            draft.source.problem(
                ("routes",), "the compiled policy is too large to be published", "Use fewer routes or rungs."
            )
        ]
    return policy


def compile_evidence(source: Source, document: EvidenceDocument) -> Evidence | list[Problem]:
    """Compile evidence: the record that a validator signs."""
    if document.expires_at <= document.validated_at:
        return [source.problem(("expires_at",), "the end is before the validation", "Write a later date.")]
    return Evidence(
        model=document.model,
        model_version=document.model_version,
        profile=document.profile,
        capability_boundaries=document.passed.capability_boundaries,
        safety=document.passed.safety,
        governance_compliance=document.passed.governance_compliance,
        report=document.report,
        issued_at=document.validated_at,
        expires_at=document.expires_at,
    )


class _Library:
    """The models and the evidence that a draft may draw on."""

    def __init__(self, draft: Draft) -> None:
        self.entries = draft.registry.models
        self.refused: dict[str, Refused] = {}
        self._evidence: list[tuple[Verified[Evidence], bytes]] = []
        for file, sealed in sorted(draft.evidence.items()):
            opened = open_sealed(sealed, draft.trust, Evidence)
            if isinstance(opened, Refused):
                self.refused[file] = opened
            else:
                self._evidence.append((opened, sealed))

    def model(self, name: str) -> Model:
        """The registry's entry as it is approved."""
        return _model(name, self.entries[name])

    def evidence(self, model: str, profile: str) -> bytes | None:
        """The best evidence for the registered version: complete, then the longest valid. None if there is none."""
        wanted = (model, self.entries[model].version, profile)
        fitting = [
            (said.value.complete, said.value.expires_at, said.event_id, sealed)
            for said, sealed in self._evidence
            if (said.value.model, said.value.model_version, said.value.profile) == wanted
        ]
        return max(fitting)[3] if fitting else None

    def lacking(self, model: str, profile: str) -> str:
        """Why there is no evidence, in words."""
        version = self.entries[model].version
        others = sorted(
            f"version {said.value.model_version!r} for {said.value.profile}"
            for said, _ in self._evidence
            if said.value.model == model
        )
        refused = [f"{file}: {why.reason}" for file, why in self.refused.items()]
        remarks = [f"there is for {', '.join(others)}"] * bool(others) + [f"not counted: {'; '.join(refused)}"] * bool(
            refused
        )
        return f"no evidence for {model} version {version!r} and {profile}" + "".join(
            f"; {remark}" for remark in remarks
        )


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


def _route_problems(draft: Draft, library: _Library) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for number, route in enumerate(draft.document.routes):
        if (route.slot, route.scope) in seen:
            what = f"the route {route.slot}/{route.scope} is here for the second time"
            yield draft.source.problem(("routes", number, "slot"), what, "Keep one of them, or give one another scope.")
        seen.add((route.slot, route.scope))
        yield from _ladder_problems(draft, library, number, route)


def _ladder_problems(draft: Draft, library: _Library, number: int, route: RouteEntry) -> Iterator[Problem]:
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


def _rule(route: RouteEntry, library: _Library) -> RouteRule:
    ladder = [
        Rung(library.model(rung.model), rung.accepted_by, library.evidence(rung.model, route.task_profile) or b"")
        for rung in route.ladder
    ]
    return RouteRule(
        slot=route.slot,
        scope=route.scope,
        profile=route.task_profile,
        ladder=tuple(ladder),
        triggers=tuple(_triggers(route.triggers)),
        blind_us=route.blind,
        stable_us=route.recovery.stable,
        grace_us=route.grace,
        safe_state=SafeState(route.safe_state),
    )


def _triggers(triggers: Triggers) -> Iterator[TriggerRule]:
    yield TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, triggers.unavailable.for_)
    if triggers.errors:
        yield TriggerRule(WatchedTrigger.ERRORS, triggers.errors.above, triggers.errors.for_)
    if triggers.throttled:
        yield TriggerRule(WatchedTrigger.THROTTLED, triggers.throttled.above, triggers.throttled.for_)
    if triggers.latency:
        yield TriggerRule(WatchedTrigger.LATENCY, triggers.latency.seconds, triggers.latency.for_)


def _model(name: str, entry: ModelEntry) -> Model:
    return Model(
        name=name,
        version=entry.version,
        provider=entry.provider,
        endpoint=entry.endpoint,
        served_as=entry.served_as,
        aliases=entry.aliases,
        identity=entry.identity.id,
        secret_ref=entry.identity.secret_ref,
        scopes=entry.identity.scopes,
        tools=entry.capability.tools,
        code_execution=entry.capability.code_execution,
        regions=entry.regions,
    )
