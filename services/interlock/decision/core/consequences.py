"""What an order leaves behind beside the route's own entry: a review to be made, a place in the window, an incident's duration."""

from collections.abc import Iterator

from interlock.decision.core.choice import Choice
from interlock.decision.core.recovery import climbed
from interlock.decision.core.usable import Case
from interlock.records.audit import Entry
from interlock.records.change import RoutingChange
from interlock.records.codec import encode
from interlock.records.state import HistoryEntry, ReviewEntry
from interlock.vocabulary.limits import HISTORY_MAX
from interlock.vocabulary.time import Micros


def consequences(case: Case, choice: Choice, change: RoutingChange) -> Iterator[Entry]:
    """The entries that follow from an order."""
    if choice.climbs:
        yield Entry("climbs", encode(climbed(case.state, case.now)))
    if _to_be_reviewed(case, choice):
        review = ReviewEntry(case.route.key, change.source, change.target, case.now, change.review_due)
        yield Entry(f"review/{change.id}", encode(review))
    rolled_back = case.entry is not None and case.entry.target == choice.after.target
    if case.entry is not None and case.entry.incident is not None and choice.after.incident is None and not rolled_back:
        yield _history(case)


def _to_be_reviewed(case: Case, choice: Choice) -> bool:
    """Every order but the first placement, the same order again, and the wider steps of a canary."""
    entry, after = case.entry, choice.after
    if entry is None or not entry.placed:
        return False
    begun = after.canary is not None and entry.canary is None
    ended = after.canary is None and entry.canary is not None
    return begun or ended or (entry.target, entry.safe_state) != (after.target, after.safe_state)


def _history(case: Case) -> Entry:
    assert case.entry is not None, "asked of a route with an incident only"
    assert case.entry.incident is not None, "asked of a route with an incident only"
    incident = case.entry.incident
    known = case.state.history.get(incident.trigger)
    durations = (*(known.durations if known else ()), Micros(case.now - incident.since))
    return Entry(f"history/{incident.trigger}", encode(HistoryEntry(durations[-HISTORY_MAX:])))
