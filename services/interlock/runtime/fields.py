"""The kinds of values that settings are made of, each read from text that a person wrote, or refused with the mend.

They are pydantic annotations, for the settings of every service: `interval: Duration`, `listen: Listen`.
"""

import ipaddress
import os
import re
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import is_name
from interlock.vocabulary.time import Micros, parse_duration

_SECRET = re.compile(r"env:([A-Z_][A-Z0-9_]*)")
_SERVER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/\[\],]+):\d{1,5}")


class Address(NamedTuple):
    """Where a server of ours listens: a loopback host, and a port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _duration(value: object) -> Micros:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit; write a duration as text, such as '250ms', '30s' or '5m'")
    return parse_duration(value)


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{value!r} is not an address; write host:port, such as '127.0.0.1:0'")
    return Address(host, int(port))


def _loopback(address: Address) -> Address:
    try:
        loopback = ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        loopback = address.host == "localhost"
    if not loopback:
        raise ValueError(
            f"{address.host!r} is not a loopback host; write '127.0.0.1:{address.port}', and put a proxy with TLS "
            "before it if others must reach it"
        )
    return address


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{text!r} is not a name; use lower-case letters, digits and . _ @ - and begin with a letter")
    return text


def _servers(text: str) -> str:
    if not all(_SERVER.fullmatch(server) for server in text.split(",")):
        raise ValueError(f"{text!r} names no Kafka servers; write host:port, several of them separated by commas")
    return text


def _collector(text: str) -> str:
    """Refuse what is no plain address; the text is never repeated, since it may hold a secret."""
    try:
        parts = urlsplit(text)
        plain = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        plain = False
    if not plain:
        raise ValueError("it is not a collector's address; write 'http://127.0.0.1:4318/v1/traces'")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds credentials; take them out, and set OTEL_EXPORTER_OTLP_HEADERS in the environment")
    return text


def _secret_reference(text: str) -> str:
    if _SECRET.fullmatch(text) is None:
        raise ValueError("it does not say where the secret is; write 'env:' and the name of an environment variable")
    return text


Duration = Annotated[Micros, BeforeValidator(_duration)]
"""A duration written by a person, `"30s"`; in the program, microseconds. A bare number is refused."""

Listen = Annotated[Address, NoDecode, BeforeValidator(_address), AfterValidator(_loopback)]
"""`"host:port"` on loopback; in the program, an `Address`."""

Name = Annotated[str, AfterValidator(_name)]
"""An identifier as in `interlock.vocabulary.identifiers`."""

Servers = Annotated[str, AfterValidator(_servers)]
"""Kafka bootstrap servers: `"host:port"`, several of them separated by commas."""

Collector = Annotated[str, AfterValidator(_collector)]
"""The address at which spans are collected: OTLP over HTTP, its path too."""

SecretReference = Annotated[str, AfterValidator(_secret_reference)]
"""Where a secret is, `"env:NAME"`; `secret` fetches it."""


def secret(reference: str) -> str:
    """Fetch a secret.

    Args:
        reference: Where it is: `env:NAME`.

    Raises:
        ConfigurationError: It is not there. The error never repeats a value, nor a reference that may be one.
    """
    match = _SECRET.fullmatch(reference)
    if match is None:
        raise ConfigurationError(
            "A secret's reference does not say where the secret is.",
            "Write 'env:' and the name of an environment variable; the secret itself is never in a file.",
        )
    value = os.environ.get(match[1], "")
    if not value:
        raise ConfigurationError(
            f"The secret {reference} is not set.", f"Set the environment variable {match[1]} and start again."
        )
    return value
