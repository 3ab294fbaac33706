"""The only maker of `Verified[T]`.

Cores accept nothing but `Verified[T]`, so whatever they see went through `verify`. It is unconditional: no setting, missing
header or missing key id turns any of its steps off. It never raises, whatever the bytes: it answers with a `Reason`.

Not handled here: whether a record is new, timely or allowed by policy. That is the cores' business.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import product
from typing import Generic, TypeVar

from interlock.signing.envelope import Envelope, event_id, pae
from interlock.signing.keys import signature_holds
from interlock.signing.roles import SIGNED_BY, Role
from interlock.signing.statement import Statement
from interlock.signing.trust import Grant, TrustedKey, TrustRoot
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX, SIGNATURES_MAX
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason

T = TypeVar("T", bound=Statement)
S = TypeVar("S", bound=Statement)
T_co = TypeVar("T_co", bound=Statement, covariant=True)
Decode = Callable[[str, bytes], T | Reason]
_SEAL = object()


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record does not count. `detail` never holds content of the record."""

    reason: Reason
    detail: str = ""


class Verified(Generic[T_co]):
    """A record whose signatures met the rule for its kind.

    Attributes:
        value: The record.
        event_id: Its identity, 32 bytes.
        signers: The distinct owners who signed it.
    """

    __slots__ = ("event_id", "signers", "value")

    value: T_co
    event_id: bytes
    signers: frozenset[str]

    def __init__(self, seal: object, value: T_co, identity: bytes, signers: frozenset[str]) -> None:
        if seal is not _SEAL:
            raise TypeError("only interlock.signing.verifier makes a Verified record")
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "event_id", identity)
        object.__setattr__(self, "signers", signers)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Verified record cannot be changed")

    def narrow(self, kind: type[S]) -> "Verified[S]":
        """The same record, known to be of one kind.

        Raises:
            TypeError: It is of another kind.
        """
        if not isinstance(self.value, kind):
            raise TypeError(f"a {type(self.value).__name__} is not a {kind.__name__}")
        return Verified(_SEAL, self.value, self.event_id, self.signers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verified) and self.event_id == other.event_id

    def __hash__(self) -> int:
        return hash(self.event_id)

    def __repr__(self) -> str:
        return f"Verified({self.value!r})"


def verify(
    envelope: Envelope, trust: TrustRoot, expected: Collection[PayloadType], decode: Decode[T]
) -> Verified[T] | Refused:
    """Check who said a record, and only then read it.

    Args:
        envelope: What was received.
        trust: The trust root that is held.
        expected: The kinds of record that may stand where this one was found.
        decode: Reads the payload; called only for bytes whose signatures hold.
    """
    # 1. Size and shape.
    if len(envelope.payload) > ENVELOPE_BYTES_MAX:
        return Refused(Reason.TOO_LARGE)
    if not envelope.signatures:
        return Refused(Reason.NO_SIGNATURE)
    if len(envelope.signatures) > SIGNATURES_MAX:
        return Refused(Reason.TOO_MANY_SIGNATURES)
    # 2. The kind is known, and may stand here.
    kind = PayloadType.parse(envelope.payload_type)
    if kind is None:
        return Refused(Reason.UNKNOWN_PAYLOAD_TYPE)
    if kind not in expected:
        return Refused(Reason.UNEXPECTED_PAYLOAD_TYPE, kind)
    # 3. Every signature by a trusted key holds; signatures by other keys count for nothing.
    message = pae(envelope.payload_type, envelope.payload)
    signed: dict[bytes, TrustedKey] = {}
    for signature in dict.fromkeys(envelope.signatures):  # whoever repeats a record must not make its check dearer
        key = trust.key(signature.keyid)
        if key is None:
            continue
        if not signature_holds(key.public_key, signature.sig, message):
            return Refused(Reason.BAD_SIGNATURE, f"key of {key.owner}")
        signed[key.public_key] = key
    if not signed:
        return Refused(Reason.NO_SIGNATURE, "no signature by a trusted key")
    # 4. The signers' roles may say this kind at all.
    keyids = frozenset(key.keyid for key in signed.values())
    if not any(set(grant.keyids) & keyids for role in _roles(kind) for grant in trust.grants_of(role)):
        return Refused(Reason.ROLE_NOT_ALLOWED, f"signed by {', '.join(sorted(key.owner for key in signed.values()))}")
    # 5. Only now is the payload read.
    value = decode(kind, envelope.payload)
    if isinstance(value, Reason):
        return Refused(value)
    # 6. Enough distinct owners for one of the alternatives, each inside its grant.
    if not any(_meets(alternative, trust, signed.values(), value.concerns()) for alternative in SIGNED_BY[kind]):
        return Refused(
            Reason.THRESHOLD_NOT_MET, f"signed by {', '.join(sorted({key.owner for key in signed.values()}))}"
        )
    # 7. Who speaks for himself signed himself.
    owners = frozenset(key.owner for key in signed.values())
    if value.said_by() is not None and owners != {value.said_by()}:
        return Refused(Reason.NOT_ITS_OWN_WORD, f"signed by {', '.join(sorted(owners))}")
    return Verified(_SEAL, value, event_id(envelope.payload_type, envelope.payload), owners)


def _roles(kind: PayloadType) -> frozenset[Role]:
    return frozenset().union(*SIGNED_BY[kind])


def _meets(alternative: frozenset[Role], trust: TrustRoot, signed: Collection[TrustedKey], agent: str | None) -> bool:
    """Whether every role of the alternative has its threshold, by people who are not counted twice.

    A role may have several grants, and any one of them will do. With two roles, distinct people can be chosen for both exactly
    if each has enough and together they have as many as both ask for (Hall's marriage theorem for two sets).
    """
    met = [
        [
            (grant.threshold, owners)
            for grant in trust.grants_of(role)
            if len(owners := _owners(grant, signed, agent)) >= grant.threshold
        ]
        for role in alternative
    ]
    return any(
        len(frozenset().union(*(owners for _, owners in chosen))) >= sum(threshold for threshold, _ in chosen)
        for chosen in product(*met)
    )


def _owners(grant: Grant, signed: Collection[TrustedKey], agent: str | None) -> frozenset[str]:
    """The distinct owners who signed under a grant: nobody, if the grant does not reach the agent."""
    if not grant.reaches(agent):
        return frozenset()
    return frozenset(key.owner for key in signed if key.keyid in grant.keyids)
