import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.signing.envelope import pae
from interlock.signing.keys import SigningKey, keyid_of, sign, signature_holds
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


def test_a_key_survives_its_file():
    assert SigningKey.from_pem(KEY.to_pem()).public == KEY.public


def pem(private, encryption=None) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        KEY.to_pem()[:60],
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret")),
    ],
    ids=["empty", "garbage", "cut", "p256", "encrypted"],
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
