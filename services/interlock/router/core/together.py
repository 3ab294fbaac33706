"""`together`: what the first of several records come to at once, as far as each of them simply counts.

A router that begins reads a hundred thousand records, and one that follows a failed model thousands: if the marks of each were written by
themselves, it would wait for the disk more than for anything else. So they are judged one after the other, each on what the one before it
came to; their marks are written together, and only then is anything used. What comes to more than that (a finding, a refusal that is told, a
heartbeat) ends the run and is left to the shell.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from interlock.policy.book import take
from interlock.router.core.accept import Acceptance, Answer, accept, retry
from interlock.router.core.state import RouterState, agents_concerned, hold_document
from interlock.signing.verifier import Refused
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Reading


@dataclass(frozen=True, slots=True)
class Said:
    """A record of the policies topic, or of a shard's routes.

    Attributes:
        sealed: Its value; None is a tombstone.
        shard: The shard whose routes it stands on; None: it is a document.
    """

    sealed: bytes | None
    shard: int | None


@dataclass(frozen=True, slots=True)
class Together:
    """What a run of records came to.

    Attributes:
        state: The state after it; its unsaved marks must be on disk before the state is used.
        taken: How many of the records it is made of.
        answers: What became of the changes, in their order, each with the place of the record that brought it.
    """

    state: RouterState
    taken: int
    answers: tuple[tuple[int, Acceptance], ...]


def together(state: RouterState, records: Iterable[Said], now: Reading, *, told_before: bool) -> Together:
    """Take records up to the first that does not simply count.

    Args:
        state: What the router holds.
        records: In their order.
        now: Both clocks.
        told_before: Whether they are old: then nothing is to be said of a change that is held already.
    """
    counting = frozenset({Answer.ACCEPTED, Answer.KNOWN} if told_before else {Answer.ACCEPTED})
    taken, answers = 0, list[tuple[int, Acceptance]]()
    for said in records:
        if said.shard is None:
            after = _document(state, said, now)
        else:
            after = _change(state, said.sealed, said.shard, now, counting)
        if after is None:
            break
        state, counts = after
        answers += ((taken, answer) for answer in counts)
        taken += 1
    return Together(state, taken, tuple(answers))


def _document(state: RouterState, said: Said, now: Reading) -> tuple[RouterState, list[Acceptance]] | None:
    """A document, and the changes that waited for it; one that is held already changes nothing."""
    taken = take(state.book, said.sealed)
    if isinstance(taken, Refused):
        return (state, []) if taken.reason is Reason.NOT_NEWER else None
    accepted: list[Acceptance] = []
    state = hold_document(state, taken, now)
    for agent in agents_concerned(taken):
        for answer in retry(state, agent, now):
            accepted.append(answer)
            state = answer.state
    return state, accepted


def _change(
    state: RouterState, sealed: bytes | None, shard: int, now: Reading, counting: frozenset[Answer]
) -> tuple[RouterState, list[Acceptance]] | None:
    answer = accept(state, sealed, shard, now)
    return (answer.state, [answer]) if answer.answer in counting else None
