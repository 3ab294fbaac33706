"""The write-ahead log: what the decision service journals before anybody may act on it."""

from dataclasses import dataclass
from enum import StrEnum

from interlock.signing.statement import Statement
from interlock.vocabulary.time import NEVER, Micros


class AuditKind(StrEnum):
    """What an audit record is."""

    OTHER = "other"
    CLAIM = "claim"
    STEP = "step"


class InputKind(StrEnum):
    """Where an input came from."""

    OTHER = "other"
    RECORD = "record"
    LAPSE = "lapse"
    TICK = "tick"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a step, as it was read.

    Attributes:
        kind: A record of a topic, a verdict that lapsed, or the passing of time.
        topic: For a record: where it stands; `value` holds its sealed bytes.
        subject: For a lapse: the key of the verdict, with `at` its valid_until. For a tick: empty, with `at` the time.
    """

    kind: InputKind
    topic: str = ""
    partition: int = -1
    offset: int = -1
    value: bytes = b""
    subject: str = ""
    at: Micros = NEVER


@dataclass(frozen=True, slots=True)
class Entry:
    """One changed entry of the state; a value of None removes it."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class AuditRecord(Statement):
    """One record of the log: a claim of the shard, or one step of the decision."""

    shard: int
    kind: AuditKind
    owner: str
    term: int
    sequence: int
    now: Micros
    inputs: tuple[Input, ...]
    changes: tuple[bytes, ...]
    entries: tuple[Entry, ...]
    state_digest: bytes

    def said_by(self) -> str:
        """The owner of the shard speaks for itself only."""
        return self.owner
