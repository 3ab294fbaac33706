"""What each field of people's documents means, in one sentence: what an editor shows beside it."""

from collections.abc import Mapping

from interlock.policy.authoring import evidence, policy, registry, safe_states, triggers
from interlock.policy.authoring.document import Document

_MEANINGS: Mapping[type[Document], Mapping[str, str]] = {
    policy.PolicyDocument: {
        "agent": "The agent whose policy this is, as the trust root names it. One agent has one policy.",
        "version": "Counts the versions that were signed: a version that was published is never changed.",
        "deployment": "The deployment for which it counts; the trust root's.",
        "workflow": "What kind of work the agent does. It says what is usual, and what is asked of the policy.",
        "team": "The team that is accountable, named in every notice.",
        "expires_at": "From then on nothing is admissible under this policy.",
        "review_within": "How soon people look at a substitution.",
        "routes": "One route for each pair of a slot and a scope, each with a ladder of its own.",
        "notify": "Where the governance function is told of every change, within five minutes.",
        "unnotified": "What follows when nobody accepted a notice in time: `record` it, or `suspend` the agent too.",
        "last_channel": "Where the deadline watch itself tells that a notice was not accepted in time.",
        "departures": "Demands on this kind of work that this policy does not meet, and why.",
    },
    policy.RouteEntry: {
        "slot": "A sub-task of the agent; `main` where there is one.",
        "scope": 'A class of tenants or requests, or a region; "*" for all.',
        "task_profile": "What every model of the ladder must have been validated for.",
        "evidence_level": "The level of validation that every rung must have reached.",
        "needs": "What the task cannot do without: a model that lacks it is not used.",
        "cost_ceiling": "US dollars per million tokens that no rung may exceed.",
        "guards": "Guardrails and verification tools without whose beats the route is in its safe state.",
        "ladder": "The primary, then the approved fallbacks in order; none may do or reach more than the one above it.",
        "triggers": "What makes the route leave its model, how long it must last, and how the route leaves.",
        "blind": "How long silence about the model in use is borne; then it counts as unavailable.",
        "recovery": "When the route returns to a higher rung.",
        "canary": "How the route moves step by step, where it does.",
        "approval": "How long a material change waits for the agent's owner, in the safe state.",
        "grace": "How long a router keeps the route after the control plane fell silent.",
        "safe_state": "What happens when no rung may be used.",
    },
    policy.RungEntry: {
        "model": "A model of the registry.",
        "accepted_by": "Who accepted it for this agent.",
        "equivalent": "Whether it is declared to be no material change from the primary.",
        "accepted_in_advance": "Whether a material change to it needs no further approval.",
    },
    policy.NeedsEntry: {
        "context_tokens": "The smallest context window, in tokens.",
        "modalities": "Kinds of input.",
        "outputs": "Kinds of output.",
        "tools": "Tools that the model must be able to call.",
    },
    policy.Recovery: {
        "stable": "How long a higher rung must have been healthy before the route returns to it.",
        "dwell": "How long the route stays on a rung at least before it does.",
        "canary": "That it returns by canary, which it does wherever the route has a plan.",
    },
    policy.CanaryEntry: {
        "steps": "The shares of the requests that go to the new model, rising; the whole comes last by itself.",
        "calls_min": "Calls that a step must have seen before it is passed.",
        "time_min": "How long a step lasts at least.",
        "wait_max": "How long a step may last without evidence; then the canary is rolled back.",
    },
    policy.ApprovalEntry: {
        "within": "How long a proposal waits.",
        "ticket": "Whether an approval must name the ticket that records it.",
    },
    policy.WebhookEntry: {
        "webhook": "The address that is called.",
        "allow_private": "Whether it may be inside your own network.",
    },
    policy.LastChannelEntry: {
        "webhook": "The address that is called.",
        "allow_private": "Whether it may be inside your own network.",
    },
    policy.DepartureEntry: {
        "from": "The name of the demand, as `interlock policy check` tells it.",
        "because": "Why, for whoever reviews the policy.",
    },
    triggers.Triggers: {
        "unavailable": "No call succeeds. It must be there: nothing else notices an outage.",
        "errors": "More than a share of the calls fail.",
        "throttled": "More than a share of the calls are turned away for want of quota.",
        "latency": "The 95th percentile of the latency is too high.",
        "quality": "A metric of quality is below its floor; metrics by their names.",
        "refusals": "The model refuses more than a share of the calls: a reason to stop, never to try a laxer one.",
        "low_confidence": "More than a share of the replies have low confidence.",
        "schema_failures": "More than a share of the replies do not fit the agent's schema.",
        "cost": "The route costs too much.",
        "credential": "The model's own credential fails or has expired.",
        "wrong_model": "The provider served another model than approved.",
    },
    triggers.Lasting: {
        "for": "How long it must last before it counts.",
        "mode": "How the route leaves: at once, step by step, after an approval, or into the safe state until a `resume`.",
        "tolerated": "Whether a fallback may be entered and kept although it is degraded in this respect.",
        "above": "The share of the calls that is borne.",
        "p95_above": "The latency that is borne.",
        "below": "The least value that is good enough.",
        "usd_per_hour_above": "US dollars an hour that are borne.",
    },
    triggers.Certain: {
        "for": "How long it must last before it counts.",
        "mode": "How the route leaves: at once, step by step, after an approval, or into the safe state until a `resume`.",
    },
    safe_states.SafeStateEntry: {
        "read_only": "A named model of the ladder answers, its tools stripped.",
        "templated_reply": "A text that governance signs with the policy.",
        "cached_response": "An earlier answer to the same request, marked as such.",
    },
    safe_states.ReadOnly: {"model": "The model of the ladder that answers."},
    safe_states.TemplatedReply: {"text": "The reply."},
    safe_states.CachedResponse: {"max_age": "How old an answer may be."},
    registry.RegistryDocument: {"models": "Every model that policies may name, by its name."},
    registry.ModelEntry: {
        "entry": "Counts the changes of this entry: one that was signed is never changed.",
        "withdrawn": "Whether the model is taken out of use, for every agent.",
        "version": "The version of the model that evidence is about.",
        "provider": "Who serves it.",
        "endpoint": "Where its OpenAI-compatible API is.",
        "intermediaries": "Who stands between: proxies, marketplaces.",
        "served_as": "What the endpoint wants in `model`.",
        "aliases": "Other names that it may give itself in its replies.",
        "identity": "The non-human identity that calls bear.",
        "data": "What the provider does with the data of a call.",
        "capability": "What the model can do and reach.",
        "approvals": "Regulatory approvals; a fallback needs all of the primary's.",
        "integrity": "Safety integrity level, 0 to 4; 0 where none is claimed.",
        "usd_per_mtok": "US dollars per million tokens.",
        "retires_at": "When the provider stops serving this version, or `never`.",
    },
    registry.Identity: {
        "id": "Its name, for example a SPIFFE id.",
        "owner": "Who answers for it.",
        "secret_ref": "Which environment variable holds the credential, `env:NAME`; never the secret.",
        "scopes": "What it may reach.",
        "assurance": "How sure it is that nobody else bears this identity, 0 to 4.",
        "rotation_due": "From then on its credential is overdue, and the model is not used.",
    },
    registry.DataHandling: {
        "classes": "The classes of data that it is cleared for.",
        "regions": "Where data may be processed.",
        "retention_days": "How long the provider keeps the data of a call.",
        "logging": "What the provider keeps of a call.",
    },
    registry.Capability: {
        "tools": "What it may call.",
        "code_execution": "Whether it executes code.",
        "network": "How far its tools reach.",
        "modalities": "Kinds of input.",
        "context_tokens": "The context window, in tokens.",
        "outputs": "Kinds of output.",
        "autonomy": "What it may do without a person.",
        "deterministic": "Whether equal requests get equal answers.",
    },
    evidence.EvidenceDocument: {
        "model": "The model that was validated.",
        "model_version": "The version that was validated: evidence for another one does not count.",
        "profile": "The task profile for which it was.",
        "by": "Who validated it, and signs this.",
        "levels": "How far each part of the validation went.",
        "report": "Where the report is.",
        "validated_at": "When it was validated.",
        "expires_at": "When every ladder leaves the model, unless the evidence is renewed.",
    },
    evidence.Levels: {
        "capability_boundaries": "It stays inside its declared tools and scopes; 0: not passed.",
        "safety": "It met the profile's safety criteria; 0: not passed.",
        "governance_compliance": "It met the governance criteria; 0: not passed.",
    },
}
"""By class and by the name that people write; a class has what the classes above it have."""


def meaning(kind: type[Document], field: str) -> str:
    """What a field of a document, or of a part of one, means.

    Raises:
        KeyError: Nobody has written it down.
    """
    for each in kind.__mro__:
        if issubclass(each, Document) and field in _MEANINGS.get(each, {}):
            return _MEANINGS[each][field]
    raise KeyError(f"{kind.__name__}.{field}")
