"""Where people are told: addresses to which the notifier or the deadline watch would send nothing are refused before anybody signs.

Both ask again where the connection is made, because a name may lead anywhere; here is refused what can be seen from the address alone.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.policy import LastChannelEntry, WebhookEntry
from interlock.policy.authoring.problems import FieldPath, Problem
from interlock.records.documents import Unnotified

_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)([.](0x[0-9a-f]*|[0-9]+))*[.]?")
"""An address in another notation, `127.1` or `2130706433`: no name ends in a number."""

_OWN_NETWORK = "Write `allow_private: true` beside it, if it is inside your own network"


def receiver_problems(draft: Draft) -> Iterator[Problem]:
    """What keeps notices, or the last channel's messages, from being sent; and a last channel that fails together with the notices."""
    for number, to in enumerate(draft.document.notify):
        path: FieldPath = ("notify", number, "webhook")
        yield from _never_sent(draft, path, to)
        if to.webhook in [other.webhook for other in draft.document.notify[:number]]:
            yield draft.source.problem(path, f"{to.webhook} is listed twice", "Keep one of them.")
    yield from _last_channel_problems(draft)


def _never_sent(draft: Draft, path: FieldPath, to: WebhookEntry | LastChannelEntry) -> Iterator[Problem]:
    if to.allow_private:
        return
    parts = urlsplit(to.webhook)
    if _is_private(parts.hostname or ""):
        what = f"{to.webhook} is a private address, and nothing is sent to those"
        yield draft.source.problem(path, what, f"{_OWN_NETWORK}; else name a public address.")
    elif parts.scheme == "http":
        what = f"{to.webhook} is not encrypted, and only https is spoken in public"
        yield draft.source.problem(path, what, f"Write https://…. {_OWN_NETWORK}.")


def _last_channel_problems(draft: Draft) -> Iterator[Problem]:
    """The last channel is for the case that nobody could be told otherwise: it must work, and by itself."""
    document, last = draft.document, draft.document.last_channel
    if last is None:
        if document.unnotified is Unnotified.SUSPEND:
            what = "the agent is stopped when nobody is told of a change, and nobody is told of that, either"
            mend = "Name a `last_channel` that shares nothing with `notify`."
            yield draft.source.warning(("unnotified",), what, mend)
        return
    yield from _never_sent(draft, ("last_channel", "webhook"), last)
    if _server(last.webhook) in [_server(to.webhook) for to in document.notify]:
        host = urlsplit(last.webhook).hostname
        what = f"{host} receives the notices, too: what silences them silences the last channel"
        mend = "Name a receiver that shares nothing with `notify`."
        yield draft.source.warning(("last_channel", "webhook"), what, mend)


def _server(address: str) -> tuple[str, int]:
    """Who answers at an address: host and port."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        name = host.removesuffix(".")
        return name == "localhost" or name.endswith(".localhost") or _NUMBERS.fullmatch(host) is not None
    return not address.is_global or address.is_multicast
