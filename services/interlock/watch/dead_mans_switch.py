"""A dead man's switch outside, spoken to over HTTP: it raises the alarm when no request comes.

A request has no content: where it goes, and what an eavesdropper sees, tells nothing of any agent. The URL may hold a secret (many
such services name the check in it), so nothing tells it.
"""

from types import TracebackType
from typing import Self

import aiohttp
import structlog

_ATTEMPT_S_MAX = 10.0

_log = structlog.get_logger(__name__)


class DeadMansSwitch:
    """Posts to one URL; an asynchronous context manager.

    Args:
        url: Where to.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self) -> str:
        """Make one request; what went wrong, empty if it was taken. Never raises for what the network does."""
        bounds = aiohttp.ClientTimeout(total=_ATTEMPT_S_MAX)
        try:
            async with self._session.post(self._url, allow_redirects=False, timeout=bounds) as answer:
                fault = "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            fault = f"it cannot be reached ({type(error).__name__})"
        if fault:
            _log.warning("heartbeat_not_given", reason=fault)
        return fault
