import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.signing.envelope import event_id, pae


def test_the_encoding_is_that_of_the_dsse_specification():
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_are_counted_in_bytes_and_not_in_characters():
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_the_identity_is_the_sha256_of_the_encoding():
    assert event_id("kind", b"body") == hashlib.sha256(b"DSSEv1 4 kind 4 body").digest()


@settings(max_examples=60)
@given(st.text("a 1", max_size=4), st.binary(max_size=4), st.text("a 1", max_size=4), st.binary(max_size=4))
def test_two_records_never_share_an_encoding(kind: str, payload: bytes, other_kind: str, other_payload: bytes):
    assert (pae(kind, payload) == pae(other_kind, other_payload)) == ((kind, payload) == (other_kind, other_payload))
