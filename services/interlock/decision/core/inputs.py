"""What each kind of event changes in the state, before any rule is asked.

A repetition, a refreshed verdict, a verdict for a model that nobody uses change nothing and are not journalled; whatever else does
not count has a reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from interlock.decision.core.canary import objective
from interlock.decision.core.commands import Order, carry_out
from interlock.decision.core.events import Document, Event, Lapse, Ordered, Tick
from interlock.decision.core.state import State, with_book
from interlock.policy.book import Taken, take
from interlock.records.audit import Entry
from interlock.records.change import AckKind, Acknowledgement
from interlock.records.codec import encode
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.health import AGAINST, Level, Verdict
from interlock.records.models import Registration
from interlock.records.rules import GUARD_OBJECTIVE
from interlock.records.state import VerdictEntry
from interlock.signing.verifier import Refused
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.limits import CLOCK_SKEW_US_MAX
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import NEVER


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What is said of a step of a canary; `event_id` is empty where the last word has lapsed."""

    level: Level
    calls: int
    detail: str
    event_id: bytes


def read_input(state: State, event: Event) -> list[Entry] | State | Refused:
    """What an event changes: entries; a state where nothing is to be journalled; or why it does not count. Never raises."""
    if isinstance(event, Tick):
        return []
    if isinstance(event, Document):
        return _document(state, event)
    if isinstance(event, Ordered):
        said = event.command.value
        if said.agent != ANY and not state.owns(said.agent):
            return state
        return carry_out(Order(state, event.command, event.sealed))
    if isinstance(event, Lapse):
        return _lapse(state, event)
    if isinstance(event.value, Verdict):
        return _verdict(state, event.value, event.event_id)
    return _refused_by_router(state, event.value)


def _document(state: State, event: Document) -> list[Entry] | State | Refused:
    taken = take(state.book, event.sealed)
    if isinstance(taken, Refused):
        return taken
    said = taken.value
    if isinstance(said, RoutePolicy) and not state.owns(said.agent):
        return with_book(state, taken)
    return [Entry(_key(taken), event.sealed)]


def _key(taken: Taken) -> str:
    said = taken.value
    if isinstance(said, RoutePolicy):
        return f"policy/{said.agent}"
    if isinstance(said, Denial):
        return f"deny/{said.model}"
    if isinstance(said, Registration):
        return f"model/{said.model.name}"
    return f"root/{said.version}"


def _verdict(state: State, said: Verdict, event_id: bytes) -> list[Entry] | State | Refused:
    if said.valid_until <= state.now:
        return Refused(Reason.EXPIRED, said.key)
    if said.issued_at > state.now + CLOCK_SKEW_US_MAX:
        return Refused(Reason.FROM_THE_FUTURE, said.key)
    if said.objective.startswith("canary."):
        return _canary(state, said.model, said.objective, _Judgement(said.level, said.calls, said.detail, event_id))
    known = state.verdicts.get(said.key)
    if known is None and not any(said.objective in _watched(state, route) for route in state.using(said.model)):
        return Refused(Reason.MODEL_NOT_USED, said.key)
    if known is not None and known.level is said.level:
        return state
    return [_verdict_entry(said.key, known, VerdictEntry(said.level, state.now, NEVER, said.detail, event_id))]


def _canary(state: State, model: str, judged: str, given: _Judgement) -> list[Entry] | State | Refused:
    """A judgement of the step in progress; one with too small a sample is no judgement."""
    route = state.canaries.get(judged.split(".")[1])
    entry = state.routes.get(route) if route is not None else None
    rule = state.book.rule(route) if route is not None else None
    if route is None or entry is None or entry.canary is None or rule is None or rule.canary is None:
        return Refused(Reason.CANARY_UNKNOWN, judged)
    canary = entry.canary
    if canary.model != model or objective(canary) != judged:
        return Refused(Reason.CANARY_UNKNOWN, judged)
    if given.level is Level.HEALTHY and given.calls < rule.canary.calls_min:
        few = f"{given.calls} of {rule.canary.calls_min} calls: {given.detail}"
        given = replace(given, level=Level.UNKNOWN, detail=few)
    if given.level is canary.level:
        return state
    judged_so = replace(canary, level=given.level, detail=given.detail, evidence=given.event_id)
    return [Entry(f"route/{route.key}", encode(replace(entry, canary=judged_so)))]


def _lapse(state: State, event: Lapse) -> list[Entry] | State | Refused:
    model, _, rest = event.key.partition("/")
    judged = rest.partition("/")[2]
    detail = "the health-monitor is silent"
    if judged.startswith("canary."):
        gone = _canary(state, model, judged, _Judgement(Level.UNKNOWN, 0, detail, b""))
        return state if isinstance(gone, Refused) else gone
    before = state.verdicts.get(event.key)
    if before is None or before.level is Level.UNKNOWN:
        return state
    lapsed = VerdictEntry(Level.UNKNOWN, event.valid_until, NEVER, detail, before.event_id)
    return [_verdict_entry(event.key, before, lapsed)]


def _refused_by_router(state: State, said: Acknowledgement) -> list[Entry] | State | Refused:
    """A router's refusal of the current change of one of our routes: a canary is then not widened."""
    route = RouteId.parse(said.change_id.partition("@")[0]) if "@" in said.change_id else None
    entry = state.routes.get(route) if route is not None else None
    if said.kind is not AckKind.NACK or route is None or entry is None or entry.event_id != said.event_id:
        return Refused(Reason.CHANGE_UNKNOWN, said.change_id)
    return state if entry.nacked else [Entry(f"route/{route.key}", encode(replace(entry, nacked=True)))]


def _verdict_entry(key: str, before: VerdictEntry | None, after: VerdictEntry) -> Entry:
    """The verdict as the state keeps it. A trigger's `for` runs on while the level changes from bad to worse, or to unknown."""
    bad = after.level in AGAINST
    since = NEVER if before is None or after.level is Level.HEALTHY else before.against_since
    return Entry(f"verdict/{key}", encode(replace(after, against_since=since or (after.since if bad else NEVER))))


def _watched(state: State, route: RouteId) -> Iterator[str]:
    rule = state.book.rule(route)
    if rule is not None:
        yield from (watched.objective for watched in rule.triggers)
        yield from (GUARD_OBJECTIVE for _ in rule.guards[:1])
