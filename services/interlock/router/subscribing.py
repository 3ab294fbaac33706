"""How a subscriber is put together: on whatever bus its surroundings have, and with marks of whoever runs it."""

from interlock.reporting.shell import Shell
from interlock.router.core.renew import Terms
from interlock.router.core.state import RouterState
from interlock.router.instruments import Instruments
from interlock.router.marks_file import MarksFile
from interlock.router.rereader import Rereader
from interlock.router.subscriber import Subscriber
from interlock.router.words import Words
from interlock.wire.topics import HEARTBEATS, POLICIES, ROUTES, SHARDS


async def open_subscriber(it: Shell, marks: MarksFile, terms: Terms) -> Subscriber:
    """Begin to read, and make the subscriber.

    Args:
        it: The router's surroundings.
        marks: Where its marks are kept: it starts with those that are there.
        terms: Lease and permitted skew.

    Raises:
        InfrastructureError: The broker cannot be reached.
    """
    reader = Rereader(lambda: it.bus.reader([POLICIES.name, ROUTES.name, HEARTBEATS.name]), it.clock)
    await reader.begin()
    instruments = Instruments(it.metrics)
    return Subscriber(
        state=RouterState.start(SHARDS, it.book, marks.load()),
        marks=marks,
        reader=reader,
        words=Words(await it.bus.publisher(), it.owner, it.key, it.clock, instruments, it.tracing),
        terms=terms,
        clock=it.clock,
        findings=it.findings,
        readiness=it.readiness,
        instruments=instruments,
        tracing=it.tracing,
    )
