"""What a shard's owner works with."""

from collections.abc import Callable
from dataclasses import dataclass, field

from interlock.decision.instruments import Instruments
from interlock.decision.interpreter import Interpreter
from interlock.decision.shared_reader import SharedReader
from interlock.policy.book import Book
from interlock.reporting.findings import Findings
from interlock.reporting.shell import Shell
from interlock.runtime.bus import Bus
from interlock.runtime.clock import Clock
from interlock.runtime.tracing import UNTRACED, Tracing
from interlock.signing.keys import SigningKey
from interlock.vocabulary.time import Micros
from interlock.wire.topics import SHARDS


@dataclass(frozen=True, slots=True)
class Desk:
    """What an owner works with.

    Attributes:
        shard: The shard, one of `shards`.
        owner: The owner's name in the trust root, and `key` its private key.
        book: The installed trust root, and nothing else.
        bus: Where everything is read and written.
        clock: Civil time.
        findings: Where refusals are told.
        instruments: Where steps are counted.
        shared: Reads what every shard must hear, for the owners of one process.
        held: Whether the consumer group still gives the shard to this process.
        tracing: Makes the spans.
        interpreter: Verifies what is read; the owners of one process share it.
    """

    shard: int
    shards: int
    owner: str
    key: SigningKey
    book: Book
    bus: Bus
    clock: Clock
    findings: Findings
    instruments: Instruments
    shared: SharedReader
    held: Callable[[], bool]
    tracing: Tracing = UNTRACED
    interpreter: Interpreter = field(default_factory=Interpreter)

    def now(self) -> Micros:
        """Civil time."""
        return self.clock.now().wall


def desks(it: Shell) -> Callable[[int, Callable[[], bool]], Desk]:
    """What makes the desks of one process, given a shard, and whether it is still held; what can be shared is.

    Args:
        it: The process's surroundings.
    """
    instruments, interpreter, shared = Instruments(it.metrics), Interpreter(), SharedReader(it.bus)

    def desk_for(shard: int, held: Callable[[], bool]) -> Desk:
        return Desk(
            shard,
            SHARDS,
            it.owner,
            it.key,
            it.book,
            it.bus,
            it.clock,
            it.findings,
            instruments,
            shared,
            held,
            it.tracing,
            interpreter,
        )

    return desk_for
