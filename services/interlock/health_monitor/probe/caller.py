"""Calls one model's server over HTTP, and tells every way it can go as an `Answer`.

Redirects are not followed: they would carry the credential to a server that nobody approved.
"""

import aiohttp

from interlock.health_monitor.probe.core import Answer, judge, request_for
from interlock.records.models import Model
from interlock.records.outcomes import classify
from interlock.runtime.settings import secret
from interlock.vocabulary.time import SECOND, Micros

REPLY_BYTES_MAX = 1_048_576
"""An answer of one token is not longer; what is, is not read to its end."""

USER_AGENT = "interlock-probe"


class Caller:
    """Makes calls; use it as an asynchronous context manager.

    Args:
        timeout: How long a call may take, in microseconds.
    """

    def __init__(self, timeout: Micros) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout / SECOND),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> "Caller":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(self, model: Model) -> Answer:
        """Call a model once.

        Raises:
            ConfigurationError: Its credential is not there.
        """
        headers = {"Authorization": f"Bearer {secret(model.identity.secret_ref)}"}
        address = f"{model.endpoint.rstrip('/')}/chat/completions"
        try:
            async with self._session.post(
                address, json=request_for(model), headers=headers, allow_redirects=False
            ) as reply:
                return judge(model, reply.status, await _body(reply))
        except TimeoutError:
            return Answer(classify(None, timed_out=True))
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer(classify(None))


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in reply.content.iter_any():
        body += chunk
        if len(body) > REPLY_BYTES_MAX:
            break
    return bytes(body)
