"""Keys, Ed25519 and ECDSA P-256. A key's id is the SHA-256 of its raw public bytes, so one key cannot go under two ids.

The raw public key alone says how its signatures are checked: 32 bytes are Ed25519, 33 are a point of P-256. No record names an
algorithm, so there is none that a writer could talk a reader into.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeGuard

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from interlock.signing import p256
from interlock.signing.envelope import Envelope, Signature, pae
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import digest

ED25519_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


class KeyKind(StrEnum):
    """The kinds of keys that count."""

    ED25519 = "ed25519"
    P256 = "p256"


def keyid_of(public_key: bytes) -> str:
    """SHA-256 of a raw public key, in hex."""
    return digest(public_key).hex()


def is_public_key(public_key: bytes) -> bool:
    """Whether bytes are a raw public key of a kind that counts."""
    return len(public_key) == ED25519_BYTES or p256.is_public_key(public_key)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that can sign."""

    private: Ed25519PrivateKey | EllipticCurvePrivateKey

    @classmethod
    def generate(cls, kind: KeyKind = KeyKind.ED25519) -> "SigningKey":
        """Make a new key from the operating system's randomness."""
        return cls(generate_private_key(SECP256R1()) if kind is KeyKind.P256 else Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes, kind: KeyKind = KeyKind.ED25519) -> "SigningKey":
        """Make the key of a seed of 32 bytes: for tests that must be repeatable."""
        return cls(p256.private_key(seed) if kind is KeyKind.P256 else Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Read an unencrypted PKCS #8 key.

        Raises:
            ConfigurationError: It is neither an Ed25519 nor a P-256 private key.
        """
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm, InternalError) as error:
            raise ConfigurationError(
                "The key file is not an unencrypted PEM private key.", "Make one with `interlock init`."
            ) from error
        if isinstance(private, Ed25519PrivateKey) or _is_p256(private):
            return cls(private)
        raise ConfigurationError(
            "The key is neither an Ed25519 nor an ECDSA P-256 key.", "Make one with `interlock init`."
        )

    def to_pem(self) -> bytes:
        """The key as unencrypted PKCS #8: keep it readable by its owner only."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> bytes:
        """The raw public key: 32 bytes, or 33 of a P-256 key."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.public_key().public_bytes_raw()
        return p256.public_bytes(self.private)

    @property
    def keyid(self) -> str:
        """The key's id."""
        return keyid_of(self.public)

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """Sign one payload under its type."""
        return Signature(self.keyid, self.signature(pae(payload_type, payload)))

    def signature(self, message: bytes) -> bytes:
        """The signature of bare bytes, 64 bytes; records are signed with `sign`, under their type."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        return p256.sign(self.private, message)

    def for_webhooks(self) -> Ed25519PrivateKey:
        """The private key as the signatures of webhooks need it: `v1a` of Standard Webhooks is Ed25519 and nothing else.

        Raises:
            ConfigurationError: It is of another kind.
        """
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private
        raise ConfigurationError(
            "A webhook's signature (`v1a`) is Ed25519, and this service's key is ECDSA P-256.",
            "Give the notifier and the watch Ed25519 keys: every other key may be P-256 beside them.",
        )


def sign(payload_type: str, payload: bytes, *keys: SigningKey) -> Envelope:
    """Put a payload into an envelope with one signature for each key."""
    return Envelope(payload_type, payload, tuple(key.sign(payload_type, payload) for key in keys))


def signature_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature holds under a raw public key, which says how. Never raises, whatever the bytes."""
    if len(public_key) == p256.PUBLIC_KEY_BYTES:
        return p256.holds(public_key, signature, message)
    if len(public_key) != ED25519_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_p256(private: object) -> TypeGuard[EllipticCurvePrivateKey]:
    return isinstance(private, EllipticCurvePrivateKey) and isinstance(private.curve, SECP256R1)
