"""What an order leaves behind beside the route's own entry: a review to be made, a place in the window, an incident's duration."""

from collections.abc import Iterator

from interlock.decision.core.choice import Choice
from interlock.decision.core.expected import remembered
from interlock.decision.core.recovery import climbed
from interlock.decision.core.usable import Case
from interlock.records.audit import Entry
from interlock.records.change import RoutingChange
from interlock.records.codec import encode
from interlock.records.state import ReviewEntry


def consequences(case: Case, choice: Choice, change: RoutingChange) -> Iterator[Entry]:
    """The entries that follow from an order."""
    if choice.climbs:
        yield Entry("climbs", encode(climbed(case.state, case.now)))
    if _to_be_reviewed(case, choice):
        sides, moments = (change.source, change.target), (case.now, change.review_due)
        review = ReviewEntry(case.route.key, *sides, *moments, team=change.team, accepted_by=change.accepted_by)
        yield Entry(f"review/{change.id}", encode(review))
    rolled_back = case.entry is not None and case.entry.target == choice.after.target
    if case.entry is not None and case.entry.incident is not None and choice.after.incident is None and not rolled_back:
        yield from remembered(case.state.history, case.entry.incident, case.now)


def _to_be_reviewed(case: Case, choice: Choice) -> bool:
    """Every order but the first placement, the same order again, and the wider steps of a canary."""
    entry, after = case.entry, choice.after
    if entry is None or not entry.placed:
        return False
    begun = after.canary is not None and entry.canary is None
    ended = after.canary is None and entry.canary is not None
    return begun or ended or (entry.target, entry.safe_state) != (after.target, after.safe_state)
