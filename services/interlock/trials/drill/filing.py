"""A run of the drill as it is filed: what each test rests on, picked from everything that was seen."""

import platform
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import pairwise
from os import cpu_count

from interlock.brokers.jars import find_pom
from interlock.records.audit import AuditKind, AuditRecord
from interlock.records.change import Acknowledgement, RoutingChange
from interlock.records.sealing import event_id_of
from interlock.records.telling import Breach, Finding, Notice
from interlock.router.gateway.replies import NORMAL
from interlock.trials.drill.cast import Agent
from interlock.trials.drill.exercise import Outcome
from interlock.trials.drill.filed import Chapter, Filing, Line, Move, Rested
from interlock.trials.drill.ground import Drill
from interlock.trials.drill.run import Drilled
from interlock.trials.steady_client import Reply
from interlock.trials.timeline import Kind, Lane, Mark, Span, Timeline
from interlock.trials.witness import Exhibit
from interlock.vocabulary.time import SECOND, Micros

LIBRARIES = ("aiokafka", "cryptography", "fastavro", "faust-streaming", "aiohttp")
"""Whose versions are told beside Interlock's own: what carries, signs and encodes the records."""

MARGIN_US = 2 * SECOND
"""What a picture shows before the first and after the last event of a test."""

CANARY_HEADER = "x-interlock-canary"


def filing(drilled: Drilled, command: str) -> Filing:
    """The report of a run.

    Args:
        drilled: The run.
        command: What was typed.
    """
    witness = drilled.witness
    return Filing(
        deployment=witness.book.trust.deployment,
        began=_began(drilled),
        ended=drilled.ended,
        broker=_broker(drilled.drill),
        command=command,
        deadline_s=drilled.drill.deadline_s,
        surroundings=_surroundings(),
        trust_root=event_id_of(witness.book.trust).hex(),
        chapters=[_chapter(drilled, outcome) for outcome in drilled.outcomes],
        log=[_logged(exhibit) for exhibit in witness.exhibits if isinstance(exhibit.value, AuditRecord)],
        differences=[f"Step {each.sequence} at offset {each.offset}: {each.what}." for each in witness.differences],
    )


def _began(drilled: Drilled) -> Micros:
    """The moment from which the report counts its times: the first change may be older than the first act."""
    return Micros(min([drilled.began, *(change.issued_at for change in drilled.witness.changes)]))


def _broker(drill: Drill) -> str:
    if drill.bootstrap is not None:
        return f"the broker at {drill.bootstrap}"
    if drill.embedded:
        return "the embedded broker, which speaks Kafka's protocol and is not Kafka"
    found = re.search(
        r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)</version>", find_pom().read_text("utf-8")
    )
    return f"Apache Kafka {found[1] if found else ''}, one node, started by the drill for itself"


def _surroundings() -> dict[str, str]:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return {
        "Interlock": version("interlock"),
        "Libraries": libraries,
        "Machine": f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cpu_count()} processors",
    }


def _chapter(drilled: Drilled, outcome: Outcome) -> Chapter:
    exercise = outcome.exercise
    agents = {agent.name for agent in exercise.cast.agents}
    named = (change for change in drilled.witness.changes if change.agent in agents)
    changes = sorted(named, key=lambda change: change.issued_at)
    return Chapter(
        id=exercise.id,
        title=exercise.title,
        clause=exercise.clause,
        summary=outcome.faults[0] if outcome.faults else "; ".join(outcome.summaries),
        passed=outcome.passed,
        faults=outcome.faults,
        story=[Line(at, said) for at, said in outcome.story if said],
        evidence=outcome.evidence,
        timeline=_timeline(drilled, outcome),
        moves=_moves(drilled, changes),
        rests_on=list(_rests_on(drilled, changes, agents)),
    )


def _moves(drilled: Drilled, changes: Sequence[RoutingChange]) -> list[Move]:
    told: dict[str, float] = {}
    for notice in drilled.notices:
        if notice.genuine and notice.accepted:
            told.setdefault(notice.id, notice.at)
    moves = []
    for change in changes:
        name = event_id_of(change).hex()
        moves.append(
            Move(
                at=change.issued_at,
                route=change.route.key,
                source=change.source or ("nothing" if change.version == 1 else "safe state"),
                target=_target(change),
                reason=f"{change.cause.trigger}: {change.cause.detail}",
                passed=sum(check.passed for check in change.verification),
                failed=sum(not check.passed for check in change.verification),
                told_s=told[name] - change.issued_at / SECOND if name in told else None,
                event_id=name,
            )
        )
    return moves


def _target(change: RoutingChange) -> str:
    part = f" for {change.weight} %" if change.canary else ""
    if change.safe_state is None:
        return f"{change.target}{part}"
    return f"{change.safe_state}{f' by {change.target}' if change.target else ''}"


def _rests_on(drilled: Drilled, changes: Sequence[RoutingChange], agents: set[str]) -> Iterator[Rested]:
    """The changes of a test's agents, each in its step of the log, and what was said of them."""
    places = {
        sealed: exhibit.place
        for exhibit in drilled.witness.exhibits
        if isinstance(exhibit.value, AuditRecord)
        for sealed in exhibit.value.changes
    }
    for change in changes:
        place = places.get(drilled.witness.sealed[change.id], "")
        about = f"{change.id}: {change.source or '·'} → {_target(change)}"
        yield Rested("routing change", f"in {place}", about, event_id_of(change).hex())
    ids = {change.id for change in changes}
    for exhibit in drilled.witness.exhibits:
        kind, about = _said(exhibit, ids, agents)
        if kind:
            yield Rested(kind, exhibit.place, about, exhibit.event_id.hex())


def _said(exhibit: Exhibit, changes: set[str], agents: set[str]) -> tuple[str, str]:
    """What kind of record speaks of these changes or agents, and what it says; empty: it does not."""
    match exhibit.value:
        case Acknowledgement() as ack if ack.change_id in changes:
            return "acknowledgement", f"{ack.router}: {ack.kind} {ack.change_id} {ack.reason}"
        case Notice() as notice if notice.change_id in changes:
            return "notice", f"attempt {notice.attempt} to tell of {notice.change_id}: {notice.kind}"
        case Breach() as breach if breach.change_id in changes:
            return "breach", f"{breach.change_id}{', suspends' if breach.suspends else ''}"
        case Finding() as finding if any(f"{agent}/" in finding.detail for agent in agents):
            return "finding", f"{finding.service}: {finding.reason}: {finding.detail}"
    return "", ""


def _logged(exhibit: Exhibit) -> Rested:
    record = exhibit.value
    assert isinstance(record, AuditRecord), "asked of the log only"
    if record.kind is AuditKind.CLAIM:
        return Rested("claim", exhibit.place, record.owner, exhibit.event_id.hex())
    about = f"term {record.term}, step {record.sequence}: {len(record.inputs)} inputs, {len(record.changes)} changes"
    return Rested("step", exhibit.place, about, exhibit.event_id.hex())


def _timeline(drilled: Drilled, outcome: Outcome) -> Timeline | None:
    """Who answered the test's agents, as their replies say, and what was done meanwhile."""
    if not outcome.story:
        return None
    times = [at for at, _ in outcome.story]
    start, end = Micros(max(min(times) - MARGIN_US, drilled.began)), Micros(max(times) + MARGIN_US)
    agents = outcome.exercise.cast.agents
    lanes = [Lane(agent.name, _spans(agent, drilled.replies.get(agent.name, ()), end)) for agent in agents]
    done = Lane("what was done", marks=[Mark(at, said) for at, said in outcome.story if _was_done(outcome, said)])
    title = f"{outcome.exercise.id}: who answered each agent, as its replies say"
    return Timeline(start, end, [*lanes, done], title, counted_from=_began(drilled))


def _was_done(outcome: Outcome, said: str) -> bool:
    """Whether a line of the story tells of something done; the moves that followed are in the picture already."""
    return bool(said) and "→" not in said and said not in outcome.summaries


def _spans(agent: Agent, replies: Sequence[Reply], end: Micros) -> list[Span]:
    """Replies in the same name, one after the other, as one bar."""
    told = [(reply.asked_at, *_named(agent, reply)) for reply in sorted(replies, key=lambda reply: reply.asked_at)]
    begun = [each for before, each in pairwise([None, *told]) if each and (before is None or each[1:] != before[1:])]
    return [
        Span(at, following[0] if following else end, label, kind)
        for (at, label, kind), following in zip(begun, [*begun[1:], None], strict=True)
    ]


def _named(agent: Agent, reply: Reply) -> tuple[str, Kind]:
    """In whose name a reply was given."""
    if reply.told.get(CANARY_HEADER):
        return "canary", Kind.CANARY
    if reply.state == NORMAL:
        return reply.model, Kind.PRIMARY if reply.model == agent.ladder[0] else Kind.FALLBACK
    if reply.state:
        return f"{reply.state}{f': {reply.model}' if reply.model else ''}", Kind.SAFE
    return "no answer", Kind.NONE
