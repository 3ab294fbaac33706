"""Adding a signature to a document, and telling who must still sign.

People sign one after the other, each on a machine of his own: a sealed file travels between them and gathers signatures. What
they sign are the same bytes, so a file whose bytes differ is never signed along.
"""

from dataclasses import dataclass

from interlock.records import codec
from interlock.records.sealing import decode_envelope, encode_envelope, open_sealed
from interlock.signing.envelope import Envelope, pae
from interlock.signing.keys import SigningKey, signature_holds
from interlock.signing.roles import SIGNED_BY, Role
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason


@dataclass(frozen=True, slots=True)
class Lacking:
    """A role whose signature is needed, and the people who could give it."""

    role: Role
    people: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.role} ({' or '.join(self.people) or 'nobody holds it'})"


def claimed(sealed: bytes) -> Statement | None:
    """The record that a sealed file says it holds, not verified; None if it holds none. For people's tools only."""
    envelope = decode_envelope(sealed)
    kind = None if isinstance(envelope, Reason) else PayloadType.parse(envelope.payload_type)
    if isinstance(envelope, Reason) or kind is None:
        return None
    record = codec.decode(envelope.payload, codec.CLASS_OF[kind])
    return None if isinstance(record, Reason) else record


def add_signatures(record: Statement, sealed: bytes | None, *keys: SigningKey) -> bytes:
    """Sign a record, and keep the signatures of a sealed file that holds the very same bytes.

    Args:
        record: What is signed.
        sealed: The file as it is; None or other content begins anew.
        keys: Who signs; a signature by the same key is replaced.
    """
    kind, payload = codec.TYPE_OF[type(record)], codec.encode(record)
    added = tuple(key.sign(kind, payload) for key in keys)
    return gather(encode_envelope(Envelope(kind, payload, added)), *filter(None, [sealed]))


def gather(sealed: bytes, *others: bytes) -> bytes:
    """A sealed file with the signatures of other files that hold the very same bytes; of one key the first one counts."""
    envelope = decode_envelope(sealed)
    if isinstance(envelope, Reason):
        return sealed
    held = {signature.keyid: signature for signature in envelope.signatures}
    for other in map(decode_envelope, others):
        same = isinstance(other, Envelope) and other.payload_type == envelope.payload_type
        if isinstance(other, Envelope) and same and other.payload == envelope.payload:
            held = {signature.keyid: signature for signature in other.signatures} | held
    return encode_envelope(Envelope(envelope.payload_type, envelope.payload, tuple(held.values())))


def signed_by(sealed: bytes, trust: TrustRoot) -> dict[str, bool]:
    """Who is named as a signer, of those whom the trust root knows, and whether his signature holds."""
    envelope = decode_envelope(sealed)
    if isinstance(envelope, Reason):
        return {}
    message = pae(envelope.payload_type, envelope.payload)
    named = ((trust.key(signature.keyid), signature.sig) for signature in envelope.signatures)
    return {key.owner: signature_holds(key.public_key, sig, message) for key, sig in named if key is not None}


def lacking(sealed: bytes, record: Statement, trust: TrustRoot) -> tuple[Lacking, ...]:
    """Which roles must still sign; empty if the signatures suffice, or if another fault than too few spoils the file."""
    opened = open_sealed(sealed, trust, type(record))
    envelope = decode_envelope(sealed)
    if not isinstance(opened, Refused) or isinstance(envelope, Reason):
        return ()
    keyids = {signature.keyid for signature in envelope.signatures}
    signed = {key.owner for key in trust.keys if key.keyid in keyids}
    roles = sorted(SIGNED_BY[codec.TYPE_OF[type(record)]][0])
    unmet = [role for role in roles if len(_holders(role, record, trust) & signed) < _threshold(role, trust)]
    if not unmet and opened.reason is Reason.THRESHOLD_NOT_MET:
        unmet = roles  # one person stands for both roles: somebody else must take either
    return tuple(Lacking(role, tuple(sorted(_holders(role, record, trust) - signed))) for role in unmet)


def needed(record: Statement, trust: TrustRoot) -> tuple[Lacking, ...]:
    """Which roles must sign a record, and the people who hold each."""
    roles = sorted(SIGNED_BY[codec.TYPE_OF[type(record)]][0])
    return tuple(Lacking(role, tuple(sorted(_holders(role, record, trust)))) for role in roles)


def may_sign(record: Statement, owner: str, trust: TrustRoot) -> bool:
    """Whether a person holds any role that this record asks for, and the record is his own word where it names its speaker."""
    if record.said_by() not in {None, owner}:
        return False
    roles = set().union(*SIGNED_BY[codec.TYPE_OF[type(record)]])
    return any(owner in _holders(role, record, trust) for role in roles)


def _threshold(role: Role, trust: TrustRoot) -> int:
    return min((grant.threshold for grant in trust.grants_of(role)), default=1)


def _holders(role: Role, record: Statement, trust: TrustRoot) -> set[str]:
    agent = record.concerns()
    keyids = {
        keyid for grant in trust.grants_of(role) if not grant.agents or agent in grant.agents for keyid in grant.keyids
    }
    return {key.owner for key in trust.keys if key.keyid in keyids}
