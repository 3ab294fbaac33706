"""Single records at a router beside the bare verification of their signature, in turns; processor time is counted, as in `one`.

The router holds the policies and a change of every route. What is measured is `accept` of the next change of each, and `renew` with a
heartbeat. Beside it stands Ed25519 over the same bytes with the `cryptography` package, the key read beforehand.
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from interlock.policy.book import take
from interlock.records.change import RoutingChange
from interlock.records.sealing import decode_envelope, open_sealed
from interlock.router.core.accept import Answer, accept
from interlock.router.core.marks import Marks
from interlock.router.core.renew import renew
from interlock.router.core.state import RouterState, hold_document
from interlock.signing.envelope import Envelope, pae
from interlock.signing.verifier import Refused, Verified
from interlock.testing.router_driver import TERMS
from interlock.trials.bench.router.fleet import Fleet, heartbeat
from interlock.vocabulary.errors import InvariantError
from interlock.vocabulary.identifiers import shard_of
from interlock.vocabulary.time import SECOND, Micros, Reading
from interlock.wire.topics import SHARDS

KEY = "decision-1"


@dataclass(frozen=True, slots=True)
class Beside:
    """Medians, microseconds of processor time: the work, and the bare verification of the same record's signature."""

    work_us: float
    verify_us: float

    @property
    def per_s(self) -> float:
        """How many a second, one after the other."""
        return 1_000_000 / self.work_us

    @property
    def verifications(self) -> float:
        """How many bare verifications one of them costs."""
        return self.work_us / self.verify_us


def measure(rounds: int, made_at: Micros) -> tuple[Beside, Beside]:
    """Measure so many changes and as many heartbeats."""
    fleet = Fleet(rounds, made_at)
    state = _holding(fleet)
    now = Reading(made_at, Micros(1_000 * SECOND))
    newer = [_newer(fleet, state, sealed) for _, _, sealed in list(fleet.each())]
    gc.collect()
    gc.disable()
    try:
        state, changes = _accepted(fleet, state, newer, now)
        return changes, _renewed(fleet, state, rounds, now)
    finally:
        gc.enable()


def _accepted(fleet: Fleet, state: RouterState, sealed: Sequence[bytes], now: Reading) -> tuple[RouterState, Beside]:
    shards = [shard_of(f"a{number}", SHARDS) for number in range(len(sealed))]
    times = []
    for shard, each in zip(shards, sealed, strict=True):
        begun = time.thread_time_ns()
        answer = accept(state, each, shard, now)
        took = time.thread_time_ns() - begun
        if answer.answer is not Answer.ACCEPTED:
            raise InvariantError(f"A change of the bench was not accepted: {answer.refused}.", "Report it as a bug.")
        state = replace(answer.state, marks=answer.state.marks.saved())
        times.append((took, _verified(fleet, each)))
    return state, _beside(times)


def _renewed(fleet: Fleet, state: RouterState, rounds: int, now: Reading) -> Beside:
    times = []
    for beat in range(1, rounds + 1):
        shard = beat % SHARDS
        heads = state.book.head.root, state.head(shard).root
        each = heartbeat(fleet.deployment, shard, beat, now.wall, heads)
        begun = time.thread_time_ns()
        renewal = renew(state, each, shard, now, TERMS)
        took = time.thread_time_ns() - begun
        if renewal.refused is not None:
            raise InvariantError(f"A heartbeat of the bench was refused: {renewal.refused}.", "Report it as a bug.")
        state = renewal.state
        times.append((took, _verified(fleet, each)))
    return _beside(times)


def _beside(times: Sequence[tuple[int, int]]) -> Beside:
    return Beside(median(work for work, _ in times) / 1_000, median(bare for _, bare in times) / 1_000)


def _verified(fleet: Fleet, sealed: bytes) -> int:
    """How long the bare verification takes, nanoseconds."""
    envelope = decode_envelope(sealed)
    assert isinstance(envelope, Envelope)
    message, signature = pae(envelope.payload_type, envelope.payload), envelope.signatures[0].sig
    verify: Callable[[bytes, bytes], None] = Ed25519PublicKey.from_public_bytes(fleet.deployment.key(KEY).public).verify
    begun = time.thread_time_ns()
    verify(signature, message)
    return time.thread_time_ns() - begun


def _holding(fleet: Fleet) -> RouterState:
    """A router that holds everything of a fleet."""
    now = Reading(fleet.made_at, Micros(SECOND))
    state = RouterState.start(SHARDS, fleet.deployment.book(), Marks())
    for policy, shard, change in fleet.each():
        taken = take(state.book, policy)
        assert not isinstance(taken, Refused), "the bench's own policies count"
        state = hold_document(state, taken, now)
        state = replace(accept(state, change, shard, now).state, marks=Marks())
    return state


def _newer(fleet: Fleet, state: RouterState, sealed: bytes) -> bytes:
    """The same order as the next change of its route."""
    opened = open_sealed(sealed, state.book.trust, RoutingChange)
    assert isinstance(opened, Verified), "the bench's own changes hold"
    change = opened.value
    return fleet.deployment.seal(replace(change, id=f"{change.id}+", version=change.version + 1), KEY)
