"""The second projection of the log: the current entries of the state, on a compacted topic (DESIGN 5, rule 10).

It spares a new owner the whole log, and is believed only as far as the log bears it out. Rules:

1. For each key the last record on the topic is what counts, as compaction would have it; each must be signed by decision. A
   tombstone says that there is no such entry; it needs no signature, because rule 4 finds out.
2. The mark, `shard/<n>`, names the step up to which everything is there. It must be the step that stands at its offset in the log.
3. The entries up to the mark are applied in the order in which they were made: a document means what it meant under the trust
   root of its time. Entries of later steps are passed over, because the log has them.
4. With the later steps of the log laid over, the digest of the state must be the one that the last step journalled. So nothing
   that was withheld, forged, overwritten or removed goes unnoticed.

Where any of them is broken the whole log is read instead: the same state, only later. Not handled here: reading and writing the
topic (`decision.restart`, `decision.projector`).

    projected = yield from project(values, State.start(shard, shards, book))
    journal = journal_at(projected, step_at_the_mark)
"""

from collections.abc import Generator, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from interlock.decision.core.journal import Journal, Reached, reached
from interlock.decision.core.state import State
from interlock.policy.book import Book, Taken, take
from interlock.records.audit import AuditKind, AuditRecord, Entry
from interlock.records.codec import decode
from interlock.records.log import ShardLog
from interlock.records.sealing import decode_envelope, open_sealed
from interlock.records.state import StateMark, StateRecord
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.limits import POLICY_BYTES_MAX
from interlock.vocabulary.reasons import Reason

T = TypeVar("T", bound=Statement)

TURN = 100
"""Records taken before others get their turn: some twenty milliseconds."""


@dataclass(frozen=True, slots=True)
class Projected:
    """What stands on the state topic: the mark, and the state that the entries up to it make."""

    mark: StateMark
    state: State


@dataclass(frozen=True, slots=True)
class Doubt(Refused):
    """Why the state topic is not believed.

    Attributes:
        key: Under which key the record stands that is to blame, there or on the routes topic; empty: the mark, which vouches for
            all of them.
    """

    key: str = ""


def mark_key(shard: int) -> str:
    """Under which key the mark of a shard stands."""
    return f"shard/{shard}"


def key_of(raw: bytes | None) -> str | None:
    """The key of a record as text; None where decision never wrote one like it, so that nothing it holds is ours.

    What a document is named by is in it, and so shorter than a document may be.
    """
    if not raw or len(raw) > POLICY_BYTES_MAX:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def project(values: Mapping[str, bytes], start: State) -> Generator[None, None, Projected | Doubt]:
    """Rules 1 and 3: the state that the topic holds, not yet compared with the log; yields often, so that others may work.

    Args:
        values: The last record of each key, without tombstones.
        start: The shard, of which nothing is known but the installed trust root.
    """
    roots = _roots(values, start.book)
    mark = _open(values.get(mark_key(start.shard)), roots, StateMark)
    if isinstance(mark, Refused):
        return doubt(f"the mark is refused: {mark.reason}")
    records: list[StateRecord] = []
    for number, key in enumerate(values.keys() - {mark_key(start.shard)}):
        if number % TURN == 0:
            yield
        record = _open(values[key], roots, StateRecord)
        if isinstance(record, Refused):
            return doubt(f"a record is refused: {record.reason}", key)
        if (record.key, record.shard) != (key, start.shard):
            return doubt("a record stands under another key or shard than it says", key)
        records.append(record)
    return (yield from _applied(mark, records, start))


def _applied(mark: StateMark, records: list[StateRecord], state: State) -> Generator[None, None, Projected | Doubt]:
    try:
        for number, record in enumerate(sorted(records, key=lambda record: (record.offset, record.index))):
            if number % TURN == 0:
                yield
            if record.offset <= mark.offset:
                state = state.apply(Entry(record.key, record.value))
    except InvariantError as error:  # what entries from the log never do
        return doubt(error.message)
    return Projected(mark, state.claimed(mark.term, mark.now))


def journal_at(projected: Projected, step: bytes | None) -> Journal | Doubt:
    """Rule 2: the log as read up to the mark, so that its later records can be laid over.

    Args:
        projected: What the state topic holds.
        step: What stands in the log at the mark's offset.
    """
    mark, state = projected.mark, projected.state
    opened = open_sealed(step, state.book.trust, AuditRecord)
    if isinstance(opened, Refused):
        return doubt(f"the log's record at the mark is refused: {opened.reason}")
    there = opened.value
    marked = Reached(mark.offset, mark.term, mark.sequence, mark.now, mark.digest)
    ours = (there.kind, there.shard, mark.shard) == (AuditKind.STEP, state.shard, state.shard)
    if not ours or reached(mark.offset, there) != marked:
        return doubt("the log has another step at the mark")
    return Journal(
        state,
        ShardLog(mark.shard, mark.sequence, mark.term, mark.sequence),
        positions={(read.topic, read.partition): read.offset for read in mark.positions},
        last=marked,
    )


def agrees(journal: Journal) -> bool:
    """Rule 4: whether the state is the one that the last step left."""
    return journal.last is not None and journal.state.digest.root == journal.last.digest


def doubt(detail: str, key: str = "") -> Doubt:
    """Why the state topic is not believed, and whose word of it, by its key."""
    return Doubt(Reason.STATE_DISAGREES, detail, key)


def _roots(values: Mapping[str, bytes], book: Book) -> list[TrustRoot]:
    """Every trust root from the installed one on, the newest first.

    A root vouches for itself, so it is looked for before anybody can say who signed the record in which it stands.
    """
    roots = [book.trust]
    while (taken := _root_in(values.get(f"root/{book.trust.version + 1}"), book)) is not None:
        book = taken
        roots.insert(0, book.trust)
    return roots


def _root_in(sealed: bytes | None, book: Book) -> Book | None:
    """The book with the trust root that a record holds; None if it holds none that follows."""
    envelope = decode_envelope(sealed)
    record = envelope if isinstance(envelope, Reason) else decode(envelope.payload, StateRecord)
    taken = record if isinstance(record, Reason) else take(book, record.value)
    return taken.book if isinstance(taken, Taken) and isinstance(taken.value, TrustRoot) else None


def _open(sealed: bytes | None, roots: Sequence[TrustRoot], kind: type[T]) -> T | Refused:
    """Read a record under the newest trust root that knows who signed it: it may be older than the root that counts now."""
    refused = Refused(Reason.EMPTY)
    for trust in roots:
        opened = open_sealed(sealed, trust, kind)
        if not isinstance(opened, Refused):
            return opened.value
        refused = opened
    return refused


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry, and where it was made: the offset of its audit record, and its place among that record's entries."""

    entry: Entry
    offset: int
    index: int


class Unwritten:
    """The entries that the log holds and the state topic does not yet: of each key the last one."""

    def __init__(self) -> None:
        self._placed: dict[str, Placed] = {}

    def __len__(self) -> int:
        return len(self._placed)

    def note(self, offset: int, entries: Iterable[Entry]) -> None:
        """Note the entries of one step."""
        for index, entry in enumerate(entries):
            self._placed[entry.key] = Placed(entry, offset, index)

    def reckon_with(self, present: Set[str]) -> None:
        """After the whole log was noted: of what the topic has under other keys, nothing may stay."""
        gone = [key for key, placed in self._placed.items() if placed.entry.value is None and key not in present]
        for key in gone:
            del self._placed[key]
        for key in present - self._placed.keys():
            self._placed[key] = Placed(Entry(key, None), -1, -1)

    def take(self, count: int) -> list[Placed]:
        """Take the next ones out, at most so many."""
        return [self._placed.pop(key) for key in list(islice(self._placed, count))]
