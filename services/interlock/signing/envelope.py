"""DSSE: what is signed is the payload type and the payload together, never the envelope around them.

The envelope itself is malleable (signatures can be added, dropped or reordered), so nothing is ever known by its hash. A record's
identity is the SHA-256 of its pre-authentication encoding: `event_id`.
"""

from dataclasses import dataclass

from interlock.vocabulary.identifiers import digest


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature.

    Attributes:
        keyid: SHA-256 of the raw public key in hex. It selects a key; it proves nothing.
        sig: The signature's bytes.
    """

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload, not yet verified."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding of DSSE v1: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def event_id(payload_type: str, payload: bytes) -> bytes:
    """Identity of a record: SHA-256 of its pre-authentication encoding, 32 bytes."""
    return digest(pae(payload_type, payload))
