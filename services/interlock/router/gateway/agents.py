"""Who is asking: an API key stands for one route, and nothing else in a request says who sent it."""

import hashlib
import hmac
from collections.abc import Sequence

from interlock.router.gateway.settings import AgentKey
from interlock.vocabulary.identifiers import RouteId

_SCHEME = "bearer "


class Agents:
    """The keys that are known, by their hashes."""

    def __init__(self, keys: Sequence[AgentKey]) -> None:
        self._known = [(bytes.fromhex(known.key_sha256), known.route) for known in keys]

    def route_of(self, authorization: str | None) -> RouteId | None:
        """The route that a request belongs to; None if its key is not known.

        Every hash is compared, in constant time each, so that how long a refusal takes tells nothing.

        Args:
            authorization: The value of the request's `Authorization` header.
        """
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            return None
        shown = hashlib.sha256(authorization[len(_SCHEME) :].strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, route in self._known:
            if hmac.compare_digest(known, shown):
                found = route
        return found
