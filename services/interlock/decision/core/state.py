"""What the decision knows of one shard, and the only way it changes: entry by entry.

Every change of the state is an `Entry` (a key and bytes). `decide` makes entries and `apply` puts them in; starting again
applies the journalled entries in the same order. So the state of a running process and the state rebuilt from the log cannot
differ, and one hash over all entries (`digest`) shows it.
"""

from __future__ import annotations  # rpds maps take type parameters in annotations only

from dataclasses import dataclass, replace

from rpds import HashTrieMap

from interlock.policy.book import Book, Taken, take
from interlock.records.audit import Entry
from interlock.records.codec import decode
from interlock.records.commands import Command
from interlock.records.head import Head
from interlock.records.sealing import open_sealed
from interlock.records.state import RouteEntry, VerdictEntry
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import RouteId, digest, shard_of
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER, Micros


@dataclass(frozen=True, slots=True)
class State:
    """One shard, as decided so far. Persistent: `apply` gives a new state and leaves the old one.

    Attributes:
        shard: Which one, of `shards`.
        term: Offset of the claim under which is decided; -1 before the first.
        now: Time of the last step; it never goes back.
        book: The documents that are held.
        verdicts: The last verdict by its key (model, scope, objective).
        disables: The `disable` commands in force, by their id.
        routes: What was last ordered for each route.
        routes_head: Head over the current order of every route.
        digest: Head over all entries.
    """

    shard: int
    shards: int
    term: int
    now: Micros
    book: Book
    verdicts: HashTrieMap[str, VerdictEntry]
    disables: HashTrieMap[str, Verified[Command]]
    routes: HashTrieMap[RouteId, RouteEntry]
    routes_head: Head
    digest: Head

    @classmethod
    def start(cls, shard: int, shards: int, book: Book) -> State:
        """A shard of which nothing is known."""
        return cls(shard, shards, -1, NEVER, book, HashTrieMap(), HashTrieMap(), HashTrieMap(), Head(), Head())

    def owns(self, agent: str) -> bool:
        """Whether the agent's routes are decided here."""
        return shard_of(agent, self.shards) == self.shard

    def claimed(self, term: int, now: Micros) -> State:
        """The state under a new owner's claim."""
        return replace(self, term=term, now=max(self.now, now))

    def at(self, now: Micros) -> State:
        """The state at a later time; time never goes back."""
        return replace(self, now=max(self.now, now))

    def apply(self, entry: Entry) -> State:
        """Put in, or remove, one entry.

        Raises:
            InvariantError: The entry does not fit; the log was not written by this code.
        """
        kind, _, name = entry.key.partition("/")
        changed = _APPLY[kind](self, name, entry.value) if kind in _APPLY else None
        if changed is None:
            raise InvariantError(
                f"The state entry {entry.key!r} of the audit log does not fit.",
                "Run `interlock audit replay` to see where the log and this release part.",
            )
        return replace(
            changed, digest=self.digest.put(entry.key, digest(entry.value) if entry.value is not None else None)
        )


def _document(state: State, _: str, value: bytes | None) -> State | None:
    taken = take(state.book, value)
    if isinstance(taken, Taken):
        return replace(state, book=taken.book)
    return state if taken.reason is Reason.NOT_NEWER else None


def _verdict(state: State, name: str, value: bytes | None) -> State | None:
    entry = decode(value, VerdictEntry) if value else None
    return replace(state, verdicts=state.verdicts.insert(name, entry)) if isinstance(entry, VerdictEntry) else None


def _route(state: State, name: str, value: bytes | None) -> State | None:
    route = RouteId.parse(name)
    entry = decode(value, RouteEntry) if value else None
    if route is None or not isinstance(entry, RouteEntry):
        return None
    head = state.routes_head.put(route.key, entry.event_id)
    return replace(state, routes=state.routes.insert(route, entry), routes_head=head)


def _disable(state: State, name: str, value: bytes | None) -> State | None:
    if value is None:
        return replace(state, disables=state.disables.discard(name))
    command = open_sealed(value, state.book.trust, Command)
    return None if isinstance(command, Refused) else replace(state, disables=state.disables.insert(name, command))


_APPLY = {
    "root": _document,
    "policy": _document,
    "deny": _document,
    "verdict": _verdict,
    "route": _route,
    "disable": _disable,
}
