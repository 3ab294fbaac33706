"""One small deployment, and genuine records of every class: what the targets' seeds are made of."""

from dataclasses import replace
from functools import cache
from typing import Any

from interlock.records.audit import AuditKind, AuditRecord, Entry, Input, InputKind
from interlock.records.change import AckKind, Acknowledgement, Cause, Heartbeat, Trigger
from interlock.records.codec import CLASS_OF, encode
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.records.documents import Denial
from interlock.records.health import Cell, GuardBeat, Level, Outcome, TelemetryBatch, Verdict
from interlock.records.models import Evidence, Registration
from interlock.records.rules import CanaryPlan
from interlock.records.sealing import decode_envelope, open_sealed, seal_encoded
from interlock.records.state import (
    AnswerEntry,
    Canary,
    ClimbsEntry,
    HistoryEntry,
    Hold,
    HoldKind,
    Incident,
    Past,
    ReadTo,
    ReviewEntry,
    RouteEntry,
    StateMark,
    StateRecord,
    VerdictEntry,
)
from interlock.records.telling import Breach, Finding, Notice, NoticeKind, Ticket
from interlock.signing.keys import KeyKind
from interlock.signing.verifier import Verified
from interlock.testing.builders import DAY, NOW, SUPPORT, Deployment, model
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import SECOND, Micros
from interlock.wire.topics import VERDICTS

DEPLOYMENT = Deployment()
OF_P256 = Deployment(keys=KeyKind.P256)
"""The same, but for everybody's keys."""

ATLAS = model("atlas")
CANARY_PLAN = CanaryPlan((1, 25), 10, Micros(SECOND), Micros(9 * SECOND))
RULE = DEPLOYMENT.rule(["atlas", "birch"], canary=CANARY_PLAN, guards=("guardrail-1",))
POLICY = DEPLOYMENT.policy_of("support", RULE)
SEALED_POLICY = DEPLOYMENT.seal(POLICY, "grace", "oscar")
DIGEST = bytes(range(32))
CAUSE = Cause(Trigger.UNAVAILABLE, "atlas", "5 of 5 probes failed")

SIGNERS = {
    "TrustRoot": ("root-1", "root-2"),
    "Registration": ("grace",),
    "Evidence": ("vera",),
    "RoutePolicy": ("grace", "oscar"),
    "Denial": ("sam",),
    "Command": ("olga",),
    "TelemetryBatch": ("gateway-1",),
    "GuardBeat": ("guardrail-1",),
    "Verdict": ("health-1",),
    "Acknowledgement": ("gateway-1",),
    "Ticket": ("gateway-1",),
    "Notice": ("notifier-1",),
    "Breach": ("watch-1",),
    "Finding": ("decision-1",),
}
"""Who signs each class; the rest is decision's."""


def opened(sealed: bytes, kind: type[Any]) -> Any:
    """What a sealed record of ours says."""
    found = open_sealed(sealed, DEPLOYMENT.root, kind)
    assert isinstance(found, Verified)
    return found.value


@cache
def genuine() -> dict[str, list[Any]]:
    """One record or two of each class."""
    at, later = NOW, Micros(NOW + SECOND)
    verdict = Verdict("atlas", "*", "unavailable", Level.UNAVAILABLE, "5 of 5", 5, ("probe-1",), at, at, later)
    cell = Cell("support", "main", "*", {Outcome.OK: 5, Outcome.TIMEOUT: 1}, {-10: 2, 35: 4}, {0: 1}, {"atlas-2026": 5})
    route = RouteEntry(1, "atlas", None, at, Trigger.POLICY, DIGEST, 1, DIGEST)
    held = replace(
        route,
        target=None,
        safe_state="suspend",
        hold=Hold(HoldKind.APPROVAL, CAUSE, "proposal-1", "birch", later),
        canary=Canary("canary-1", "birch", 0, at, Level.UNKNOWN, "", b""),
        approved=("birch",),
        incident=Incident(at, Trigger.UNAVAILABLE, "5 of 5", model="atlas", provider="atlas-works"),
    )
    entry = VerdictEntry(Level.UNAVAILABLE, at, at, "5 of 5", DIGEST)
    given = Input(InputKind.RECORD, VERDICTS.name, 0, 3, DEPLOYMENT.seal(verdict, "health-1"))
    change = DEPLOYMENT.change()
    key = "verdict/atlas/*/unavailable"
    step = AuditRecord(
        shard=0,
        kind=AuditKind.STEP,
        owner="decision-1",
        term=7,
        sequence=1,
        now=at,
        inputs=(given, Input(InputKind.TICK, at=at), Input(InputKind.LAPSE, subject=key.partition("/")[2], at=at)),
        changes=(DEPLOYMENT.seal(change, "decision-1"),),
        entries=(Entry("policy/support", SEALED_POLICY), Entry(key, encode(entry)), Entry("answer/x", None)),
        state_digest=DIGEST,
    )
    found: list[Any] = [
        DEPLOYMENT.root,
        Registration("testbed", 1, ATLAS, False, at),
        opened(DEPLOYMENT.evidence(ATLAS), Evidence),
        POLICY,
        Denial("deny-1", "birch", "unsafe", at),
        *commands(),
        TelemetryBatch("gateway-1", "atlas", at, at, 1, (cell,)),
        GuardBeat("guardrail-1", at),
        verdict,
        step,
        replace(step, kind=AuditKind.CLAIM, inputs=(), changes=(), entries=()),
        change,
        Heartbeat("testbed", 0, 1, 7, 1, at, DIGEST, DIGEST),
        Acknowledgement("gateway-1", AckKind.NACK, change.id, DIGEST, Reason.BAD_SIGNATURE, at),
        StateRecord("decision-1", 0, key, encode(entry), 8, 1),
        StateMark("decision-1", 0, 8, 7, 1, at, DIGEST, (ReadTo(VERDICTS.name, 0, 4),)),
        Ticket("ticket-1", "gateway-1", *SUPPORT, change.id, b'{"messages": []}', at),
        Notice(change.id, DIGEST, "support", "webhook:a#1", 1, NoticeKind.ACCEPTED, 200, "", at, at),
        Breach("watch-1", change.id, DIGEST, "support", SUPPORT.key, at, Micros(300 * SECOND), True, "no answer", at),
        Finding("decision-1", Reason.BAD_SIGNATURE, "", "mend it", VERDICTS.name, 0, 5, DIGEST, at),
        route,
        held,
        entry,
        AnswerEntry(True, "", "", at, later, DIGEST),
        ReviewEntry(SUPPORT.key, "atlas", "birch", at, Micros(at + DAY), False, "team", "oscar"),
        HistoryEntry((Past(at, Micros(SECOND)),)),
        ClimbsEntry(at, 1),
    ]
    return _by_class(found)


def commands() -> list[Command]:
    """Some orders of people."""
    usual = Command(
        id="c-1",
        deployment="testbed",
        verb=Verb.FREEZE,
        agent="support",
        route=SUPPORT.key,
        model="",
        about="",
        outcome=ReviewOutcome.NONE,
        ticket="",
        reason="a reason",
        issued_at=NOW,
        expires_at=Micros(NOW + DAY),
    )
    return [
        usual,
        replace(usual, verb=Verb.DISABLE, route="", model="atlas", agent="*"),
        replace(usual, verb=Verb.SUSPEND),
        replace(usual, verb=Verb.APPROVE, about="proposal-1", ticket="T-1"),
        replace(usual, verb=Verb.REVIEW, about=f"{SUPPORT.key}@1.7.1", outcome=ReviewOutcome.REVOKE),
    ]


def _by_class(found: list[Any]) -> dict[str, list[Any]]:
    named: dict[str, list[Any]] = {}
    for record in found:
        named.setdefault(type(record).__name__, []).append(record)
    assert named.keys() >= {kind.__name__ for kind in CLASS_OF.values()}
    return named


def payloads(*names: str) -> list[bytes]:
    """Genuine payloads of some classes."""
    return [encode(record) for name in names for record in genuine()[name]]


def sealed(payload: bytes, name: str, deployment: Deployment = DEPLOYMENT) -> bytes:
    """A payload of a class, signed by those who may say it, whatever it says."""
    kind = next(kind for kind in CLASS_OF.values() if kind.__name__ == name)
    return seal_encoded(kind, payload, *(deployment.key(owner) for owner in SIGNERS.get(name, ("decision-1",))))


@cache
def sealed_seeds() -> list[bytes]:
    """One sealed record of each class that is signed."""
    signed = [kind.__name__ for kind in CLASS_OF.values()]
    found = [sealed(encode(record), name) for name in signed for record in genuine()[name]]
    assert not any(isinstance(decode_envelope(each), Reason) for each in found)
    return found
