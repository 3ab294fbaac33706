"""The table: whatever is put on whichever topic, who says what about it. Everything else about a record is: nothing happens.

A cell says what the topic's readers tell, each in exactly one finding, which names the record by place and digest:

* `tells(reason)`: every reader of the topic that tells findings says this; `but` names those that say otherwise, or nothing (None).
* `passes(why)`: nobody says anything; `but` names those that do.
* `cannot(why)`: there is no such record on that topic.
* `nacks(reason)`: a router says this of a change, and answers it with a NACK.
* `answered(reason)`: decision refuses what a person ordered, and says so where orders are answered: in its log.

What no cell has to say, because it holds of all: nobody crashes, no route, decision, notice or verdict is other than without the record, and a command shows what it shows without it.
Inputs that a stolen decision key can make, and that do have an effect, are stories of their own: see `OWN_STORY`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.vocabulary.reasons import Reason
from interlock.wire.topics import (
    ACKS,
    AUDIT,
    COMMANDS,
    FINDINGS,
    HEARTBEATS,
    NOTICES,
    POLICIES,
    ROUTES,
    STATE,
    TELEMETRY,
    TICKETS,
    TOPICS,
    VERDICTS,
    TopicSpec,
)

HEALTH, DECISION, ROUTER, NOTIFIER, WATCH = "health-1", "decision-1", "gateway-1", "notifier-1", "watch-1"
SERVICES = (HEALTH, DECISION, ROUTER, NOTIFIER, WATCH)


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads a topic.

    Attributes:
        live: Services that read it all the time and tell what they refuse.
        at_start: Services that read it when they start, and tell then.
        always: What a service says of any record that is not its own, whatever is in it.
        unheard: Who passes over what is not genuine, because it has no key to tell findings with: commands and trials.
    """

    live: tuple[str, ...] = ()
    at_start: tuple[str, ...] = ()
    always: Mapping[str, Reason] = field(default_factory=dict)
    unheard: tuple[str, ...] = ()


READERS: Mapping[TopicSpec, Readers] = {
    TELEMETRY: Readers(live=(HEALTH,), unheard=("review",)),
    VERDICTS: Readers(live=(DECISION,), unheard=("witness",)),
    POLICIES: Readers(live=SERVICES, unheard=("commands",)),
    COMMANDS: Readers(live=(DECISION,), unheard=("status",)),
    AUDIT: Readers(live=(DECISION, NOTIFIER, WATCH), unheard=("audit", "status", "review", "witness")),
    ROUTES: Readers(live=(ROUTER,), always={DECISION: Reason.FOREIGN_RECORD}, unheard=("status",)),
    STATE: Readers(at_start=(DECISION,), unheard=("status",)),
    HEARTBEATS: Readers(live=(ROUTER,), unheard=("witness",)),
    ACKS: Readers(live=(DECISION,), unheard=("status", "witness")),
    TICKETS: Readers(unheard=("tickets", "witness")),
    NOTICES: Readers(live=(WATCH,), at_start=(NOTIFIER,), unheard=("status", "review", "witness")),
    FINDINGS: Readers(unheard=("witness",)),
}

READING: Mapping[str, tuple[TopicSpec, ...]] = {
    "cli/connection.py": (POLICIES,),
    "cli/decided.py": (AUDIT, ROUTES, STATE),
    "cli/review/reviewed.py": (AUDIT, NOTICES, TELEMETRY),
    "cli/status.py": (ACKS, AUDIT, COMMANDS, NOTICES),
    "cli/tickets.py": (TICKETS,),
    "cli/verdicts.py": (AUDIT, VERDICTS),
    "decision/inputs.py": (ACKS, AUDIT, COMMANDS, POLICIES, ROUTES, VERDICTS),
    "decision/replay.py": (AUDIT,),
    "decision/restart.py": (AUDIT, ROUTES, STATE),
    "decision/shared_reader.py": (ACKS, COMMANDS, POLICIES, VERDICTS),
    "health_monitor/faust_stream.py": (TELEMETRY,),
    "notifier/service.py": (AUDIT, NOTICES),
    "reporting/shell.py": (POLICIES,),
    "router/subscribing.py": (HEARTBEATS, POLICIES, ROUTES),
    "trials/witness.py": (ACKS, AUDIT, FINDINGS, HEARTBEATS, NOTICES, TICKETS, VERDICTS),
    "watch/service.py": (AUDIT, NOTICES),
}
"""Every module that reads topics, and which it names: a test compares it with the code. Of trials, the one that others see through."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What becomes of one input on one topic.

    Attributes:
        said: By service, the reason in its one finding.
        answer: The reason in a router's NACK, or in decision's answer to an order; None: there is no such answer.
        why: Why nobody says anything, or why there is no such record.
        possible: Whether there can be such a record.
        unheard: Whether only those read the topic who have nobody to tell.
    """

    said: Mapping[str, Reason] = field(default_factory=dict)
    answer: Reason | None = None
    why: str = ""
    possible: bool = True
    unheard: bool = False


But = Mapping[str, Reason | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A cell before it is known on which topic it stands."""

    reason: Reason | None
    why: str = ""
    but: But = field(default_factory=dict)
    answer: Reason | None = None
    possible: bool = True

    def on(self, topic: TopicSpec) -> Cell:
        """The cell on a topic."""
        if not self.possible:
            return Cell(why=self.why, possible=False)
        readers = READERS[topic]
        if self.reason is not None and not (readers.live or readers.at_start):
            return Cell(why=f"read only by {' and '.join(readers.unheard)}: passed over", unheard=True)
        said = {**dict.fromkeys((*readers.live, *readers.at_start), self.reason), **readers.always, **self.but}
        if topic is STATE and self.reason is not None:
            said = {DECISION: Reason.STATE_DISAGREES}
        found = {reader: reason for reader, reason in said.items() if reason is not None}
        return Cell(found, self.answer, self.why)


def tells(reason: Reason, **but: Reason | None) -> Rule:
    """Every reader that tells findings says this, but for those named (`_` for `-`)."""
    return Rule(reason, but=_named(but))


def nacks(reason: Reason) -> Rule:
    """A router says this, and answers with a NACK."""
    return Rule(reason, answer=reason)


def answered(reason: Reason) -> Rule:
    """Decision answers an order in its log, with the reason why it is not carried out."""
    return Rule(None, "answered in the log", answer=reason)


def passes(why: str, **but: Reason | None) -> Rule:
    """Nobody says anything, but for those named, for this reason."""
    return Rule(None, why, _named(but))


def cannot(why: str) -> Rule:
    """There is no such record, for this reason."""
    return Rule(None, why, possible=False)


def _named(but: Mapping[str, Reason | None]) -> But:
    return {name.replace("_", "-"): reason for name, reason in but.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One input.

    Attributes:
        input: Its name: the function of `inputs` that makes it, with spaces.
        what: What it is, in words.
        on: What becomes of it, by topic.
    """

    input: str
    what: str
    on: Mapping[TopicSpec, Cell]


def row(name: str, what: str, everywhere: Rule | None = None, **on: Rule) -> Row:
    """One row: a rule for every topic, and those for which it is otherwise, by the short name of the topic."""
    rules = {topic: on.get(short(topic), everywhere) for topic in TOPICS}
    return Row(name, what, {topic: rule.on(topic) for topic, rule in rules.items() if rule is not None})


def short(topic: TopicSpec) -> str:
    """A topic's name without what all have in common."""
    return topic.name.split(".")[1]


_REPEATED = "a repetition: it was taken when it came first"
_NO_AUDIENCE = cannot("it names no deployment: another's is signed with keys that count for nothing here")
_KEYLESS = "what a record says is in its value; the key it stands under says nothing"
_NO_ORDER = cannot("it has no such order")
_NO_CHANGE = cannot("no routing change stands here")
_ITS_OWN = cannot("it is the word of one service about itself or of people, and nobody compares its time with a clock")
_ONE_IS_ENOUGH = cannot("one signature is enough here")
_VOID = "void: a step counts only under the last claim, and once"

_NO_TERM = cannot("it bears no term")
_OLD_TERM = {
    "audit": passes(_VOID, decision_1=Reason.LOG_GAP),
    "routes": nacks(Reason.NOT_NEWER),
    "heartbeats": tells(Reason.OLD_TERM),
    "state": cannot("an entry bears no term, and the mark's is held against the log"),
}

_DUPLICATE = {
    "telemetry": tells(Reason.NOT_NEWER),
    "verdicts": passes(_REPEATED),
    "policies": passes(_REPEATED),
    "commands": passes(_REPEATED),
    "audit": passes(_VOID, decision_1=Reason.LOG_GAP),
    "routes": passes("known: it is acknowledged again"),
    "state": passes("it says what is so"),
    "heartbeats": passes(_REPEATED),
    "acks": passes(_REPEATED),
    "tickets": passes(_REPEATED),
    "notices": passes(_REPEATED),
    "findings": passes(_REPEATED),
}

ROWS: tuple[Row, ...] = (
    # The bytes.
    row("random_bytes", "300 random bytes", tells(Reason.NOT_AN_ENVELOPE)),
    row("empty", "no bytes", tells(Reason.EMPTY), state=tells(Reason.EMPTY)),
    row("tombstone", "no value: what compaction takes for a removal", tells(Reason.EMPTY)),
    row("truncated", "a genuine record without its last bytes", tells(Reason.NOT_AN_ENVELOPE)),
    row("oversized", "one byte more than an envelope may have", tells(Reason.TOO_LARGE)),
    row("as_large_as_the_broker_takes", "rightly signed, and as large as a topic takes", tells(Reason.TOO_LARGE)),
    row("deeply_nested", "200 envelopes in each other, each rightly signed", tells(Reason.UNREADABLE)),
    row("unknown_fingerprint", "written under a schema that nobody knows", tells(Reason.UNKNOWN_FINGERPRINT)),
    row("unknown_fingerprint_inside", "the same, rightly signed", tells(Reason.UNKNOWN_FINGERPRINT)),
    row("length_bomb", "a payload that claims 2^62 bytes", tells(Reason.NOT_AN_ENVELOPE)),
    row("count_bomb", "2^62 signatures, of which none follows", tells(Reason.NOT_AN_ENVELOPE)),
    row(
        "crowd",
        "as many empty signatures as fit into a record",
        tells(Reason.TOO_MANY_SIGNATURES),
        policies=tells(Reason.TOO_LARGE),
    ),
    row(
        "endless_number",
        "half a million bytes of one number, rightly signed",
        tells(Reason.UNREADABLE),
        policies=tells(Reason.TOO_LARGE),
    ),
    row("length_bomb_inside", "a text that claims 2^62 characters, rightly signed", tells(Reason.UNREADABLE)),
    row("trailing_bytes", "more bytes than the schema has fields, rightly signed", tells(Reason.UNREADABLE)),
    row(
        "out_of_bounds",
        "a time that no calendar has, rightly signed",
        tells(Reason.OUT_OF_BOUNDS),
        state=cannot("it holds no time"),
    ),
    # Who says it.
    row(
        "unknown_kind",
        "a kind of record that nobody knows, signed by a genuine key",
        tells(Reason.UNKNOWN_PAYLOAD_TYPE),
    ),
    row("of_another_topic", "a genuine record of another topic", tells(Reason.UNEXPECTED_PAYLOAD_TYPE)),
    row("signed_as_another_kind", "the right key's signature, made for another kind", tells(Reason.BAD_SIGNATURE)),
    row("unsigned", "without a signature", tells(Reason.NO_SIGNATURE)),
    row("many_signatures", "seventeen right signatures", tells(Reason.TOO_MANY_SIGNATURES)),
    row("by_a_stranger", "signed with a key that nobody trusts", tells(Reason.NO_SIGNATURE)),
    row("wrong_signature", "a bit of the signature is another", tells(Reason.BAD_SIGNATURE)),
    row("malleated", "the same signature in other bytes (s + L)", tells(Reason.BAD_SIGNATURE)),
    row("malleated_p256", "the same signature in other bytes (n - s), by a key of P-256", tells(Reason.BAD_SIGNATURE)),
    row("wrong_role", "a right signature by a role that may not say this", tells(Reason.ROLE_NOT_ALLOWED)),
    row(
        "for_somebody_else",
        "rightly signed, in another's name",
        tells(Reason.NOT_ITS_OWN_WORD),
        verdicts=cannot("it names no speaker"),
        policies=cannot("it names no speaker"),
        commands=cannot("it names no speaker"),
        routes=cannot("it names no speaker"),
        state=cannot("it is the whole decision service's word"),
        heartbeats=cannot("it names no speaker"),
    ),
    row("one_owner_twice", "two keys of one person", _ONE_IS_ENOUGH, policies=tells(Reason.THRESHOLD_NOT_MET)),
    row(
        "one_key_under_two_ids",
        "a genuine record with its signature again, under another id; of a policy, in place of the second person's",
        None,
        **(_DUPLICATE | {"policies": tells(Reason.THRESHOLD_NOT_MET)}),
    ),
    row("signature_twice", "a genuine record, its signature twice", None, **_DUPLICATE),
    # What it is about.
    row("exact_duplicate", "a genuine record again", None, **_DUPLICATE),
    row(
        "older",
        "the first genuine record again, long after others followed",
        None,
        **(
            _DUPLICATE
            | {
                "telemetry": tells(Reason.EXPIRED),
                "policies": tells(Reason.POLICY_OLDER),
                "routes": nacks(Reason.NOT_NEWER),
                "state": tells(Reason.STATE_DISAGREES),
            }
        ),
    ),
    row(
        "another_of_one_order",
        "a second record of an order that one bears already",
        _NO_ORDER,
        telemetry=tells(Reason.NOT_NEWER),
        policies=tells(Reason.EQUIVOCATION),
        commands=tells(Reason.EQUIVOCATION),
        audit=passes(_VOID, decision_1=Reason.LOG_GAP),
        routes=nacks(Reason.EQUIVOCATION),
        heartbeats=passes("a beat that is not newer"),
    ),
    row(
        "of_another_under_this_key",
        "a genuine record of another route, model or shard under this key or on this partition",
        passes(_KEYLESS),
        telemetry=tells(Reason.NOT_NEWER),
        audit=tells(Reason.WRONG_SHARD, decision_1=Reason.LOG_GAP),
        routes=nacks(Reason.WRONG_SHARD),
        state=tells(Reason.STATE_DISAGREES),
        heartbeats=tells(Reason.WRONG_SHARD),
    ),
    row(
        "another_audience",
        "of another deployment, signed with a key of this one",
        _NO_AUDIENCE,
        policies=tells(Reason.WRONG_AUDIENCE),
        commands=answered(Reason.WRONG_AUDIENCE),
        routes=nacks(Reason.WRONG_AUDIENCE),
        heartbeats=tells(Reason.WRONG_AUDIENCE),
    ),
    row("of_another_deployment", "of another deployment, signed with its own keys", tells(Reason.NO_SIGNATURE)),
    row(
        "an_hour_ahead",
        "rightly signed by a clock an hour ahead",
        _ITS_OWN,
        telemetry=tells(Reason.FROM_THE_FUTURE),
        verdicts=tells(Reason.FROM_THE_FUTURE),
        commands=answered(Reason.FROM_THE_FUTURE),
        routes=nacks(Reason.FROM_THE_FUTURE),
        heartbeats=tells(Reason.FROM_THE_FUTURE),
    ),
    row(
        "an_hour_behind",
        "rightly signed by a clock an hour behind",
        _ITS_OWN,
        telemetry=tells(Reason.EXPIRED),
        verdicts=passes("it has lapsed: what stands on a compacted topic does"),
        commands=answered(Reason.EXPIRED),
        routes=passes("parked: it counts once a live heartbeat contains it"),
        heartbeats=passes("it renews nothing: what was read late does not"),
    ),
    # Whether policy allows it.
    row(
        "of_an_older_policy", "a change under a policy that was replaced", _NO_CHANGE, routes=nacks(Reason.POLICY_OLDER)
    ),
    row(
        "of_another_policy",
        "a change under a policy that is not the one held",
        _NO_CHANGE,
        routes=nacks(Reason.POLICY_DIGEST_DIFFERS),
    ),
    row("before_its_policy", "a change under a policy that is still to come", _NO_CHANGE, routes=passes("parked")),
    row("negative_term", "term -1", _NO_TERM, **_OLD_TERM),
    row(
        "boundless_term",
        "term -2^63 - 1, which 64 bits do not hold: they hold -1, and that is read",
        _NO_TERM,
        **_OLD_TERM,
    ),
    row(
        "term_one_too_high",
        "term 2^63, which 64 bits do not hold: they hold 0, and that is read, in a shard whose term is a later one",
        _NO_TERM,
        **_OLD_TERM,
    ),
    row("off_the_ladder", "a change to a model that nobody approved", _NO_CHANGE, routes=nacks(Reason.NOT_ON_LADDER)),
    row(
        "to_a_broader_model",
        "a change whose parts do not fit together",
        _NO_CHANGE,
        routes=nacks(Reason.CHANGE_MALFORMED),
    ),
    row(
        "of_an_unknown_route",
        "a change of a route that no policy names",
        _NO_CHANGE,
        routes=nacks(Reason.ROUTE_UNKNOWN),
    ),
)

OWN_STORY: Mapping[str, str] = {
    "before its policy": "it is parked, and counts when the policy comes",
    "off the ladder, and a live heartbeat stands by it": "that route alone is in its safe state, and the lease is renewed",
    "a term of 2^63 - 1, within policy": "whoever holds the decision key may choose inside the policy: it counts; the genuine decision service is "
    "then of an old term, so the routes of the shard end in their safe state, until a new trust root begins terms anew",
    "a term of 2^63 in a shard that was claimed at offset 0": "read as a term of 0, which is the present one: what comes of it is what comes of a 0 "
    "that is written plainly, and that key can write it",
    "10,000 records at once": "heartbeats go on, findings are damped and all are counted",
    "a change with a name of 600,000 characters": "judged as any other; its acknowledgement and notice tell the beginning of the name",
    "a key of the state topic that is none": "passed over: such a record would name an entry that nobody can remove",
}
"""Inputs whose effect is shown in a test of their own (`tests/simulation/hostile`)."""
