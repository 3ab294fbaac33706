"""The broker that a trial runs on: an embedded one of its own, or a real one that somebody names."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from interlock.brokers.embedded import FETCH_MAX_WAIT_MS, EmbeddedBroker
from interlock.brokers.topics_admin import create_topics
from interlock.vocabulary.errors import ConfigurationError

_FETCH_WAIT_MS = 100


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a trial's bus is.

    Attributes:
        bootstrap: Kafka bootstrap servers.
        fetch_wait_ms: What its readers should set: a real broker wakes them, the embedded one does not.
    """

    bootstrap: str
    fetch_wait_ms: int


@asynccontextmanager
async def broker_at(bootstrap: str | None) -> AsyncIterator[Broker]:
    """The broker at an address, with our topics; without an address an embedded one, which lasts as long as this context.

    Raises:
        ConfigurationError: A topic there has another number of partitions than our table says.
        InfrastructureError: The broker cannot be reached.
    """
    if bootstrap is None:
        with EmbeddedBroker() as embedded:
            yield Broker(embedded.bootstrap, FETCH_MAX_WAIT_MS)
        return
    made = await asyncio.to_thread(create_topics, bootstrap)
    if made.problems:
        raise ConfigurationError(made.problems[0].message, made.problems[0].mend)
    yield Broker(bootstrap, _FETCH_WAIT_MS)
