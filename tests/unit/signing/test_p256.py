"""P-256 against RFC 6979 and against a textbook's arithmetic; and everything that ECDSA leaves open, closed."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.signing import p256
from interlock.signing.keys import KeyKind, SigningKey, is_public_key, keyid_of, sign, signature_holds
from interlock.signing.roles import Role
from interlock.signing.trust import Grant, TrustedKey, TrustRoot
from interlock.signing.verifier import Refused, verify
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

N = p256.ORDER
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

# RFC 6979, A.2.5: P-256 with SHA-256.
RFC_PRIVATE = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC_POINT = (
    0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
    0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
)
RFC_SIGNATURES = {
    b"sample": (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,  # in the upper half
    ),
    b"test": (
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
}
KEY = SigningKey(derive_private_key(RFC_PRIVATE, SECP256R1()))
BODY = b"body"
SIGNATURE = KEY.signature(BODY)


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32)


def parts(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32]), int.from_bytes(signature[32:])


def encoded(form: PublicFormat) -> bytes:
    return KEY.private.public_key().public_bytes(Encoding.X962, form)


def plus(a, b):
    """Add two points of the curve; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    total = None
    while k:
        total = plus(total, point) if k & 1 else total
        point, k = plus(point, point), k >> 1
    return total


def holds_by_the_textbook(point, message, r, s) -> bool:
    """FIPS 186-5, 6.4.2."""
    e, w = int.from_bytes(hashlib.sha256(message).digest()), pow(s, -1, N)
    found = plus(times(e * w % N, G), times(r * w % N, point))
    return found is not None and found[0] % N == r


def test_a_public_key_is_its_compressed_point():
    assert KEY.public == bytes([2 + RFC_POINT[1] % 2]) + RFC_POINT[0].to_bytes(32)
    assert KEY.keyid == hashlib.sha256(KEY.public).hexdigest()


@pytest.mark.parametrize("message", RFC_SIGNATURES)
def test_signatures_are_those_of_rfc_6979_with_s_in_the_lower_half(message: bytes):
    r, s = RFC_SIGNATURES[message]
    assert KEY.signature(message) == raw(r, min(s, N - s))
    assert signature_holds(KEY.public, raw(r, min(s, N - s)), message)
    assert not signature_holds(KEY.public, raw(r, max(s, N - s)), message)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, N - 1), st.binary(max_size=300))
def test_what_is_signed_holds_by_the_textbooks_arithmetic_too(number: int, message: bytes):
    key = SigningKey(derive_private_key(number, SECP256R1()))
    r, s = parts(key.signature(message))
    assert s <= N // 2
    assert holds_by_the_textbook(times(number, G), message, r, s)
    assert signature_holds(key.public, raw(r, s), message)
    assert not signature_holds(key.public, raw(r, s), message + b"!")


R, S = parts(SIGNATURE)


def made_with(s: int) -> tuple[bytes, bytes, bytes]:
    """A key, a message and a signature with this very s that the textbook's equation holds for: the key is made to fit.

    With the nonce 1 the point is G, so r is its x; the private key is then (s - e) / r.
    """
    r, e = G[0] % N, int.from_bytes(hashlib.sha256(BODY).digest())
    key = SigningKey(derive_private_key((s - e) * pow(r, -1, N) % N, SECP256R1()))
    return key.public, raw(r, s), BODY


SIGNATURES = {
    "r is 0": raw(0, S),
    "s is 0": raw(R, 0),
    "both are 0": bytes(64),
    "r is n": raw(N, S),
    "s is n": raw(R, N),
    "s is beyond n, and the same modulo n": raw(R, S + N) if S + N < 2**256 else raw(R, N + 1),
    "r is p, which no coordinate is": raw(P, S),
    "s in the upper half": raw(R, N - S),
    "r negated": raw(N - R, S),
    "r and s exchanged": raw(S, R),
    "all bits set": b"\xff" * 64,
    "empty": b"",
    "a byte short": SIGNATURE[:-1],
    "a byte long": SIGNATURE + b"\0",
    "a zero byte before": b"\0" + SIGNATURE,
    "r of 31 bytes": SIGNATURE[1:],
    "DER instead of raw": encode_dss_signature(R, S),
    "twice": SIGNATURE * 2,
    "a zero byte before s": SIGNATURE[:32] + b"\0" + SIGNATURE[32:],
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_in_any_other_form_does_not_hold(signature: bytes):
    assert signature_holds(KEY.public, SIGNATURE, BODY)
    assert not signature_holds(KEY.public, signature, BODY)


def test_the_border_between_the_halves_belongs_to_the_lower_one():
    half = N // 2
    assert signature_holds(*made_with(half))
    assert not signature_holds(*made_with(half + 1))
    assert signature_holds(*made_with(1))


KEYS = {
    "the long form": encoded(PublicFormat.UncompressedPoint),
    "the hybrid form": bytes([6 + RFC_POINT[1] % 2]) + encoded(PublicFormat.UncompressedPoint)[1:],
    "the other point with this x": bytes([5 - KEY.public[0]]) + KEY.public[1:],
    "a prefix of the long form before a compressed point": b"\x04" + KEY.public[1:],
    "a prefix of no form": b"\x05" + KEY.public[1:],
    "the point at infinity": b"\0",
    "the point at infinity, padded": bytes(33),
    "x without a point on the curve": b"\x02" + (1).to_bytes(32),
    "x beyond the field, and the same modulo p": b"\x02" + (P + 5).to_bytes(32),
    "x alone": KEY.public[1:],
    "DER": KEY.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "empty": b"",
}


@pytest.mark.parametrize("public_key", KEYS.values(), ids=KEYS)
def test_under_a_key_in_any_other_form_nothing_holds(public_key: bytes):
    assert not signature_holds(public_key, SIGNATURE, BODY)
    assert not p256.holds(public_key, SIGNATURE, BODY)


@pytest.mark.parametrize("name", KEYS.keys() - {"the other point with this x", "x alone"})
def test_what_is_no_key_in_the_one_form_is_no_key(name: str):
    assert not is_public_key(KEYS[name])


def test_the_x_that_is_tried_beyond_the_field_is_a_point_within_it():
    """Or the case above would be refused for want of a point."""
    assert is_public_key(b"\x02" + (5).to_bytes(32))
    assert pow(pow(5**3 - 3 * 5 + B, (P + 1) // 4, P), 2, P) == (5**3 - 3 * 5 + B) % P


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=33, max_size=33), st.binary(min_size=64, max_size=64))
def test_no_bytes_make_the_check_raise(public_key: bytes, signature: bytes):
    assert not signature_holds(public_key, signature, BODY)
    assert not signature_holds(b"\x02" + public_key[1:], signature, BODY)
    assert not signature_holds(KEY.public, signature, BODY)


def test_a_seed_is_a_key_that_the_curve_has():
    for seed in (bytes(32), b"\xff" * 32, (N - 1).to_bytes(32)):
        key = SigningKey.from_seed(seed, KeyKind.P256)
        assert signature_holds(key.public, key.signature(BODY), BODY)
        assert EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key.public)


def test_the_verifier_takes_a_p256_key_and_refuses_its_malleated_signature():
    other = SigningKey.generate()
    keys = tuple(TrustedKey(key.keyid, owner, key.public) for owner, key in (("sam", KEY), ("root", other)))
    grants = (Grant(Role.SAFETY, 1, (KEY.keyid,)), Grant(Role.ROOT, 1, (other.keyid,)))
    trust = TrustRoot(1, "testbed", Micros(1), Micros(2), keys, grants)

    class Said:
        def said_by(self):
            return None

        def concerns(self):
            return None

    envelope = sign(PayloadType.DENIAL, BODY, KEY)
    found = verify(envelope, trust, {PayloadType.DENIAL}, lambda *_: Said())
    assert not isinstance(found, Refused)
    assert found.signers == {"sam"}
    (signature,) = envelope.signatures
    r, s = parts(signature.sig)
    malleated = type(envelope)(
        envelope.payload_type, envelope.payload, (type(signature)(signature.keyid, raw(r, N - s)),)
    )
    refused = verify(malleated, trust, {PayloadType.DENIAL}, lambda *_: Said())
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.BAD_SIGNATURE
    assert keyid_of(KEY.public) == signature.keyid
