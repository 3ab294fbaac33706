"""What our Kafka clients share: where the broker is, a bound on each wait, errors that a person can read.

aiokafka retries for as long as it may, and some of its stops wait for a broker that is gone; so nothing of it
is awaited without `reaching` or `stop_within`.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from interlock.runtime.kafka_bootstrap import first_to_answer
from interlock.vocabulary.errors import InfrastructureError

STOP_S_MAX = 3.0
"""How long a client may take to stop. A healthy broker answers in milliseconds; three stops fit into a
shutdown."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the broker is and how patient we are.

    Attributes:
        bootstrap: `host:port`, several separated by commas.
        client: This process's name in the broker's logs.
        fetch_max_wait_ms: How long the broker may hold a fetch that finds nothing.
        timeout_s: The bound on every single request, retries included.
        begin_with: The one of several servers that a client begins with; empty: any.
    """

    bootstrap: str
    client: str
    fetch_max_wait_ms: int
    timeout_s: float
    begin_with: str = ""

    async def now(self) -> "Connection":
        """The same for a client that is made now: of several servers it begins with the one that answers first."""
        servers = self.bootstrap.split(",")
        if len(servers) == 1:
            return self
        return replace(self, begin_with=await first_to_answer(servers, self.timeout_s / 2) or "")

    @property
    def client_settings(self) -> dict[str, Any]:
        """What every aiokafka client is given."""
        return {
            "bootstrap_servers": self.begin_with or self.bootstrap,
            "client_id": self.client,
            "request_timeout_ms": round(self.timeout_s * 1_000),
        }

    @asynccontextmanager
    async def reaching(self, doing: str, *, patience_s: float = 0) -> AsyncIterator[None]:
        """Bound what happens inside, and turn what the client raises into an `InfrastructureError`.

        Args:
            doing: What is being tried, as the beginning of a sentence.
            patience_s: Seconds of waiting that are no sign of trouble, in addition to the bound.
        """
        try:
            async with asyncio.timeout(self.timeout_s + patience_s):
                yield
        except TimeoutError as error:
            raise self.failure(doing, f"no answer within {self.timeout_s:g} s") from error
        except (KafkaError, OSError) as error:
            raise self.failure(doing, words(error)) from error

    def failure(self, doing: str, why: str) -> InfrastructureError:
        """The error that names the broker and the next step."""
        return InfrastructureError(
            f"{doing} failed at {self.bootstrap}: {why}.",
            "Check that the broker runs there and can be reached, then try again.",
        )


async def stop_within(stopping: Coroutine[Any, Any, None], seconds: float = STOP_S_MAX) -> None:
    """Let a client stop, for that long at most. Never raises: what hangs is left to end with the process."""
    task = asyncio.ensure_future(stopping)
    _, late = await asyncio.wait({task}, timeout=seconds)
    if late:
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
        _log.warning("client_stop_late", seconds=seconds)
    elif not task.cancelled() and (error := task.exception()):
        _log.warning("client_stop_failed", error=words(error))


def words(error: BaseException) -> str:
    """An error of a client as one line; many of aiokafka's have no text of their own."""
    return str(error).rstrip(".") or type(error).__name__
