"""Stories as a timeline: the incident above, a lane for each route below."""

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.trials.simulate.story import How, Place, Stay, Step, Story
from interlock.trials.timeline import Kind, Lane, Mark, Span, Timeline
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import NEVER, Micros


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What happened to models, for the picture's uppermost lanes: an outage, or what was recorded."""

    subject: str
    begins: Micros
    ends: Micros
    words: str
    kind: Kind = Kind.OUTAGE

    @classmethod
    def recorded(cls, subject: str, begins: Micros, ends: Micros, words: str) -> "Occurrence":
        """The time of a record, which is no outage by itself."""
        return cls(subject, begins, ends, words, Kind.NONE)


def picture(stories: Sequence[Story], occurrences: Sequence[Occurrence], title: str) -> Timeline:
    """The timeline of a simulation."""
    end = max(stay.ends for story in stories for stay in story.stays)
    lanes = [*_outages(occurrences), *(_lane(story) for story in stories)]
    return Timeline(NEVER, end, lanes, title)


def _outages(occurrences: Sequence[Occurrence]) -> list[Lane]:
    names = dict.fromkeys(each.subject for each in occurrences)
    return [
        Lane(
            name,
            [Span(each.begins, each.ends, each.words, each.kind) for each in occurrences if each.subject == name],
        )
        for name in names
    ]


def _lane(story: Story) -> Lane:
    spans = [Span(stay.begins, stay.ends, stay.place.in_words(), _kind(stay, story)) for stay in story.stays]
    return Lane(name_of(story.route), spans, [Mark(step.at, says(step)) for step in story.steps])


def _kind(stay: Stay, story: Story) -> Kind:
    if stay.place.safe_state is not None:
        return Kind.SAFE
    if stay.place.canary:
        return Kind.CANARY
    return Kind.PRIMARY if stay.place.model == story.rungs[0] else Kind.FALLBACK


def name_of(route: RouteId) -> str:
    """A route as briefly as it can be named: the agent alone for its only usual one."""
    return route.agent if (route.slot, route.scope) == ("main", ANY) else route.key


def says(step: Step) -> str:
    """One step in words."""
    return f"{to_words(step)}: {step.detail}"


def to_words(step: Step) -> str:
    """Where a step goes, and how."""
    after = step.after
    if step.how in {How.AWAITS_APPROVAL, How.AWAITS_RESUME, How.SAFE_STATE}:
        return f"safe state {after.in_words()}"
    if after.canary:
        return f"{after.canary} as a canary, {after.weight} %"
    if step.before.canary and after.model == step.before.model:
        return f"back to {after.model} alone"
    return f"{_from(step.before)} → {after.model}"


def _from(place: Place) -> str:
    return place.safe_state or str(place.model)
