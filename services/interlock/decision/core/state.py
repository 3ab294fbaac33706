"""What the decision knows of one shard, and the only way it changes: entry by entry.

Every change of the state is an `Entry` (a key and bytes). `decide` makes entries and `apply` puts them in; starting again
applies the journalled entries in the same order. So the state of a running process and the state rebuilt from the log cannot
differ, and one hash over all entries (`digest`) shows it. What an entry concerns is put on the agenda, nothing more.
"""

from __future__ import annotations  # rpds maps take type parameters in annotations only

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rpds import HashTrieMap

from interlock.decision.core.agenda import Agenda
from interlock.policy.book import Book, Taken, take
from interlock.records.audit import Entry
from interlock.records.codec import decode
from interlock.records.commands import Command
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.head import Head
from interlock.records.models import Registration
from interlock.records.sealing import open_sealed
from interlock.records.state import AnswerEntry, ClimbsEntry, HistoryEntry, ReviewEntry, RouteEntry, VerdictEntry
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import ANY, RouteId, digest, shard_of
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
        suspensions: The `suspend` command in force for a whole agent: routes that a new policy adds begin suspended.
        routes: What was last ordered for each route.
        canaries: The route of each canary in progress, by its id.
        answers: What became of each command that has not expired, by its id.
        reviews: The open reviews, by the id of the change.
        history: By class of like incidents: how long the last of them lasted, see `expected`.
        climbs: How many routes moved up in the current window.
        routes_head: Head over the current order of every route.
        digest: Head over all entries.
        agenda: What must be looked at. It follows from the entries and decides nothing.
    """

    shard: int
    shards: int
    term: int
    now: Micros
    book: Book
    verdicts: HashTrieMap[str, VerdictEntry]
    disables: HashTrieMap[str, Verified[Command]]
    suspensions: HashTrieMap[str, Verified[Command]]
    routes: HashTrieMap[RouteId, RouteEntry]
    canaries: HashTrieMap[str, RouteId]
    answers: HashTrieMap[str, AnswerEntry]
    reviews: HashTrieMap[str, ReviewEntry]
    history: HashTrieMap[str, HistoryEntry]
    climbs: ClimbsEntry
    routes_head: Head
    digest: Head
    agenda: Agenda

    @classmethod
    def start(cls, shard: int, shards: int, book: Book) -> State:
        """A shard of which nothing is known."""
        return cls(
            shard=shard,
            shards=shards,
            term=-1,
            now=NEVER,
            book=book,
            verdicts=HashTrieMap(),
            disables=HashTrieMap(),
            suspensions=HashTrieMap(),
            routes=HashTrieMap(),
            canaries=HashTrieMap(),
            answers=HashTrieMap(),
            reviews=HashTrieMap(),
            history=HashTrieMap(),
            climbs=ClimbsEntry(NEVER, 0),
            routes_head=Head(),
            digest=Head(),
            agenda=Agenda.empty(),
        )

    def owns(self, agent: str) -> bool:
        """Whether the agent's routes are decided here."""
        return shard_of(agent, self.shards) == self.shard

    def claimed(self, term: int, now: Micros) -> State:
        """The state under a new owner's claim."""
        return replace(self, term=term, now=max(self.now, now))

    def at(self, now: Micros) -> State:
        """The state at a later time; time never goes back."""
        return replace(self, now=max(self.now, now))

    def using(self, subject: str) -> list[RouteId]:
        """The shard's own routes with a model, or a guard as verdicts name it."""
        return [route for route in self.book.users_of(subject) if self.owns(route.agent)]

    def wake(self, routes: Iterable[RouteId]) -> State:
        """The state in which some routes will be looked at again."""
        return replace(self, agenda=self.agenda.wake(routes))

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
    if isinstance(taken, Refused):
        return state if taken.reason is Reason.NOT_NEWER else None
    return with_book(state, taken)


def with_book(state: State, taken: Taken) -> State:
    """The state with a document taken, and what it concerns awake."""
    said, state = taken.value, replace(state, book=taken.book)
    if isinstance(said, RoutePolicy):
        return state.wake(said.route_ids()) if state.owns(said.agent) else state
    if isinstance(said, Denial):
        return state.wake(state.using(said.model))
    if isinstance(said, Registration):
        return state.wake(state.using(said.model.name))
    return state.wake(state.routes)


def _verdict(state: State, name: str, value: bytes | None) -> State | None:
    entry = decode(value, VerdictEntry) if value else None
    if not isinstance(entry, VerdictEntry):
        return None
    return replace(state, verdicts=state.verdicts.insert(name, entry)).wake(state.using(name.partition("/")[0]))


def _route(state: State, name: str, value: bytes | None) -> State | None:
    route = RouteId.parse(name)
    entry = decode(value, RouteEntry) if value else None
    if route is None or not isinstance(entry, RouteEntry):
        return None
    before = state.routes.get(route)
    canaries = state.canaries
    if before is not None and before.canary is not None:
        canaries = canaries.discard(before.canary.id)
    if entry.canary is not None:
        canaries = canaries.insert(entry.canary.id, route)
    head = state.routes_head.put(route.key, entry.event_id)
    return replace(state, routes=state.routes.insert(route, entry), canaries=canaries, routes_head=head).wake([route])


def _disable(state: State, name: str, value: bytes | None) -> State | None:
    command = state.disables.get(name) if value is None else open_sealed(value, state.book.trust, Command)
    if command is None:  # removed already: see `projection`
        return state
    if isinstance(command, Refused):
        return None
    said = command.value
    disables = state.disables.discard(name) if value is None else state.disables.insert(name, command)
    state = _timed(replace(state, disables=disables), f"disable/{name}", None if value is None else said.expires_at)
    return state.wake(route for route in state.using(said.model) if said.agent in {route.agent, ANY})


def _suspend(state: State, name: str, value: bytes | None) -> State | None:
    if value is None:
        return replace(state, suspensions=state.suspensions.discard(name))
    command = open_sealed(value, state.book.trust, Command)
    return None if isinstance(command, Refused) else replace(state, suspensions=state.suspensions.insert(name, command))


def _answer(state: State, name: str, value: bytes | None) -> State | None:
    if value is None:
        return _timed(replace(state, answers=state.answers.discard(name)), f"answer/{name}", None)
    entry = decode(value, AnswerEntry)
    if not isinstance(entry, AnswerEntry):
        return None
    return _timed(replace(state, answers=state.answers.insert(name, entry)), f"answer/{name}", entry.until)


def _review(state: State, name: str, value: bytes | None) -> State | None:
    if value is None:
        return _timed(replace(state, reviews=state.reviews.discard(name)), f"review/{name}", None)
    entry = decode(value, ReviewEntry)
    if not isinstance(entry, ReviewEntry):
        return None
    due = None if entry.overdue else entry.due
    return _timed(replace(state, reviews=state.reviews.insert(name, entry)), f"review/{name}", due)


def _history(state: State, name: str, value: bytes | None) -> State | None:
    if value is None:
        return replace(state, history=state.history.discard(name))
    entry = decode(value, HistoryEntry)
    return replace(state, history=state.history.insert(name, entry)) if isinstance(entry, HistoryEntry) else None


def _climbs(state: State, _: str, value: bytes | None) -> State | None:
    entry = decode(value, ClimbsEntry) if value else None
    return replace(state, climbs=entry) if isinstance(entry, ClimbsEntry) else None


def _timed(state: State, key: str, at: Micros | None) -> State:
    return replace(state, agenda=state.agenda.arm(key, at))


_APPLY: dict[str, Callable[[State, str, bytes | None], State | None]] = {
    "root": _document,
    "model": _document,
    "policy": _document,
    "deny": _document,
    "verdict": _verdict,
    "route": _route,
    "disable": _disable,
    "suspend": _suspend,
    "answer": _answer,
    "review": _review,
    "history": _history,
    "climbs": _climbs,
}
