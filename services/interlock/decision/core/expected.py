"""How long an incident is expected to last: as long as like ones have lasted, the median of them (decision record 16).

Incidents are alike in their cause and the model, or in their cause and the model's provider, or in their cause alone. Rules:

1. The narrowest class counts that has `ENOUGH` incidents; if none has, the one that has most, and of equal ones the narrowest.
2. An incident that has lasted for some time is compared only with those that lasted longer: it has outlasted the others.
3. What is not known is said to be so: no like incident, or none that lasted as long as this one has.
4. One outage moves many routes and is one incident: what begins within `ONE_INCIDENT_US` in one class, and before it is over, is the
   same, and lasts from when the first of its routes left until the last of them is back. It is not compared with itself while some of them are.
5. The memory is bounded: `HISTORY_MAX` incidents of a class, `HISTORY_CLASSES_MAX` classes of a shard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock.records.audit import Entry
from interlock.records.codec import encode
from interlock.records.state import HistoryEntry, Incident, Past
from interlock.vocabulary.identifiers import digest
from interlock.vocabulary.limits import HISTORY_CLASSES_MAX, HISTORY_MAX
from interlock.vocabulary.time import NEVER, SECOND, Micros

ENOUGH = 3
"""Incidents from which on a class need not be widened: with three, one that was out of the ordinary does not decide."""

ONE_INCIDENT_US = Micros(60 * SECOND)
"""How far apart two routes may leave for what is one incident: their policies' `for` differ by seconds, seldom by more."""

History = Mapping[str, HistoryEntry]
"""What is remembered, by the name of the class."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How long like incidents have lasted, how many they were, and what they have in common; see `RoutingChange`."""

    us: Micros
    incidents: int
    like: str


UNEXPECTED = Expected(NEVER, 0, "")
"""Where no incident is in progress, nothing is expected to end."""


def expected_duration(history: History, incident: Incident, now: Micros) -> Expected:
    """How long an incident in progress is expected to last in all."""
    so_far = now - incident.since
    known = [(like, _durations(history, name, incident.since)) for name, like in _classes(incident)]
    longer = [(like, sorted(each for each in durations if each > so_far)) for like, durations in known]
    enough = next((found for found in longer if len(found[1]) >= ENOUGH), None)
    like, durations = enough or max(longer, key=lambda found: len(found[1]))
    if durations:
        return Expected(durations[len(durations) // 2], len(durations), like)
    like, outlasted = max(known, key=lambda found: len(found[1]))
    return Expected(NEVER, len(outlasted), like)


def remembered(history: History, incident: Incident, now: Micros) -> Iterator[Entry]:
    """The entries by which an incident that is over for one route is remembered, and others forgotten."""
    names = [name for name, _ in _classes(incident)]
    past = Past(incident.since, Micros(now - incident.since))
    for name in names:
        known = history.get(name) or HistoryEntry(())
        after = HistoryEntry(_with(known.incidents, past))
        if after != known:
            yield Entry(f"history/{name}", encode(after))
    others = sorted((name for name in history if name not in names), key=lambda name: (_last(history[name]), name))
    beyond = len(others) + len(names) - HISTORY_CLASSES_MAX
    yield from (Entry(f"history/{name}", None) for name in others[: max(0, beyond)])


def _classes(incident: Incident) -> Iterator[tuple[str, str]]:
    """The classes that an incident belongs to, the narrowest first: their names, and what they have in common in words."""
    trigger, words = incident.trigger, incident.trigger.replace("_", " ")
    if incident.model:
        yield f"{trigger}/{incident.model}", f"{words} of {incident.model}"
    if incident.provider:
        yield f"{trigger}/@{digest(incident.provider.encode()).hex()}", f"{words} at provider {incident.provider}"
    yield str(trigger), words


def _durations(history: History, name: str, since: Micros) -> list[Micros]:
    """How long the incidents of a class lasted, but for the one that began then."""
    entry = history.get(name) or HistoryEntry(())
    return [past.lasted_us for past in entry.incidents if not _is_one(past, since)]


def _is_one(past: Past, since: Micros) -> bool:
    """Whether a route that left then left for that incident."""
    return abs(past.since - since) <= ONE_INCIDENT_US and since < past.ended


def _with(known: tuple[Past, ...], past: Past) -> tuple[Past, ...]:
    """The incidents with one more, or with one of them longer, because another of its routes is back."""
    same = next((other for other in known if _is_one(other, past.since)), None)
    if same is None:
        return (*known, past)[-HISTORY_MAX:]
    since = min(same.since, past.since)
    whole = Past(since, Micros(max(same.ended, past.ended) - since))
    return tuple(whole if other is same else other for other in known)


def _last(entry: HistoryEntry) -> Micros:
    """When the last incident of a class was over."""
    return max((past.ended for past in entry.incidents), default=NEVER)
