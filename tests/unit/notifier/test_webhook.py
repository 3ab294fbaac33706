import base64
import socket

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from interlock.notifier.webhook import (
    Delivery,
    WebhookSender,
    _public_socket,
    channel_of,
    is_public,
    public_text,
    retry_after,
    signed_headers,
    url_fault,
)
from interlock.records.documents import Webhook
from interlock.signing.keys import KeyKind, SigningKey
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros, seconds

KEY = SigningKey.from_seed(b"\x07" * 32)
NOW = Micros(1_780_000_000_987_654)


def test_the_headers_are_what_standard_webhooks_asks_for():
    """Written from the specification alone: sign `id.timestamp.body` with Ed25519, `v1a,` and base64; the time is in seconds."""
    body = '{"type":"interlock.routing_change","name":"é"}'.encode()
    headers = signed_headers(KEY, "0f" * 32, NOW, body)
    assert headers["webhook-id"] == "0f" * 32
    assert headers["webhook-timestamp"] == "1780000000"
    version, signature = headers["webhook-signature"].split(",")
    assert version == "v1a"
    assert public_text(KEY).startswith("whpk_")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_text(KEY)[len("whpk_") :], validate=True))
    key.verify(base64.b64decode(signature, validate=True), b"0f" * 32 + b".1780000000." + body)


def test_a_signature_differs_from_attempt_to_attempt_and_the_id_does_not():
    first, second = (signed_headers(KEY, "id", moment, b"{}") for moment in (NOW, Micros(NOW + seconds(2))))
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::",
        "not an address",
        "",
    ],
)
def test_addresses_that_are_not_public_get_no_socket(address):
    assert not is_public(address)
    with pytest.raises(PermissionError):
        _public_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "allow_private", "fault"),
    [
        ("https://hooks.example/a", False, ""),
        ("http://hooks.example/a", False, "only https"),
        ("http://hooks.example/a", True, ""),
        ("ftp://hooks.example/a", True, "only https"),
        ("file:///etc/passwd", True, "only https"),
        ("https:///a", False, "only https"),
        ("https://user:secret@hooks.example/a", False, "credentials"),
        ("https://[::1/a", False, "cannot be read"),
    ],
)
def test_a_url_that_may_not_be_used_says_why_and_never_repeats_itself(url, allow_private, fault):
    said = url_fault(Webhook(url, allow_private))
    assert said.startswith(fault) or fault in said
    assert bool(said) == bool(fault)
    assert "secret" not in said


def test_a_channel_shows_its_host_and_hides_its_path():
    first, second = Webhook("https://hooks.example/T0/secret", False), Webhook("https://hooks.example/T1", False)
    assert channel_of(first).startswith("webhook:hooks.example#")
    assert "secret" not in channel_of(first)
    assert channel_of(first) != channel_of(second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", seconds(30)),
        ("0", seconds(0)),
        ("Thu, 28 May 2026 20:27:00 GMT", Micros(1_780_000_020_000_000 - NOW)),
        ("Thu, 28 May 1998 20:27:00 GMT", Micros(0)),
        ("-5", None),
        ("soon", None),
        ("9" * 40, None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text, expected):
    assert retry_after({"retry-after": text}, NOW) == expected


@pytest.mark.parametrize(
    ("status", "accepted"), [(199, False), (200, True), (204, True), (299, True), (300, False), (0, False)]
)
def test_only_2xx_is_acceptance(status, accepted):
    assert Delivery(status).accepted is accepted


@pytest.mark.parametrize("use", [WebhookSender, public_text])
def test_a_key_that_cannot_sign_webhooks_is_refused_before_anything_is_sent(use):
    with pytest.raises(ConfigurationError, match="v1a"):
        use(SigningKey.generate(KeyKind.P256))
