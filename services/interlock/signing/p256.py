"""ECDSA on the curve P-256 with SHA-256, in one form only.

ECDSA leaves more than one way to write the same thing; whoever can rewrite a signature or a key has two of what should be one. So:

1. A public key is its compressed point (SEC 1), 33 bytes. The uncompressed and hybrid forms are no keys.
2. A signature is r and s side by side (IEEE P1363), 64 bytes, both in range, and s in the lower half: of (r, s) and (r, n - s),
   which hold for the same bytes, only the first one counts.
3. Signing takes no chance (RFC 6979): equal bytes give equal signatures, and a bad source of randomness gives no key away.
"""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PUBLIC_KEY_BYTES: Final = 33
SIGNATURE_BYTES: Final = 64

ORDER: Final = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""How many points the curve has: n in the standards (SP 800-186, 3.2.1.3)."""

_SCALAR_BYTES = 32
_KEYS_KEPT = 256
"""Public keys kept unpacked: undoing the compression costs a third of checking a signature, and a deployment has some dozens."""

_ALGORITHM = ECDSA(SHA256(), deterministic_signing=True)


def private_key(seed: bytes) -> EllipticCurvePrivateKey:
    """The private key that a seed stands for: its number modulo n - 1, plus one."""
    return derive_private_key(int.from_bytes(seed) % (ORDER - 1) + 1, SECP256R1())


def public_bytes(private: EllipticCurvePrivateKey) -> bytes:
    """The compressed public point of a private key, 33 bytes."""
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def sign(private: EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Sign a message: r and s, 64 bytes, s in the lower half."""
    r, s = decode_dss_signature(private.sign(message, _ALGORITHM))
    return r.to_bytes(_SCALAR_BYTES) + min(s, ORDER - s).to_bytes(_SCALAR_BYTES)


def is_public_key(public_key: bytes) -> bool:
    """Whether bytes are the compressed form of a point on the curve."""
    return len(public_key) == PUBLIC_KEY_BYTES and _unpacked(public_key) is not None


def holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature holds. Never raises, whatever the bytes."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:_SCALAR_BYTES]), int.from_bytes(signature[_SCALAR_BYTES:])
    if not (0 < r < ORDER and 0 < s <= ORDER // 2):
        return False
    key = _unpacked(public_key)
    if key is None:
        return False
    try:
        key.verify(encode_dss_signature(r, s), message, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=_KEYS_KEPT)
def _unpacked(public_key: bytes) -> EllipticCurvePublicKey | None:
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
    except ValueError:
        return None
