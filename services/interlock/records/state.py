"""What the decision keeps of a shard, entry by entry, and how entries travel on the state topic.

Keys: `route/<route>` RouteEntry, `verdict/<model>/<scope>/<objective>` VerdictEntry, `answer/<command>` AnswerEntry,
`review/<change>` ReviewEntry, `climbs` ClimbsEntry; HistoryEntry under `history/<trigger>`, `history/<trigger>/<model>` and
`history/<trigger>/@<provider>`, where the provider is told by the SHA-256 of its name, in hex, because it is free text, and no model's
name begins with `@`; `root/…`, `policy/…`, `deny/…`, `model/…` `disable/…` and `suspend/<agent>` hold sealed records as they were read.
"""

from dataclasses import dataclass
from enum import StrEnum

from interlock.records.bounds import require
from interlock.records.change import Cause, Trigger
from interlock.records.health import Level
from interlock.signing.statement import Statement
from interlock.vocabulary.limits import CANARY_STEPS_MAX, FLAPS_MAX, ROUTE_VERSION_MAX
from interlock.vocabulary.time import NEVER, Micros


class HoldKind(StrEnum):
    """Why a route stays in its safe state whatever its models do: it was ordered there, or it waits for an approval."""

    OTHER = "other"
    ORDERED = "ordered"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps a route in its safe state.

    Attributes:
        cause: Why.
        proposal: approval: the id that `approve` and `reject` name; empty otherwise.
        model: approval: the model that is proposed; empty otherwise.
        until: approval: when the proposal times out; 0 otherwise, only a `resume` ends it.
        told: Whether an order bears it: what nobody was told of is ordered anew, though the route stays where it is.
    """

    kind: HoldKind
    cause: Cause
    proposal: str = ""
    model: str = ""
    until: Micros = NEVER
    told: bool = True


@dataclass(frozen=True, slots=True)
class Canary:
    """A canary in progress: `step` is its place in the plan, `level` what the health-monitor says of that step."""

    id: str
    model: str
    step: int
    since: Micros
    level: Level
    detail: str
    evidence: bytes

    def __post_init__(self) -> None:
        """Refuse a step that no plan has."""
        require(0 <= self.step < CANARY_STEPS_MAX, "a canary's step is out of bounds")


@dataclass(frozen=True, slots=True)
class Incident:
    """Why a route is not where its policy would have it, and since when; `approval`: any other model must be approved meanwhile.

    Attributes:
        model: The model that the cause is about; empty: it is about none.
        provider: Who serves that model; empty: not known.
    """

    since: Micros
    trigger: Trigger
    detail: str
    approval: bool = False
    model: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class KeptAway:
    """A model that may not be entered for a while: its canary failed, or nobody approved it in time."""

    model: str
    until: Micros


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """State of the decision: one route.

    Attributes:
        version: Of its last change.
        target: The model that serves it; None in every safe state but `read_only`.
        safe_state: The safe state it is in; None while it is served.
        entered_at: Since when it is there.
        trigger: Why it went there.
        event_id: Of its last change.
        hold: What keeps it in the safe state; None: nothing.
        canary: The canary in progress; `target` is then its source.
        approved: Models that were approved until the route is back at its primary.
        rejected: Models that a person took away, until a `resume` or a new policy.
        kept_away: Models that may not be entered for a while.
        frozen_until: Until then no move but into the safe state.
        flaps: How often a rung was left again soon after it was climbed to: each doubles the stable period.
        placed: Whether a model has served the route before.
        climbed: Whether the route came to where it is by moving up.
        nacked: Whether a router refused the last change: a canary is then not widened.
        incident: Why the route is off its primary; None: it is not.
    """

    version: int
    target: str | None
    safe_state: str | None
    entered_at: Micros
    trigger: Trigger
    policy_digest: bytes
    root_version: int
    event_id: bytes
    hold: Hold | None = None
    canary: Canary | None = None
    approved: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    kept_away: tuple[KeptAway, ...] = ()
    frozen_until: Micros = NEVER
    flaps: int = 0
    placed: bool = False
    climbed: bool = False
    nacked: bool = False
    incident: Incident | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that no route comes to: the next one could not be written, or would take all memory."""
        require(0 <= self.version < ROUTE_VERSION_MAX, "a route's version is out of bounds")
        require(0 <= self.flaps <= FLAPS_MAX, "a route's flaps are out of bounds")

    @property
    def proposed(self) -> Hold | None:
        """The hold of a route that waits for an approval."""
        return self.hold if self.hold is not None and self.hold.kind is HoldKind.APPROVAL else None

    @property
    def ordered(self) -> Hold | None:
        """The hold of a route that only a `resume` lets go: every other kind, one that this release does not know among them."""
        return self.hold if self.hold is not None and self.hold.kind is not HoldKind.APPROVAL else None


@dataclass(frozen=True, slots=True)
class VerdictEntry:
    """State of the decision: the last verdict of one model under one objective.

    Attributes:
        since: Since when that level was seen.
        against_since: Since when verdicts have spoken against the model without one that was healthy; 0: the last one was.
    """

    level: Level
    since: Micros
    against_since: Micros
    detail: str
    event_id: bytes


@dataclass(frozen=True, slots=True)
class AnswerEntry:
    """State of the decision: what became of a command; kept until it has expired, and for an hour at least."""

    accepted: bool
    reason: str
    detail: str
    at: Micros
    until: Micros
    event_id: bytes


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """State of the decision: a review that a change opened; None stands for the safe state.

    Attributes:
        overdue: Whether it was still open when it was due; that is said once.
        team: Who is accountable for the agent; empty: not known.
        accepted_by: Who accepted the target beforehand; empty: nobody, or not known.
    """

    route: str
    source: str | None
    target: str | None
    opened_at: Micros
    due: Micros
    overdue: bool = False
    team: str = ""
    accepted_by: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """An incident that is over.

    Attributes:
        since: When the first of its routes left.
        lasted_us: How long it lasted, until the last of its routes was back, microseconds.
    """

    since: Micros
    lasted_us: Micros

    @property
    def ended(self) -> Micros:
        """When it was over."""
        return Micros(self.since + self.lasted_us)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """State of the decision: the last incidents of one class of like ones.

    Attributes:
        incidents: The one that was first over first.
    """

    incidents: tuple[Past, ...]


@dataclass(frozen=True, slots=True)
class ClimbsEntry:
    """State of the decision: how many routes moved up in the window that began at `since`."""

    since: Micros
    count: int


@dataclass(frozen=True, slots=True)
class StateRecord(Statement):
    """One entry as it stands on the state topic, until it is removed.

    Attributes:
        key: The entry's key.
        value: Its bytes.
        offset: Of the audit record that made it so, and `index` its place among that record's entries.
    """

    owner: str
    shard: int
    key: str
    value: bytes
    offset: int
    index: int

    def said_by(self) -> str:
        """The owner of the shard speaks for itself only."""
        return self.owner


@dataclass(frozen=True, slots=True)
class ReadTo:
    """Where a new owner begins to read one partition of the inputs."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class StateMark(Statement):
    """`shard/<n>`, written last: every entry up to one audit record is on the state topic.

    Attributes:
        offset: Of that audit record.
        term: The offset of the last claim before it.
        sequence: Its sequence.
        now: Its time.
        digest: Of the state after it.
        positions: Of the inputs: everything before them was heard, and journalled if it mattered.
    """

    owner: str
    shard: int
    offset: int
    term: int
    sequence: int
    now: Micros
    digest: bytes
    positions: tuple[ReadTo, ...]

    def said_by(self) -> str:
        """The owner of the shard speaks for itself only."""
        return self.owner
