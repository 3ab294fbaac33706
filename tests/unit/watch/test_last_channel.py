"""Where the last channel may go, without a socket."""

import socket

import pytest

from interlock.signing.keys import KeyKind, SigningKey
from interlock.vocabulary.errors import ConfigurationError
from interlock.watch.last_channel import LastChannel, _public_socket, is_public, public_text


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
        "::ffff:1.1.1.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::1",
        "2001:db8::1",
        "not an address",
        "",
    ],
)
def test_an_address_that_is_not_public_gets_no_socket(address: str):
    with pytest.raises((PermissionError, ValueError)):
        _public_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_public_addresses_are_allowed(address: str):
    assert is_public(address)


@pytest.mark.parametrize("use", [LastChannel, public_text])
def test_a_key_that_cannot_sign_webhooks_is_refused_before_anything_is_sent(use):
    with pytest.raises(ConfigurationError, match="v1a"):
        use(SigningKey.generate(KeyKind.P256))
