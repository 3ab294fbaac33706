"""The closed list of reasons: the value a core answers with, the log field, the metric label, the finding.

Every expected refusal has one, and every one says what a person should do about it.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why something was refused, parked or left undone. The value is stable: alerts may match on it."""

    # The bytes themselves.
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_AN_ENVELOPE = "not_an_envelope"
    UNKNOWN_FINGERPRINT = "unknown_fingerprint"
    UNREADABLE = "unreadable"
    OUT_OF_BOUNDS = "out_of_bounds"

    # Who says it.
    UNKNOWN_PAYLOAD_TYPE = "unknown_payload_type"
    UNEXPECTED_PAYLOAD_TYPE = "unexpected_payload_type"
    NO_SIGNATURE = "no_signature"
    TOO_MANY_SIGNATURES = "too_many_signatures"
    BAD_SIGNATURE = "bad_signature"
    ROLE_NOT_ALLOWED = "role_not_allowed"
    THRESHOLD_NOT_MET = "threshold_not_met"
    NOT_ITS_OWN_WORD = "not_its_own_word"

    # What it is about.
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_SHARD = "wrong_shard"
    FROM_THE_FUTURE = "from_the_future"
    EXPIRED = "expired"
    NOT_NEWER = "not_newer"
    OLD_TERM = "old_term"
    EQUIVOCATION = "equivocation"
    ROOT_NOT_NEXT = "root_not_next"

    # Whether policy allows it.
    POLICY_NOT_HELD = "policy_not_held"
    POLICY_OLDER = "policy_older"
    POLICY_DIGEST_DIFFERS = "policy_digest_differs"
    POLICY_EXPIRED = "policy_expired"
    REGISTRATION_NOT_HELD = "registration_not_held"
    CHANGE_MALFORMED = "change_malformed"
    SAFE_STATE_DIFFERS = "safe_state_differs"
    ROUTE_UNKNOWN = "route_unknown"
    MODEL_NOT_USED = "model_not_used"
    GUARD_NOT_REQUIRED = "guard_not_required"
    NOT_ON_LADDER = "not_on_ladder"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_EXPIRED = "evidence_expired"
    DENIED = "denied"
    BROADER_TOOLS = "broader_tools"
    BROADER_CODE_EXECUTION = "broader_code_execution"
    BROADER_SCOPES = "broader_scopes"
    BROADER_REGIONS = "broader_regions"
    BROADER_NETWORK = "broader_network"
    BROADER_MODALITIES = "broader_modalities"
    BROADER_CONTEXT = "broader_context"
    BROADER_OUTPUTS = "broader_outputs"
    BROADER_AUTONOMY = "broader_autonomy"
    BROADER_RETENTION = "broader_retention"
    BROADER_LOGGING = "broader_logging"
    WEAKER_ASSURANCE = "weaker_assurance"
    WEAKER_DATA_CLASSES = "weaker_data_classes"
    WEAKER_APPROVALS = "weaker_approvals"
    WEAKER_INTEGRITY = "weaker_integrity"
    EVIDENCE_LEVEL = "evidence_level"
    NEED_NOT_MET = "need_not_met"
    COST_CEILING = "cost_ceiling"
    REGISTRY_DISAGREES = "registry_disagrees"
    MODEL_WITHDRAWN = "model_withdrawn"
    MODEL_RETIRED = "model_retired"
    ROTATION_OVERDUE = "rotation_overdue"

    # What a command cannot do.
    NOT_AUTHORISED = "not_authorised"
    NOTHING_PROPOSED = "nothing_proposed"
    NOTHING_TO_RESUME = "nothing_to_resume"
    NOTHING_TO_REVIEW = "nothing_to_review"
    TICKET_MISSING = "ticket_missing"
    CANARY_UNKNOWN = "canary_unknown"
    CHANGE_UNKNOWN = "change_unknown"

    # What a router or a service saw happen.
    PAST_NOT_AFTER = "past_not_after"
    NOT_PERSISTED = "not_persisted"
    NO_CHANGE_YET = "no_change_yet"
    NO_LEASE_YET = "no_lease_yet"
    LEASE_OVER = "lease_over"
    ORDERED = "ordered"
    HEADS_DIFFER = "heads_differ"
    REFUSED_BUT_LIVE = "refused_but_live"
    OTHER_MODEL_ANSWERED = "other_model_answered"
    NOTICE_NOT_ACCEPTED = "notice_not_accepted"
    NOTICE_OVERDUE = "notice_overdue"
    LAST_CHANNEL_SILENT = "last_channel_silent"
    LOG_GAP = "log_gap"
    TOPIC_SHORTER = "topic_shorter"
    NOT_DECIDED = "not_decided"
    REVIEW_OVERDUE = "review_overdue"
    NOT_SETTLED = "not_settled"
    STATE_DISAGREES = "state_disagrees"
    ROUTER_REFUSED = "router_refused"
    FOREIGN_RECORD = "foreign_record"
    SHED = "shed"

    @property
    def mend(self) -> str:
        """What a person should do about it, one sentence."""
        return _MENDS[self]


_MENDS: dict[Reason, str] = {
    Reason.EMPTY: "Nothing to do: a tombstone or empty record cannot be signed, so it means nothing here.",
    Reason.TOO_LARGE: "Find who wrote it and make the record smaller; the limit is ENVELOPE_BYTES_MAX.",
    Reason.NOT_AN_ENVELOPE: "Find who writes to this topic without sealing its records; check the topic's ACL.",
    Reason.UNKNOWN_FINGERPRINT: "The writer's schema is not known here: upgrade this service, or stop the writer.",
    Reason.UNREADABLE: "The bytes do not fit the schema they name: find the writer by its signature.",
    Reason.OUT_OF_BOUNDS: "A value is outside its limits (vocabulary/limits.py): mend the writer.",
    Reason.UNKNOWN_PAYLOAD_TYPE: "The writer says a kind of record that is not known here: upgrade this service, or stop the writer.",
    Reason.UNEXPECTED_PAYLOAD_TYPE: "This kind of record does not belong on this topic: find its writer.",
    Reason.NO_SIGNATURE: "Find who writes unsigned records; check the topic's ACL.",
    Reason.TOO_MANY_SIGNATURES: "Send only the signatures that the role needs.",
    Reason.BAD_SIGNATURE: "Treat as an attack or a damaged record: compare the writer's key with the trust root.",
    Reason.ROLE_NOT_ALLOWED: "The signer's role may not say this: sign with the right key, or treat as an attack.",
    Reason.THRESHOLD_NOT_MET: "Collect the missing signatures from other people; one person with two keys counts once.",
    Reason.NOT_ITS_OWN_WORD: "The record speaks for another reporter or router than the one that signed it: treat as an attack.",
    Reason.WRONG_AUDIENCE: "The record is for another deployment: check which bootstrap servers its writer uses.",
    Reason.WRONG_SHARD: "The record is on another shard's partition: check the writer's number of shards.",
    Reason.FROM_THE_FUTURE: "Synchronise the clocks of the writer and of this machine.",
    Reason.EXPIRED: "Issue it again.",
    Reason.NOT_NEWER: "Nothing to do if it was a repetition; otherwise treat as a replay.",
    Reason.OLD_TERM: "A decision process that lost its shard still publishes: stop it.",
    Reason.EQUIVOCATION: "Two different records bear one order: treat the signing key as stolen and issue a new root.",
    Reason.ROOT_NOT_NEXT: "Publish the missing versions of the trust root in between.",
    Reason.POLICY_NOT_HELD: "Wait for the policy, or publish it.",
    Reason.POLICY_OLDER: "Publish the policy again under a higher version.",
    Reason.POLICY_DIGEST_DIFFERS: "The change names another policy than the one held: publish the policy, or look for a stolen decision key.",
    Reason.POLICY_EXPIRED: "Sign and publish the policy again with a later end.",
    Reason.REGISTRATION_NOT_HELD: "Wait for the model's registry entry, or publish it: a newer one than is held was seen before.",
    Reason.CHANGE_MALFORMED: "Its target, safe state, weight and canary do not fit together: look for a stolen decision key.",
    Reason.SAFE_STATE_DIFFERS: "Policy names another safe state for this route: publish the policy, or look for a stolen decision key.",
    Reason.ROUTE_UNKNOWN: "Check the route's name: no policy names it.",
    Reason.MODEL_NOT_USED: "Nothing to do: no ladder names this model.",
    Reason.GUARD_NOT_REQUIRED: "Nothing to do: no policy requires this guard.",
    Reason.NOT_ON_LADDER: "The model is not approved for this route: approve it in the policy, or look for a stolen decision key.",
    Reason.EVIDENCE_MISSING: "Have a validator sign evidence for this model version and task profile.",
    Reason.EVIDENCE_EXPIRED: "Have a validator renew the evidence and publish the policy again.",
    Reason.DENIED: "The safety role denied this model; approve another one.",
    Reason.BROADER_TOOLS: "Take the extra tools from the fallback's registry entry, or choose another fallback.",
    Reason.BROADER_CODE_EXECUTION: "Choose a fallback that cannot execute code where the primary cannot.",
    Reason.BROADER_SCOPES: "Give the fallback an identity with no more scopes than the primary's.",
    Reason.BROADER_REGIONS: "Choose a fallback that is served only from regions where the primary is.",
    Reason.BROADER_NETWORK: "Choose a fallback whose tools reach no further than the primary's.",
    Reason.BROADER_MODALITIES: "Choose a fallback that takes in no other kinds of input than the primary.",
    Reason.BROADER_CONTEXT: "Register the fallback with a context window no larger than the primary's.",
    Reason.BROADER_OUTPUTS: "Choose a fallback that gives no other kinds of output than the primary.",
    Reason.BROADER_AUTONOMY: "Choose a fallback that does no more without a person than the primary.",
    Reason.BROADER_RETENTION: "Agree with the provider on a retention no longer than the primary's.",
    Reason.BROADER_LOGGING: "Agree with the provider on keeping no more of a call than the primary's does.",
    Reason.WEAKER_ASSURANCE: "Give the fallback an identity of at least the primary's assurance.",
    Reason.WEAKER_DATA_CLASSES: "Clear the fallback for every class of data that the primary is cleared for, or choose another.",
    Reason.WEAKER_APPROVALS: "Choose a fallback with every regulatory approval that the primary has.",
    Reason.WEAKER_INTEGRITY: "Choose a fallback of at least the primary's safety integrity level.",
    Reason.EVIDENCE_LEVEL: "Have a validator validate the model to the level that the route asks for.",
    Reason.NEED_NOT_MET: "Choose a model that has what the task needs, or correct the route's needs.",
    Reason.COST_CEILING: "Choose a cheaper model, or raise the route's ceiling.",
    Reason.REGISTRY_DISAGREES: "Compile the policy again with the registered entry, and have it signed.",
    Reason.MODEL_WITHDRAWN: "Governance withdrew the model from the registry; approve another one.",
    Reason.MODEL_RETIRED: "The provider serves this version no more; approve another one.",
    Reason.ROTATION_OVERDUE: "Rotate the credential, register its new due date, and publish the policy again.",
    Reason.NOT_AUTHORISED: "Have it signed by who may order this: see the command's reference; some need two people.",
    Reason.NOTHING_PROPOSED: "The proposal was answered, withdrawn or has timed out: see `interlock status` for what waits now.",
    Reason.NOTHING_TO_RESUME: "Nothing to do: the route is neither suspended nor frozen by order.",
    Reason.NOTHING_TO_REVIEW: "The review is closed or was never opened: see `interlock status`.",
    Reason.TICKET_MISSING: "Sign the approval again with the ticket that records it.",
    Reason.CANARY_UNKNOWN: "Nothing to do: the canary that it judges is over, or at another step.",
    Reason.CHANGE_UNKNOWN: "Nothing to do: it is about a change that is no longer current.",
    Reason.PAST_NOT_AFTER: "Nothing to do: it counts once a live heartbeat contains it.",
    Reason.NOT_PERSISTED: "Free space on the router's disk or mend its permissions; it will not apply what it cannot remember.",
    Reason.NO_CHANGE_YET: "Wait for decision's first change of this route; if none comes, see that decision runs and holds the policy.",
    Reason.NO_LEASE_YET: "Wait for the decision service's next heartbeat; if none comes, see that it runs and reads all its inputs.",
    Reason.LEASE_OVER: "The control plane is silent: see that decision runs and that this router reaches the broker.",
    Reason.ORDERED: "Nothing to do here: the decision service ordered the safe state; its change says why.",
    Reason.HEADS_DIFFER: "The broker withholds a record from this router, or serves an old one: compare its topics with the log.",
    Reason.REFUSED_BUT_LIVE: "The live decision service stands by a change that this router refuses: compare their policies; the route is in its safe state.",
    Reason.OTHER_MODEL_ANSWERED: "The provider answered with another model than approved: speak to the provider; the reply was withheld.",
    Reason.NOTICE_NOT_ACCEPTED: "Tell the governance function by hand and mend the receiver.",
    Reason.NOTICE_OVERDUE: "Tell the governance function by hand, and see why the notifier did not: it may be down, or its receiver.",
    Reason.LAST_CHANNEL_SILENT: "Tell the governance function by hand, and mend the receiver that the policy names as its last channel.",
    Reason.FOREIGN_RECORD: "Somebody else writes to a topic that only decision may write to: check the topic's ACL. What it overwrote was published again.",
    Reason.SHED: "More telemetry comes than this health-monitor can verify: see who sends so much, bound it by a quota, or run more of them.",
    Reason.NOT_SETTLED: "A fault of ours: the route waits in its safe state for a resume; report it with its part of the audit log.",
    Reason.REVIEW_OVERDUE: "Review the change: `interlock review list`.",
    Reason.STATE_DISAGREES: "Nothing to do: the whole log was read instead; check who writes to the topics `state` and `routes`.",
    Reason.ROUTER_REFUSED: "See why the router refused: `interlock status`. A canary is not widened until the next change.",
    Reason.NOT_DECIDED: "Nobody decides for this shard: run `interlock audit replay`; a step that it names was forged with decision's key, or is of another release.",
    Reason.TOPIC_SHORTER: "Records of a topic are lost, or withheld from this reader: compare it with another replica, and give lost commands again.",
    Reason.LOG_GAP: "A step of the audit log is withheld from this reader, or lost: compare the log with another replica.",
}
