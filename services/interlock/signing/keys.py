"""Ed25519 keys. A key's id is the SHA-256 of its raw public bytes, so one key cannot go under two ids."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from interlock.signing.envelope import Envelope, Signature, pae
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import digest

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def keyid_of(public_key: bytes) -> str:
    """SHA-256 of a raw public key, in hex."""
    return digest(public_key).hex()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that can sign."""

    private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make a new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """Make the key of a seed of 32 bytes: for tests that must be repeatable."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Read an unencrypted PKCS #8 key.

        Raises:
            ConfigurationError: It is not an Ed25519 private key.
        """
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                "The key file is not an unencrypted PEM private key.", "Make one with `interlock init`."
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigurationError("The key is not an Ed25519 key.", "Make one with `interlock init`.")
        return cls(private)

    def to_pem(self) -> bytes:
        """The key as unencrypted PKCS #8: keep it readable by its owner only."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def keyid(self) -> str:
        """The key's id."""
        return keyid_of(self.public)

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """Sign one payload under its type."""
        return Signature(self.keyid, self.private.sign(pae(payload_type, payload)))


def sign(payload_type: str, payload: bytes, *keys: SigningKey) -> Envelope:
    """Put a payload into an envelope with one signature for each key."""
    return Envelope(payload_type, payload, tuple(key.sign(payload_type, payload) for key in keys))


def signature_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature holds. Never raises, whatever the bytes."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
