"""The answer of a simulation as one document: its keys are a contract with scripts. Times are seconds from the beginning."""

from collections.abc import Sequence
from typing import Any

from interlock.trials.simulate.picture import Occurrence
from interlock.trials.simulate.story import Place, Step, Story
from interlock.vocabulary.time import SECOND


def document(stories: Sequence[Story], occurrences: Sequence[Occurrence]) -> dict[str, Any]:
    """What happened, and to whom."""
    return {
        "lasts_s": max(stay.ends for story in stories for stay in story.stays) / SECOND,
        "incident": [
            {"subject": each.subject, "from_s": each.begins / SECOND, "to_s": each.ends / SECOND, "what": each.words}
            for each in occurrences
        ],
        "routes": [_route(story) for story in stories],
        "touched": _named(story for story in stories if story.touched),
        "in_safe_state": _named(story for story in stories if story.safe_us),
        "not_back": _named(story for story in stories if not story.at_home),
        "without_fallback": _named(story for story in stories if not story.has_fallback),
    }


def _named(stories: Any) -> list[str]:
    return [story.route.key for story in stories]


def _route(story: Story) -> dict[str, Any]:
    return {
        "route": story.route.key,
        "agent": story.route.agent,
        "workflow": str(story.workflow),
        "ladder": list(story.rungs),
        "has_fallback": story.has_fallback,
        "begins": {**_place(story.stays[0].place), "because": story.began_because},
        "moves": [_step(step) for step in story.steps],
        "stays": [
            {"from_s": stay.begins / SECOND, "to_s": stay.ends / SECOND, **_place(stay.place)} for stay in story.stays
        ],
        "served_s": {model: lasted / SECOND for model, lasted in story.served_us().items()},
        "safe_state_s": story.safe_us / SECOND,
        "ends": {**_place(story.stays[-1].place), "on_primary": story.at_home},
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "model": place.model,
        "safe_state": place.safe_state,
        "canary": place.canary or None,
        "weight": place.weight if place.canary else None,
        "waits": place.waits or None,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "at_s": step.at / SECOND,
        "from": _place(step.before),
        "to": _place(step.after),
        "how": str(step.how),
        "trigger": str(step.trigger),
        "about": step.model,
        "detail": step.detail,
        "waits_until_s": step.until / SECOND if step.until else None,
    }
