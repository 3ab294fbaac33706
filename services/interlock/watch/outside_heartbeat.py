"""The sign of life to a dead man's switch outside: absence of it is the alarm, so it is given only while the watch can do its work.

That is, while the policies, the notices and the log were all read to their ends lately, and what followed from them is on record. A
switch that waits for a minute hears the last one at most `FRESH_S` after the broker went silent. The requests have no content: where
they go, and what an eavesdropper sees, tells nothing of any agent.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self

import aiohttp
import structlog

from interlock.runtime.lifecycle import Stop
from interlock.watch.instruments import Instruments

EVERY_S = 20.0
"""How often it is given; the switch's own grace is a minute."""

FRESH_S = 30.0
"""How lately all must have been read: so a switch hears nothing more within 60 s of the broker's silence."""

_ATTEMPT_S_MAX = 10.0
_LOOK_S = 1.0

_log = structlog.get_logger(__name__)


class OutsideHeartbeat:
    """Posts to one URL; an asynchronous context manager.

    Args:
        url: The dead man's switch; None: there is none.
        well: Whether the watch can do its work, as of the last `FRESH_S` seconds.
        instruments: What is counted.
    """

    def __init__(self, url: str | None, well: Callable[[], bool], instruments: Instruments) -> None:
        self._url = url
        self._well = well
        self._instruments = instruments

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def run(self, stop: Stop) -> None:
        """Give signs of life until asked to stop."""
        rest_s = 0.0
        while not await stop.within(rest_s):
            rest_s = _LOOK_S
            if self._url is not None and self._well():
                given = await self._post(self._url)
                self._instruments.heartbeat(given=given)
                rest_s = EVERY_S if given else _LOOK_S

    async def _post(self, url: str) -> bool:
        """Make one request; whether it was accepted. Tells nothing of the URL, which may hold a secret."""
        bounds = aiohttp.ClientTimeout(total=_ATTEMPT_S_MAX)
        try:
            async with self._session.post(url, allow_redirects=False, timeout=bounds) as answer:
                given = 200 <= answer.status < 300
                why = f"it answered {answer.status}"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            given, why = False, type(error).__name__
        if not given:
            _log.warning("heartbeat_not_given", reason=why)
        return given
