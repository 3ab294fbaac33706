"""Sends one message to one webhook, once (Standard Webhooks, Ed25519 signatures `v1a`).

Rules:

1. Where to send is said by the signed policy and by nothing else: redirects are not followed, proxies of the environment are
   not used, no cookie is kept.
2. Addresses that are not public (loopback, private, link-local, and those inside IPv6 forms) are refused unless the policy's
   `allow_private` says otherwise. The check stands where the socket is made, on the very address that is connected to: a
   literal, or what the name resolved to. There is no second look-up that could answer otherwise (DNS rebinding).
3. Without `allow_private` only https is spoken.
4. Success is a 2xx status. The body of the answer is never read, so it cannot be too large.
5. Nothing of the URL but its host is told: a path may hold a secret.

Not handled here: when to send (`core`), and an egress proxy, which remains the stronger control.
"""

import base64
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from interlock.records.documents import Webhook
from interlock.signing.keys import SigningKey
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.time import SECOND, Micros, from_datetime, seconds

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_AGENT = "interlock-notifier"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one attempt.

    Attributes:
        status: HTTP status; 0 where there was none.
        detail: What went wrong, in words; empty if it was accepted.
        retry_after: How long the receiver asked us to wait, from the end of the attempt; None if it did not.
    """

    status: int
    detail: str = ""
    retry_after: Micros | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver took the message."""
        return 200 <= self.status < 300


def channel_of(webhook: Webhook) -> str:
    """The name of a channel: its host for people, and a digest that tells two URLs of one host apart."""
    url = _read(webhook.url)
    host = (url.host if url else None) or "nowhere"
    return f"webhook:{host}#{digest(webhook.url.encode()).hex()[:8]}"


def public_text(key: SigningKey) -> str:
    """The public key as receivers are given it: `whpk_` and the raw key in base64.

    Raises:
        ConfigurationError: The key cannot sign for webhooks.
    """
    return "whpk_" + base64.b64encode(key.for_webhooks().public_key().public_bytes_raw()).decode()


def signed_headers(key: SigningKey, message_id: str, now: Micros, body: bytes) -> dict[str, str]:
    """The headers of one attempt, signed over `id.timestamp.body`.

    Args:
        key: The notifier's own key.
        message_id: The same for every attempt: receivers drop repetitions by it.
        now: When the attempt is made.
        body: The exact bytes that are sent.
    """
    moment = now // SECOND
    signature = key.for_webhooks().sign(f"{message_id}.{moment}.".encode() + body)
    return {
        "content-type": "application/json",
        "user-agent": _AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": "v1a," + base64.b64encode(signature).decode(),
    }


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is one of the public internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


class _NotPublicError(PermissionError):
    """Raised where the socket would be made, so that no packet leaves for an address that is not public."""


def _public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address, as aiohttp asks for it: (family, type, protocol, name, (host, port, …))."""
    family, kind, protocol, _, target = address
    if not is_public(str(target[0])):
        raise _NotPublicError("the address is not public")
    return socket.socket(family=family, type=kind, proto=protocol)


def retry_after(headers: Mapping[str, str], now: Micros) -> Micros | None:
    """Read `Retry-After`: seconds, or a date. None where there is none, or it says nothing sensible."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return seconds(int(text))
    try:
        return Micros(max(0, from_datetime(parsedate_to_datetime(text)) - now))
    except (ValueError, OverflowError):
        return None


class WebhookSender:
    """Sends messages; an asynchronous context manager that keeps the connections.

    Args:
        key: The notifier's own key.

    Raises:
        ConfigurationError: The key cannot sign for webhooks.
    """

    def __init__(self, key: SigningKey) -> None:
        key.for_webhooks()
        self._key = key

    async def __aenter__(self) -> Self:
        self._public = _session(aiohttp.TCPConnector(limit=0, socket_factory=_public_socket))
        self._private = _session(aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._public.close()
        await self._private.close()

    async def send(self, webhook: Webhook, message_id: str, body: bytes, *, now: Micros, timeout_s: float) -> Delivery:
        """Make one attempt. Never raises for what a receiver or the network does.

        Args:
            webhook: Where to.
            message_id: The idempotency key.
            body: The exact bytes.
            now: Civil time, for the header.
            timeout_s: How long all of it may take, in seconds.
        """
        fault = url_fault(webhook)
        if fault:
            return Delivery(0, fault)
        session = self._private if webhook.allow_private else self._public
        try:
            async with session.post(
                webhook.url,
                data=body,
                headers=signed_headers(self._key, message_id, now, body),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=timeout_s + 1),
            ) as answer:
                return _delivery(answer.status, answer.headers, now)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Delivery(0, _network_fault(error, timeout_s))


def url_fault(webhook: Webhook) -> str:
    """Why nothing may be sent to that URL whatever it resolves to; empty if there is no reason."""
    url = _read(webhook.url)
    if url is None:
        return "the URL cannot be read; mend it in the policy"
    if url.scheme not in ({"http", "https"} if webhook.allow_private else {"https"}) or not url.host:
        return "only https is allowed without allow_private; mend the URL in the policy"
    if url.user is not None or url.password is not None:
        return "the URL holds credentials; take them out of the policy, which everybody may read"
    return ""


def _read(text: str) -> URL | None:
    """A URL, its host with it; None if it cannot be read."""
    try:
        url = URL(text)
        str(url.host)
    except (
        ValueError,
        IndexError,
    ):  # yarl decodes a host only when it is asked for it, and some brackets are beyond it
        return None
    return url


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
    )


def _delivery(status: int, headers: Mapping[str, str], now: Micros) -> Delivery:
    if 200 <= status < 300:
        return Delivery(status)
    if 300 <= status < 400:
        return Delivery(status, "it redirects, and redirects are not followed; put the final URL into the policy")
    return Delivery(status, f"it answered {status}", retry_after(headers, now))


def _network_fault(error: Exception, timeout_s: float) -> str:
    """What went wrong, in words that repeat nothing of the URL or of what was received."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, _NotPublicError):
        return "its address is not public; set allow_private in the policy if that is meant"
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed: look at the receiver's certificate"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(cause, OSError) and cause.strerror and not isinstance(error, aiohttp.ClientResponseError):
        return f"cannot connect: {type(cause).__name__}"
    return f"the exchange broke: {type(error).__name__}"
