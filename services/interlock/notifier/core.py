"""When to tell, and what became of it. Pure: the time is the age of the change, counted from its `issued_at`.

Each change is told on every channel (webhook) that the agent's policy names, and each channel has a `Progress` of its own.
The schedule has numbered slots; an attempt uses one up. Rules:

1. An attempt is due at the next slot that was not used. A slot that passed meanwhile (a slow receiver, a restart) is passed
   over: the attempt is due at once, uses the latest slot that has come, and so the attempts never bunch.
2. Who was never told is told at once, however late it is: late news is better than none.
3. Any other attempt begins early enough to end before `DEADLINE_S`, and leaves the last slot its time.
4. `Retry-After` moves an attempt to the first slot after it, if there is one, and is ignored otherwise.
5. A channel is at its end when it accepted, or when the last slot failed or can no longer be used: `exhausted`.

A slot's number is the number of its attempt on record, so whoever has read the notices knows where a channel stands: a restart
goes on there. (Only a `Retry-After` is forgotten: the attempts then come sooner than asked.)

Not handled here: further channels that join by time, and the breach that the deadline watch records.
"""

from dataclasses import dataclass, replace

from interlock.records.telling import Notice, NoticeKind
from interlock.vocabulary.time import NEVER, SECOND, Micros

SCHEDULE_S = (0, 2, 5, 10, 20, 40, *range(60, 281, 10), 289)
"""Ages at which slots come, in seconds: dense at first, since most failures are short; never further apart than 20 s."""

ATTEMPT_S_MAX = 10
"""How long one attempt may take: longer would eat the time of the next."""

DEADLINE_S = 300
"""The promise: accepted within five minutes."""

SLOTS = len(SCHEDULE_S)
"""The number of the last slot; the first is 1."""

_LAST_START = Micros((DEADLINE_S - ATTEMPT_S_MAX) * SECOND)
"""One second after the last slot: room for a machine that is busy."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one channel stands with one change.

    Attributes:
        slot: The last slot that was used up; 0: none yet.
        end: How it ended; None while it goes on.
        not_before: The age before which the receiver asked us not to come again.
    """

    slot: int = 0
    end: NoticeKind | None = None
    not_before: Micros = NEVER


def slot_at(age: Micros) -> int:
    """The latest slot that has come at that age: 1 to `SLOTS`."""
    return max(1, sum(1 for begins in SCHEDULE_S if begins * SECOND <= age))


def next_attempt(progress: Progress, age: Micros) -> Micros | None:
    """When the next attempt is due.

    Args:
        progress: Where the channel stands.
        age: How old the change is now.

    Returns:
        The age of the change at which it is due, not above `age` if that is now; None if there will be none: the channel is
        at its end, or time ran out between two attempts (a restart after a long pause).
    """
    if progress.end is not None:
        return None
    if progress.slot == 0:
        return NEVER
    if progress.slot >= SLOTS or age > _LAST_START:
        return None
    later = (Micros(begins * SECOND) for begins in SCHEDULE_S[progress.slot :])
    return next(begins for begins in later if begins >= progress.not_before)


def attempt_limit(age: Micros) -> Micros:
    """How long an attempt that begins at that age may take: it leaves the last slot its time."""
    last = Micros(SCHEDULE_S[-1] * SECOND)
    longest = Micros(ATTEMPT_S_MAX * SECOND)
    return longest if age >= last else Micros(min(longest, last - age))


def kind_of(slot: int, *, accepted: bool) -> NoticeKind:
    """How an attempt in that slot is recorded."""
    if accepted:
        return NoticeKind.ACCEPTED
    return NoticeKind.EXHAUSTED if slot >= SLOTS else NoticeKind.FAILED


def apply(progress: Progress, notice: Notice) -> Progress:
    """Take one outcome, fresh or read back from the topic, in any order and any number of times."""
    ended = notice.kind if notice.kind in (NoticeKind.ACCEPTED, NoticeKind.EXHAUSTED) else None
    return both(progress, Progress(min(notice.attempt, SLOTS), ended))


def both(progress: Progress, more: Progress) -> Progress:
    """Where a channel stands by what two say of it."""
    # Two notifiers may have overlapped: that it was accepted is the truth that matters, whoever gave up.
    accepted = NoticeKind.ACCEPTED in (progress.end, more.end)
    end = NoticeKind.ACCEPTED if accepted else progress.end or more.end
    return replace(progress, slot=max(progress.slot, more.slot), end=end)


def asked_to_wait(progress: Progress, until: Micros) -> Progress:
    """Honour a `Retry-After` that ends at age `until`, if a slot comes after it."""
    return progress if until > SCHEDULE_S[-1] * SECOND else replace(progress, not_before=until)
