"""The watch's own voice: one message to one address, once (Standard Webhooks, Ed25519 signatures `v1a`).

It shares no code with the notifier's sender, so that no fault silences both. The rules:

1. The signed policy alone says where to. Redirects are not followed, proxies of the environment are not used.
2. Without the policy's `allow_private` only https to public addresses is spoken. What is public is looked at where the socket is made,
   on the very address that is connected to, so a name cannot answer otherwise the second time.
3. An attempt is bounded in time; the body of the answer is never read.

Not handled here: when to try again (`breaches`).
"""

import base64
import ipaddress
import socket
from types import TracebackType
from typing import Any, Self

import aiohttp

from interlock.records.documents import Webhook
from interlock.signing.keys import SigningKey
from interlock.vocabulary.time import SECOND, Micros

ATTEMPT_S_MAX = 10.0
"""How long one attempt may take."""

_UNICAST_V6 = ipaddress.ip_network("2000::/3")


class LastChannel:
    """Sends; an asynchronous context manager.

    Args:
        key: The watch's own key.

    Raises:
        ConfigurationError: The key cannot sign for webhooks.
    """

    def __init__(self, key: SigningKey) -> None:
        key.for_webhooks()
        self._key = key

    async def __aenter__(self) -> Self:
        self._public = _session(aiohttp.TCPConnector(force_close=True, socket_factory=_public_socket))
        self._any = _session(aiohttp.TCPConnector(force_close=True))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._public.close()
        await self._any.close()

    async def send(self, to: Webhook, message_id: str, body: bytes, now: Micros) -> str:
        """Make one attempt. Never raises for what a receiver or the network does.

        Args:
            to: Where to, as the policy says.
            message_id: The idempotency key.
            body: The exact bytes.
            now: Civil time, for the header.

        Returns:
            What went wrong, in words that repeat nothing of the address; empty: it was accepted.
        """
        if not to.allow_private and not to.url.lower().startswith("https://"):
            return "only https is allowed without allow_private"
        session = self._any if to.allow_private else self._public
        try:
            async with session.post(
                to.url,
                data=body,
                headers=_headers(self._key, message_id, body, now),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ATTEMPT_S_MAX),
            ) as answer:
                return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
        except (aiohttp.ClientError, OSError, ValueError, IndexError) as error:  # IndexError: yarl's, of odd brackets
            if isinstance(getattr(error, "os_error", error), _NotPublicError):
                return "its address is not public; allow_private in the policy would allow that"
            return f"it cannot be reached ({type(error).__name__})"


def public_text(key: SigningKey) -> str:
    """The public key as receivers are given it: `whpk_` and the raw key in base64.

    Raises:
        ConfigurationError: The key cannot sign for webhooks.
    """
    return "whpk_" + base64.b64encode(key.for_webhooks().public_key().public_bytes_raw()).decode()


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is an ordinary one of the public internet; of IPv6, without the forms that hold an IPv4 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in _UNICAST_V6 or ip.sixtofour):
        return False
    return ip.is_global and not ip.is_multicast


class _NotPublicError(PermissionError):
    """Raised where the socket would be made, so that no packet leaves."""


def _public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address, as aiohttp asks for it: (family, type, protocol, name, (host, port, …))."""
    family, kind, protocol, _, target = address
    if not is_public(str(target[0])):
        raise _NotPublicError
    return socket.socket(family=family, type=kind, proto=protocol)


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


def _headers(key: SigningKey, message_id: str, body: bytes, now: Micros) -> dict[str, str]:
    moment = now // SECOND
    signature = key.for_webhooks().sign(f"{message_id}.{moment}.".encode() + body)
    return {
        "content-type": "application/json",
        "user-agent": "interlock-watch",
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": "v1a," + base64.b64encode(signature).decode(),
    }
