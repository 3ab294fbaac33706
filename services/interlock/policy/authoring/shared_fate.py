"""What one incident would take out of a ladder, and what would be left.

Public lists of incidents teach that models of one vendor fail together: a sibling helped in under half of the outages. The same is true of
a region, of a credential that expires or is revoked, and of whoever stands in between. A rung is also worth nothing if it is the rung above it
under another name.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.problems import FieldPath, Problem
from interlock.records.models import Model
from interlock.records.rules import RouteRule


@dataclass(frozen=True, slots=True)
class Fate:
    """One kind of incident.

    Attributes:
        what: What is lost, as a word.
        needs: What a model cannot do without; it is lost with any of them.
        lesson: What incidents teach of it.
    """

    what: str
    needs: Callable[[Model], Sequence[str]]
    lesson: str = ""


def _region(model: Model) -> Sequence[str]:
    """A model that is served in several regions outlives the loss of one."""
    return model.data.regions if len(model.data.regions) == 1 else ()


FATES = (
    Fate(
        "provider",
        lambda model: (model.provider,),
        "on public lists of incidents a sibling of the same vendor helped in under half of the outages",
    ),
    Fate("region", _region),
    Fate("credential", lambda model: (model.identity.secret_ref,), "one that expires or is revoked ends both"),
    Fate("intermediary", lambda model: model.intermediaries),
)


def shared_fate_warnings(draft: Draft, number: int, rule: RouteRule) -> Iterator[Problem]:
    """Incidents that would take all rungs of a route, or a rung together with the one that is to replace it."""
    models = [rung.model for rung in rule.ladder]
    for fate in FATES:
        for lost in sorted({need for model in models for need in fate.needs(model)}):
            hit = [lost in fate.needs(model) for model in models]
            follower = next((place for place, pair in enumerate(pairwise(hit), start=1) if all(pair)), None)
            if follower is not None:
                whole: FieldPath = ("routes", number, "ladder")
                path = whole if all(hit) else (*whole, follower, "model")
                yield draft.source.warning(path, _told(fate, lost, models, hit, rule), _mend(fate))
    yield from _same_again(draft, number, models)


def _told(fate: Fate, lost: str, models: Sequence[Model], hit: Sequence[bool], rule: RouteRule) -> str:
    gone = " and ".join(model.name for model, taken in zip(models, hit, strict=True) if taken)
    left = ", ".join(model.name for model, taken in zip(models, hit, strict=True) if not taken)
    after = f"and leave {left}" if left else f"and leave nothing but the safe state, {rule.safe_state}"
    shared = f"all rungs share the {fate.what} {lost}: " if not left else ""
    return f"{shared}one incident at the {fate.what} {lost} would take {gone}, {after}"


def _mend(fate: Fate) -> str:
    lesson = f"; {fate.lesson}" if fate.lesson else ""
    return f"Let rungs that follow each other have another {fate.what} each, or accept that they fail together{lesson}."


def _same_again(draft: Draft, number: int, models: Sequence[Model]) -> Iterator[Problem]:
    served: dict[tuple[str, str], str] = {}
    for place, model in enumerate(models):
        first = served.setdefault((model.endpoint, model.served_as), model.name)
        if first != model.name:
            what = f"{model.name} is {first} under another name: {model.served_as} at {model.endpoint}"
            mend = "Name another model: what has failed once is not tried under a second name."
            yield draft.source.warning(("routes", number, "ladder", place, "model"), what, mend)
