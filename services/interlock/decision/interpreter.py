"""Verifies a verdict once for all shards of a process.

Each owner reads every verdict, and nearly all of them concern the agents of other shards too, or no agent of this one. What bytes say under
a trust root depends on nothing else, so the owners of one process may share the answer.
"""

from collections import OrderedDict

from interlock.decision.core.events import Event, interpret
from interlock.records.audit import Input
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.wire.topics import VERDICTS

KEPT = 1_000
"""Verdicts whose answer is kept: more than the owners of a process are apart."""

KEPT_BYTES_MAX = 4_096
"""A longer one is none of ours: a verdict takes some 500 bytes, and who may write to the topic must not fill the memory."""


class Interpreter:
    """Interprets inputs, and remembers what it made of the last verdicts."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[TrustRoot, Event | Refused]] = OrderedDict()

    def interpret(self, given: Input, trust: TrustRoot) -> Event | Refused:
        """Verify and read one input; see `core.events.interpret`. An answer holds under an equal trust root only: each owner reads its own."""
        if given.topic != VERDICTS.name or len(given.value) > KEPT_BYTES_MAX:
            return interpret(given, trust)
        known = self._known.get(given.value)
        if known is not None and known[0] == trust:
            return known[1]
        event = interpret(given, trust)
        self._known[given.value] = trust, event
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return event
