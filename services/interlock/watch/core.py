"""Which changes still owe a receipt, until when, and what is to be done about each now. Pure: the time is an argument.

A change and what is said of it come on two topics, in any order and again after every restart. The rules:

1. A change owes a receipt from the moment it is read until `judge` says what became of it. Of four answers, one is given:
   a breach of it is on record: it is `BREACHED`, whatever receipts say, for a breach is not taken back;
   it was accepted in time, as the notifier says or as we saw it ourselves: it is `TOLD`;
   its time is over: it is `OVERDUE`, and the breach is to be recorded now;
   otherwise it is still `OWED`.
2. Time is over `deadline` after `issued_at`. What that means here is settled once, when the change is read, and on the clock
   that never goes back; civil time is believed within what we know ourselves: the change is no younger than now, and no older
   than the last end of the log that we read without it (less `UNDER_WAY_MAX`). So no wrong clock puts a breach off, and a
   watch whose clock runs ahead accuses nobody early.
3. Judged is as of the moment at which the notices were last known in full. A receipt that is on its way to us then was not
   there in time; one that we merely have not read yet is never held against anybody.
4. What is said of a change may be read before the change. It is kept until the log has been read to its end *afterwards*
   (`forget`): a notice exists because of a change in the log, so whatever is then not owed never will be.
5. A word counts if its signer was trusted when the change was made, or later: what was said by then still stands when its key is taken out
   of the trust root, and of changes under a newer root that key says nothing.

So the memory holds the changes of one deadline, and what was said since the log was last read to its end.

Not handled here: which changes count (`runtime.audit_trail`), who may say what (the verifier), and doing it (`service`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from interlock.records.change import RoutingChange, Trigger
from interlock.records.telling import Breach, Notice, NoticeKind
from interlock.signing.verifier import Verified
from interlock.vocabulary.time import Micros, Reading, seconds

UNDER_WAY_MAX = seconds(30)
"""How long a change may be on its way into the log: what an election of brokers takes, and more than that."""

LAST_CHARS_MAX = 200
"""What is kept of a failed attempt's detail."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A change that owes a receipt: what must be known of it to say that there was none.

    Attributes:
        event_id: Its identity, 32 bytes, and `id` its name.
        root_version: The trust root under which it was made.
        safe_state: Where it put the route; None: on the model `target`.
        unnotified: Whether it is itself the suspension that a breach brought about.
        deadline: How long after `issued_at` its receipt is waited for.
        due: Its last moment, on the clock that never goes back.
    """

    event_id: bytes
    id: str
    root_version: int
    deployment: str
    agent: str
    route: str
    source: str | None
    target: str | None
    safe_state: str | None
    unnotified: bool
    issued_at: Micros
    deadline: Micros
    due: Micros


@dataclass(frozen=True, slots=True)
class Said:
    """What the notices topic says of one change.

    Attributes:
        accepted_at: When it was first accepted, as the notifier says; None: no receipt.
        failures: Attempts that failed, and `last` what the last one came to.
        breach: The breach that is on record.
    """

    accepted_at: Micros | None = None
    failures: int = 0
    last: str = ""
    breach: Breach | None = None

    @property
    def known(self) -> str:
        """What is known of the attempts, in words."""
        late = "it was accepted too late" if self.accepted_at is not None else ""
        failed = f"failed attempts: {self.failures}, the last on {self.last}" if self.failures else ""
        return "; ".join(filter(None, (late, failed))) or "no attempt to tell of it is on record"


class Standing(StrEnum):
    """What became of a change."""

    OWED = "owed"
    TOLD = "told"
    OVERDUE = "overdue"
    BREACHED = "breached"


def in_short(word: Notice | Breach) -> Said:
    """What one word says."""
    if isinstance(word, Breach):
        return Said(breach=word)
    if word.kind is NoticeKind.ACCEPTED:
        return Said(accepted_at=word.at)
    return Said(failures=1, last=_one_line(f"{word.channel}: {word.detail}"[:LAST_CHARS_MAX]))


def _one_line(text: str) -> str:
    """The text without characters that show nothing, or change what is shown: who words a detail cannot rearrange what people read."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def together(said: Said, more: Said) -> Said:
    """What both say."""
    accepted = [at for at in (said.accepted_at, more.accepted_at) if at is not None]
    return Said(
        accepted_at=min(accepted, default=None),
        failures=said.failures + more.failures,
        last=more.last or said.last,
        breach=said.breach or more.breach,
    )


def judge(owed: Owed, said: Said, as_of: Reading) -> Standing:
    """What became of a change, by rule 1."""
    over = as_of.boot > owed.due
    if said.breach is not None:
        return Standing.BREACHED
    if said.accepted_at is not None and (said.accepted_at <= owed.issued_at + owed.deadline or not over):
        return Standing.TOLD
    return Standing.OVERDUE if over else Standing.OWED


class Watchlist:
    """The changes that owe a receipt, and what was said.

    Args:
        deadline: How long after a change its receipt is waited for.
    """

    def __init__(self, deadline: Micros) -> None:
        self._deadline = deadline
        self._owed: dict[bytes, Owed] = {}
        self._said: dict[bytes, dict[int, Said]] = {}
        self._read_at: Micros | None = None

    def __len__(self) -> int:
        """How many changes owe a receipt."""
        return len(self._owed)

    @property
    def words(self) -> int:
        """Of how many changes something is remembered."""
        return len(self._said)

    def take(self, change: Verified[RoutingChange], now: Reading) -> None:
        """A change was read; taking it again changes nothing."""
        if change.event_id not in self._owed:
            self._owed[change.event_id] = self._owes(change, now)

    def hear(self, word: Notice | Breach, root_version: int) -> None:
        """Something was said of a change, whether it is known yet or not.

        Args:
            word: What was said.
            root_version: The last trust root under which its signer may say that.
        """
        by_root = self._said.setdefault(word.event_id, {})
        by_root[root_version] = together(by_root.get(root_version, Said()), in_short(word))

    def said(self, owed: Owed) -> Said:
        """What was said of a change so far, and counts: rule 5."""
        by_root = sorted(self._said.get(owed.event_id, {}).items())
        return reduce(together, (said for version, said in by_root if version >= owed.root_version), Said())

    def judged(self, as_of: Reading) -> Iterator[tuple[Owed, Standing]]:
        """What became of each change, those excepted that still have time.

        Args:
            as_of: A moment after which the notices were read to their end.
        """
        for owed in list(self._owed.values()):
            standing = judge(owed, self.said(owed), as_of)
            if standing is not Standing.OWED:
                yield owed, standing

    def settle(self, event_id: bytes) -> None:
        """What became of a change is on record: it owes nothing more."""
        self._owed.pop(event_id, None)

    def forget(self, as_of: Reading) -> None:
        """Forget what was said of changes that owe nothing: rule 4.

        Args:
            as_of: A moment after which first the notices and then the log were read to their ends.
        """
        self._said = {event_id: said for event_id, said in self._said.items() if event_id in self._owed}
        self._read_at = as_of.boot

    def _owes(self, change: Verified[RoutingChange], now: Reading) -> Owed:
        said = change.value
        return Owed(
            event_id=change.event_id,
            id=said.id,
            root_version=said.root_version,
            deployment=said.deployment,
            agent=said.agent,
            route=said.route.key,
            source=said.source,
            target=said.target,
            safe_state=said.safe_state,
            unnotified=said.cause.trigger is Trigger.UNNOTIFIED,
            issued_at=said.issued_at,
            deadline=self._deadline,
            due=Micros(now.boot + self._deadline - self._age(said.issued_at, now)),
        )

    def _age(self, issued_at: Micros, now: Reading) -> Micros:
        """How old a change is that was just read: rule 2."""
        age = max(0, now.wall - issued_at)
        if self._read_at is not None:
            age = min(age, now.boot - self._read_at + UNDER_WAY_MAX)
        return Micros(age)
