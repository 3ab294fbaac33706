"""How a command reaches the bus, and what it believes there.

`settings/operator.toml` of the workspace names the bus and the trust root; the environment overrides it, as for any service. A
command judges by its own book, made from the signed records themselves.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from interlock.policy.book import Book, Taken, take
from interlock.records.sealing import event_id_of_sealed
from interlock.runtime.bus import Bus
from interlock.runtime.first_settings import OPERATOR
from interlock.runtime.kafka_bus import KafkaBus
from interlock.runtime.opening import load_trust
from interlock.runtime.settings import ServiceSettings
from interlock.runtime.workspace import Workspace
from interlock.wire.topics import POLICIES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on the policies topic.

    Attributes:
        book: The documents that count.
        root_id: Identity of the trust root that everything starts from.
        counted: The identity of every record that counted when it came; a newer one may stand in its place since.
    """

    book: Book
    root_id: bytes
    counted: frozenset[bytes]


async def read_standing(bus: Bus, settings: ServiceSettings) -> Standing:
    """Read the policies topic to its end.

    Raises:
        ConfigurationError: The trust root cannot be read.
        InfrastructureError: The bus cannot be reached.
    """
    trust, root_id = load_trust(settings.trust_root, settings.deployment)
    book, counted = Book.start(trust, root_id), set()
    reader = await bus.reader([POLICIES.name])
    for record in await reader.read_to_end():
        taken = take(book, record.value)
        if isinstance(taken, Taken):
            book = taken.book
            counted.add(taken.event_id)
        elif event_id_of_sealed(record.value) == root_id:
            counted.add(root_id)
    await reader.close()
    return Standing(book, root_id, frozenset(counted))


async def connected(workspace: Path, work: Callable[[Bus, ServiceSettings], Awaitable[T]]) -> T:
    """Do something on the workspace's bus.

    Raises:
        ConfigurationError: The workspace has no settings for operators.
        InfrastructureError: The bus cannot be reached.
    """
    settings = ServiceSettings.load(Workspace(workspace).settings(OPERATOR))
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what it would print, our errors say once
    bus = KafkaBus(settings.bootstrap, client="interlock-cli", fetch_max_wait_ms=settings.fetch_wait_ms)
    try:
        return await work(bus, settings)
    finally:
        await bus.close()
