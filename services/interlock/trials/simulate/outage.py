"""An outage as somebody imagines it: of a model, of everything by one provider, of everything in one region, or of a guard.

How it shows: `unavailable` refuses every call at once; `errors` fails a share of the calls, spread evenly; `latency` answers every call
late, and what takes longer than the probe waits is a time-out; `throttled` puts every call off. A guard can only be silent.

A model is out if any region of its data handling is: where else it could be served from is not known.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from interlock.records.health import Outcome
from interlock.records.models import Model
from interlock.records.rules import guard_subject
from interlock.trials.timeline.axis import elapsed
from interlock.vocabulary.time import SECOND, Micros


class Scope(StrEnum):
    """What is out."""

    MODEL = "model"
    PROVIDER = "provider"
    REGION = "region"
    GUARD = "guard"


class Kind(StrEnum):
    """How it shows."""

    UNAVAILABLE = "unavailable"
    ERRORS = "errors"
    LATENCY = "latency"
    THROTTLED = "throttled"


USUAL_LATENCY_US = Micros(SECOND // 10)
"""How long a call takes that nothing is the matter with: below every limit that a policy sensibly sets."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is out: a model's, provider's, region's or guard's name."""

    scope: Scope
    name: str

    def __str__(self) -> str:
        return f"{self.scope}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """Read `model:NAME`, `provider:NAME`, `region:NAME` or `guard:NAME`.

        Raises:
            ValueError: It is none of them.
        """
        scope, _, name = text.partition(":")
        if scope not in list(Scope) or not name.strip():
            raise ValueError(f"{text!r} names no outage; write {', '.join(f'{each}:NAME' for each in Scope)}")
        return cls(Scope(scope), name.strip())


@dataclass(frozen=True, slots=True)
class Known:
    """What could be out: every model of the registry, and every guard that a policy requires."""

    models: Sequence[Model]
    guards: Collection[str] = ()

    def hit(self, subject: Subject) -> frozenset[str]:
        """The names of the models, or of the guard, that are out."""
        if subject.scope is Scope.GUARD:
            return frozenset({subject.name} & set(self.guards))
        return frozenset(model.name for model in self.models if subject.name in _names(subject.scope, model))

    def all(self, scope: Scope) -> list[Subject]:
        """Everything of a kind that could be out, by name."""
        named = {name for model in self.models for name in _names(scope, model)}
        found = set(self.guards) if scope is Scope.GUARD else named
        return [Subject(scope, name) for name in sorted(found)]

    def near(self, subject: Subject) -> list[str]:
        """Subjects of the same kind whose names are like an unknown one's; all of them, if none is."""
        known = {other.name: str(other) for other in self.all(subject.scope)}
        near = get_close_matches(subject.name, known, n=3)
        return [known[name] for name in near] or list(known.values())

    def guard_subjects(self) -> list[str]:
        """The guards as verdicts name them."""
        return [guard_subject(guard) for guard in self.guards]


def _names(scope: Scope, model: Model) -> Iterable[str]:
    if scope is Scope.MODEL:
        return (model.name,)
    if scope is Scope.PROVIDER:
        return (model.provider, *model.intermediaries)
    return model.data.regions if scope is Scope.REGION else ()


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ends.

    Attributes:
        outcome: How.
        after_us: How long that takes.
        known: Whether it was seen before, so that nobody waits for it.
    """

    outcome: Outcome
    after_us: Micros
    known: bool = False


WELL = Answer(Outcome.OK, USUAL_LATENCY_US)


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage, from beginning to end.

    Attributes:
        models: The models that are out.
        guards: The guards that are silent.
        begins: When, microseconds from the beginning of the simulation; `ends` likewise.
        kind: How it shows.
        share: errors: the share of calls that fails.
        latency_us: latency: how long a call takes.
    """

    models: frozenset[str]
    begins: Micros
    ends: Micros
    kind: Kind = Kind.UNAVAILABLE
    guards: frozenset[str] = frozenset()
    share: float = 1.0
    latency_us: Micros = USUAL_LATENCY_US

    def answer(self, model: str, at: Micros, number: int, timeout_us: Micros) -> Answer:
        """How a call of the probe ends.

        Args:
            model: The model that is called.
            at: When the call begins.
            number: How many calls of the model there were before, so that a share is spread evenly.
            timeout_us: How long the caller waits.
        """
        if model not in self.models or not self.begins <= at < self.ends:
            return WELL
        if self.kind is Kind.LATENCY:
            late = self.latency_us < timeout_us
            return Answer(Outcome.OK, self.latency_us) if late else Answer(Outcome.TIMEOUT, timeout_us)
        if self.kind is Kind.THROTTLED:
            return Answer(Outcome.THROTTLED, USUAL_LATENCY_US)
        if self.kind is Kind.ERRORS:
            fails = int((number + 1) * self.share) > int(number * self.share)
            return Answer(Outcome.SERVER_ERROR, USUAL_LATENCY_US) if fails else WELL
        return Answer(Outcome.CONNECTION, Micros(0))

    def silent(self, guard: str, at: Micros) -> bool:
        """Whether a guard is silent."""
        return guard in self.guards and self.begins <= at < self.ends

    def in_words(self) -> str:
        """How it shows, in words."""
        if not self.models:
            return "silent"
        if self.kind is Kind.ERRORS:
            return f"{self.share * 100:g} % of calls fail"
        if self.kind is Kind.LATENCY:
            return f"every call takes {elapsed(self.latency_us)}"
        return "every call is throttled" if self.kind is Kind.THROTTLED else "refuses every call"
