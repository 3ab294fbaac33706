import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.signing.envelope import pae
from interlock.signing.keys import KeyKind, SigningKey, keyid_of, sign, signature_holds
from interlock.vocabulary.errors import ConfigurationError

KEY = SigningKey.from_seed(bytes(32))

# RFC 8032, section 7.1, test 2.
RFC_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_keys_and_signatures_are_those_of_rfc_8032():
    key = SigningKey.from_seed(RFC_SEED)
    assert key.public == RFC_PUBLIC
    assert key.private.sign(b"\x72") == RFC_SIGNATURE
    assert signature_holds(RFC_PUBLIC, RFC_SIGNATURE, b"\x72")


def test_a_keys_id_is_the_sha256_of_its_raw_public_bytes_in_hex():
    assert KEY.keyid == keyid_of(KEY.public) == hashlib.sha256(KEY.public).hexdigest()


def test_what_is_signed_is_the_type_together_with_the_payload():
    signature = KEY.sign("kind", b"body")
    assert signature.keyid == KEY.keyid
    assert signature_holds(KEY.public, signature.sig, pae("kind", b"body"))
    assert not signature_holds(KEY.public, signature.sig, b"body")


def test_an_envelope_bears_one_signature_for_each_key():
    other = SigningKey.generate()
    envelope = sign("kind", b"body", KEY, other)
    assert (envelope.payload_type, envelope.payload) == ("kind", b"body")
    assert [signature.keyid for signature in envelope.signatures] == [KEY.keyid, other.keyid]


def test_two_generated_keys_differ():
    assert SigningKey.generate().public != SigningKey.generate().public


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_survives_its_file(kind: KeyKind):
    key = SigningKey.generate(kind)
    assert SigningKey.from_pem(key.to_pem()).public == key.public


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_of_either_kind_signs_the_type_together_with_the_payload(kind: KeyKind):
    key = SigningKey.from_seed(RFC_SEED, kind)
    signature = key.sign("kind", b"body")
    assert signature.keyid == keyid_of(key.public)
    assert signature_holds(key.public, signature.sig, pae("kind", b"body"))
    assert not signature_holds(key.public, signature.sig, b"body")


@pytest.mark.parametrize("kind", KeyKind)
def test_equal_bytes_give_equal_signatures(kind: KeyKind):
    key = SigningKey.generate(kind)
    assert key.signature(b"body") == key.signature(b"body")


def test_no_signature_holds_under_a_key_of_the_other_kind():
    plain, point = (SigningKey.from_seed(RFC_SEED, kind) for kind in KeyKind)
    assert not signature_holds(plain.public, point.signature(b"body"), b"body")
    assert not signature_holds(point.public, plain.signature(b"body"), b"body")


def test_the_other_signature_that_ed25519_would_allow_does_not_hold():
    """RFC 8032, 5.1.7: S must be below the group's order L, or S + L would be a second signature of the same bytes."""
    order = 2**252 + 27742317777372353535851937790883648493
    again = int.from_bytes(RFC_SIGNATURE[32:], "little") + order
    assert again < 2**256
    assert not signature_holds(RFC_PUBLIC, RFC_SIGNATURE[:32] + again.to_bytes(32, "little"), b"\x72")


def test_only_an_ed25519_key_signs_webhooks_and_another_says_what_to_do():
    assert SigningKey(KEY.for_webhooks()) == KEY
    with pytest.raises(ConfigurationError, match="P-256") as raised:
        SigningKey.generate(KeyKind.P256).for_webhooks()
    assert "Ed25519" in raised.value.mend


def pem(private, encryption=None) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        KEY.to_pem()[:60],
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(ec.generate_private_key(ec.SECP256K1())),
        pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret")),
    ],
    ids=["empty", "garbage", "cut", "p384", "secp256k1", "encrypted"],
)
def test_another_kind_of_key_file_is_the_operators_mistake_and_says_what_to_do(content: bytes):
    with pytest.raises(ConfigurationError) as raised:
        SigningKey.from_pem(content)
    assert "interlock init" in raised.value.mend


@settings(max_examples=60)
@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=20))
def test_no_signature_holds_by_chance_and_no_bytes_make_the_check_raise(
    public: bytes, signature: bytes, message: bytes
):
    assert not signature_holds(public, signature, message)
    assert not signature_holds(KEY.public, signature, message)
    assert not signature_holds(public, RFC_SIGNATURE, message)
