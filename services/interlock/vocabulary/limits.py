"""Every limit has a name here, and a reason."""

RECORD_BYTES_MAX = 1_048_576
"""`max.message.bytes` of every topic: Kafka's own default but for twelve bytes, and a round number."""

ENVELOPE_BYTES_MAX = 786_432
"""A sealed record: three quarters of `RECORD_BYTES_MAX`, the rest is room for the record around it."""

SIGNATURES_MAX = 16
"""Signatures on one envelope: more is an attempt to make the verifier work, not a bigger quorum."""

IDENTIFIER_CHARS_MAX = 80
"""Agents, slots, scopes, models: long enough for a SPIFFE-like path segment, short enough for one log line."""

LADDER_RUNGS_MAX = 8
"""A longer ladder is not a plan that anybody validated."""

ROUTES_PER_POLICY_MAX = 64
"""Slots × scopes of one agent."""

DOCUMENT_BYTES_MAX = 262_144
"""YAML written by a person; more is not written by a person."""

DOCUMENT_NESTING_MAX = 12
"""Levels of nesting in such a document: the deepest of ours has seven."""

DOCUMENT_VALUES_MAX = 20_000
"""Keys and values in such a document: a registry of 250 models has some 18,000, and a person waits two seconds for the answer."""

KEY_CHARS_MAX = 100
"""A key in such a document: the longest that means anything is an identifier."""

PROBLEMS_MAX = 100
"""Problems of one document that are told at once: who has mended these looks again."""

SHOWN_CHARS_MAX = 80
"""How much of a wrong value is repeated in the message about it."""

TEXT_CHARS_MAX = 500
"""Free text in a signed record (a reason given by an operator): it is shown in notices."""

CLOCK_SKEW_US_MAX = 5_000_000
"""How far a signer's clock may be ahead of ours before its record is refused as from the future."""

BATCH_CELLS_MAX = 1_000
"""Routes told of in one telemetry batch; a reporter with more sends more batches."""

CALLS_MAX = 1_000_000_000
"""Calls counted in one place of a telemetry cell: more is a lie, and a sum of lies must still fit 64 bits."""

SKETCH_BUCKETS_MAX = 2_048
"""At 1 % relative error 2,048 buckets span 17 orders of magnitude: more, or one numbered beyond it, is hostile."""

POLICY_BYTES_MAX = 131_072
"""A sealed policy: some hundred rungs in all. It stands twice in an audit record, as input and as entry."""

INPUTS_PER_STEP_MAX = 200
"""Inputs in one audit record: keeps a record readable, and the work that a crash repeats small."""

STEP_BYTES_MAX = 700_000
"""What one audit record may hold before it is sealed; the rest of `ENVELOPE_BYTES_MAX` is room for the seal."""

PARKED_PER_SHARD_MAX = 10_000
"""Routes of which a change waits although no policy names them: a bound on forged names."""

TRIED_ALONE_MAX = 200
"""Candidates of which each is tried alone against a heartbeat's head: some milliseconds, however many are forged."""

CHANGES_PER_STEP_MAX = 24
"""Orders of one decision: some 12 kB each where a ladder has eight rungs, so that with two copies of the largest policy they stay
below `STEP_BYTES_MAX`. The next tick makes the others."""

SEAL_BYTES = 256
"""What a seal adds to an order in an audit record: its kind, a key's id and a signature are some 200 bytes."""

MOMENT_US_MAX = 253_402_300_799_999_999
"""The last microsecond of the year 9999: no calendar, ours or another reader's, goes on after it."""

DURATION_US_MAX = 315_360_000_000_000
"""Ten years of 365 days: a longer one is a slip, and added to a time of today it must stay a time."""

CHANGE_VALID_US = 60_000_000
"""How long a routing change may be under way before a router asks for a live heartbeat that contains it."""

EVIDENCE_LEVEL_MAX = 5
"""Levels of validation, 1 the least: no scale in use has more."""

ASSURANCE_MAX = 4
"""Assurance levels of an identity: NIST SP 800-63 has three, ISO/IEC 29115 four."""

INTEGRITY_MAX = 4
"""Safety integrity levels of IEC 61508: 1 to 4; 0 is none."""

CANARY_STEPS_MAX = 8
"""Steps below the whole; the usual plan has four."""

GUARDS_PER_ROUTE_MAX = 8
"""Guardrails and verification tools that one route may require."""

GUARD_BEAT_US = 1_000_000
"""How often a guard beats."""

GUARD_SILENT_US_MAX = 5_000_000
"""How long a guard may be silent: five beats, so that one slow record stops nobody. Until then its agents are served unguarded."""

TEMPLATE_CHARS_MAX = 4_000
"""A reply that governance signed beforehand: a page of text."""

ROUTE_VERSION_MAX = 2**62
"""Versions of a route: one a nanosecond for a century. From a higher one the next could not be written."""

FLAPS_MAX = 6
"""After so many flaps the damping grows no further: the stable period is then 64 times as long."""

CLIMBS_SHARE = 10
"""One route in so many may move up within one window, but always `CLIMBS_MIN` of a shard."""

CLIMBS_MIN = 50
"""So many routes of a shard may move up within one window, however few it has."""

CLIMB_WINDOW_US = 10_000_000
"""Length of that window: a model that has just come back gets its load in steps."""

HISTORY_MAX = 15
"""Incidents remembered of each class of like ones: the expected duration of the next is their median."""

HISTORY_CLASSES_MAX = 512
"""Classes of like incidents that one shard remembers: some forty models with half a dozen causes each, and their providers. Of those
beyond it the one is forgotten that ended longest ago."""

TICKET_BYTES_MAX = 262_144
"""A request that is kept for a person to answer."""

ANSWER_KEPT_US = 3_600_000_000
"""How long the answer to a command is kept at least: until then a repetition is known as one."""

VERDICT_VALID_US_MAX = 3_600_000_000
"""How long a verdict may be believed without another one; the health-monitor's own are valid for seconds."""

CHORES_PER_STEP_MAX = 200
"""Reviews, answers and disables that one decision ends; the others are due in the next."""

ENDS_SOON_US = 2_592_000_000_000
"""Within so long, 30 days, `policy check` tells what ends: as long as it takes people to validate, accept and sign anew."""
