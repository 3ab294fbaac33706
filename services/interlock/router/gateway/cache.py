"""The safe state `cached_response`: answers that were given before, kept in memory and bounded.

Kept are whole answers to requests that were not streamed: complete, no refusal, and without a call of a tool, which an agent would
carry out a second time. A streamed request never finds one, since `stream` is a part of what was asked. A route is asked for the same
thing only by the same request, in every field but the `model` that the gateway overrides.

What is handed out is not judged here: whether the answer's model may still speak for the route is asked of the resolver each time.
The oldest go first when there are too many. An agent that asks for much can push out what others were told: they are then refused,
which is what a safe state may always do.
"""

from dataclasses import dataclass

from interlock.records.models import Model
from interlock.vocabulary.identifiers import RouteId, digest
from interlock.vocabulary.time import Micros

CACHE_ENTRIES_MAX = 10_000
"""Answers kept: what a hundred agents repeat a hundred times each."""

CACHE_BYTES_MAX = 64 * 1_048_576
"""Bytes of answers kept: little beside what a gateway's calls in hand may take."""

CACHED_REPLY_BYTES_MAX = 262_144
"""A longer answer is not kept: a few of them would push out everything else."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, as it was given.

    Attributes:
        body: Its bytes.
        model: The model that gave it, as approved then.
        substituted: Whether that was another than the route's primary.
        at: When, on the clock since boot.
    """

    body: bytes
    model: Model
    substituted: bool
    at: Micros


class ReplyCache:
    """Keeps answers by route and request."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Kept] = {}
        self._bytes = 0

    def put(self, route: RouteId, canonical: bytes, kept: Kept) -> None:
        """Keep an answer in place of an earlier one to the same request; one that is too large is not kept."""
        key = _key(route, canonical)
        self._drop(key)
        if len(kept.body) > CACHED_REPLY_BYTES_MAX:
            return
        self._kept[key] = kept
        self._bytes += len(kept.body)
        while len(self._kept) > CACHE_ENTRIES_MAX or self._bytes > CACHE_BYTES_MAX:
            self._drop(next(iter(self._kept)))

    def get(self, route: RouteId, canonical: bytes) -> Kept | None:
        """The answer that was given to a request, however old; None if none is kept."""
        return self._kept.get(_key(route, canonical))

    def drop(self, route: RouteId, canonical: bytes) -> None:
        """Forget the answer to a request."""
        self._drop(_key(route, canonical))

    def _drop(self, key: bytes) -> None:
        dropped = self._kept.pop(key, None)
        self._bytes -= len(dropped.body) if dropped else 0


def _key(route: RouteId, canonical: bytes) -> bytes:
    return digest(route.key.encode() + b"\x00" + canonical)
