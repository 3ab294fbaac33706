"""From what somebody asks to a simulation: where the incident is from, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from interlock.cli.answer import counted
from interlock.cli.policy.tried import Tried
from interlock.records.documents import RoutePolicy
from interlock.trials.replay.trace import Format, read_trace
from interlock.trials.simulate.outage import Kind, Known, Outage, Scope, Subject
from interlock.trials.simulate.picture import Occurrence, name_of
from interlock.trials.simulate.premises import few
from interlock.trials.simulate.question import imagine, repeat, retrace, watched
from interlock.trials.simulate.recorded import read_verdicts
from interlock.trials.simulate.run import Progress
from interlock.trials.simulate.story import Story, tell
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import RouteId
from interlock.vocabulary.time import SECOND, Micros, duration_text

FILE_BYTES_MAX = 268_435_456
"""Recorded calls or verdicts, 256 MiB: some three million of them, which take minutes to read."""

CALLS_S_MAX = 86_400
"""Recorded calls of a day: they are looked at four times a second, which takes some minutes."""

VERDICTS_S_MAX = 366 * 86_400
"""Recorded verdicts of a year: policies and evidence are renewed by then."""

LATE_SHARE = 0.9
"""Of the probe's patience: a call that takes longer is a time-out, and no longer slow."""


@dataclass(frozen=True, slots=True)
class Played:
    """A simulation that was played.

    Attributes:
        stories: What became of each route.
        title: What it was of.
        occurrences: What happened to models.
        premises: What it rests on.
        notes: What a person should know before he looks at it.
    """

    stories: Sequence[Story]
    title: str
    occurrences: Sequence[Occurrence]
    premises: Sequence[str]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Imagined:
    """Outages that somebody imagines."""

    subjects: Sequence[Subject]
    begins: Micros
    lasts: Micros
    kind: Kind
    share: float
    latency_us: Micros | None


@dataclass(frozen=True, slots=True)
class CallsFile:
    """Recorded calls; `names`: what the registry calls the models of the file."""

    file: Path
    written: Format | None
    names: Mapping[str, str]
    begins: Micros


@dataclass(frozen=True, slots=True)
class VerdictsFile:
    """Recorded verdicts."""

    file: Path
    begins: Micros


Incident = Imagined | CallsFile | VerdictsFile


def play(tried: Tried, incident: Incident, progress: Progress) -> Played:
    """Play an incident.

    Raises:
        ConfigurationError: It is about nothing that the workspace knows, or its file cannot be used.
    """
    if isinstance(incident, Imagined):
        return _imagined(tried, incident, progress)
    return (
        _calls(tried, incident, progress) if isinstance(incident, CallsFile) else _verdicts(tried, incident, progress)
    )


def _imagined(tried: Tried, incident: Imagined, progress: Progress) -> Played:
    setting = tried.setting
    ends = Micros(incident.begins + incident.lasts)
    latency_us = incident.latency_us or Micros(round(setting.timeout_us * LATE_SHARE))
    used = tried.models
    outages, occurrences, notes = [], [], []
    for subject in incident.subjects:
        hit = _hit(tried.known, subject)
        guard = subject.scope is Scope.GUARD
        outage = Outage(
            models=frozenset() if guard else hit,
            guards=hit if guard else frozenset(),
            begins=incident.begins,
            ends=ends,
            kind=incident.kind,
            share=incident.share,
            latency_us=latency_us,
        )
        outages.append(outage)
        occurrences.append(Occurrence(str(subject), incident.begins, ends, outage.in_words()))
        if not guard and not hit & used:
            near = [str(other) for other in _used(tried.known, subject.scope, used)]
            notes.append(f"No ladder has a model that {subject} concerns. There are: {few(near)}.")
    stories = tell(imagine(setting, outages, progress))
    notes += _unmoved(stories, frozenset().union(*(outage.models for outage in outages)), setting.policies)
    title = f"{_together(occurrences)} for {duration_text(incident.lasts)}"
    return Played(stories, title, occurrences, tried.premises.of_outages(), notes)


def _together(occurrences: Sequence[Occurrence]) -> str:
    """What is out and how it shows, each kind said once."""
    subjects: dict[str, list[str]] = {}
    for each in occurrences:
        subjects.setdefault(each.words, []).append(each.subject)
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in subjects.items())


def _unmoved(stories: Sequence[Story], hit: frozenset[str], policies: Sequence[RoutePolicy]) -> list[str]:
    """The routes that stay on a model which is out, and why: what they watch does not show it."""
    rules = {
        RouteId(policy.agent, rule.slot, rule.scope): rule.triggers for policy in policies for rule in policy.routes
    }
    return [
        f"{name_of(story.route)} stays on {story.rungs[0]}: it watches "
        f"{', '.join(trigger.objective for trigger in rules[story.route])}."
        for story in stories
        if not story.touched and not story.begins_stopped and story.rungs[0] in hit
    ]


def _hit(known: Known, subject: Subject) -> frozenset[str]:
    hit = known.hit(subject)
    if not hit:
        where = "no policy requires it" if subject.scope is Scope.GUARD else "the registry knows none of that name"
        near = few(known.near(subject))
        raise ConfigurationError(
            f"--outage {subject}: {where}.",
            f"Name one that there is, such as {near}." if near else f"There is no {subject.scope} at all.",
        )
    return hit


def _used(known: Known, scope: Scope, used: set[str]) -> Sequence[Subject]:
    """The subjects of a kind that some ladder has."""
    on_ladders = replace(known, models=[model for model in known.models if model.name in used])
    return on_ladders.all(scope)


def _calls(tried: Tried, incident: CallsFile, progress: Progress) -> Played:
    name = str(incident.file)
    calls = read_trace(_lines(incident.file), incident.written, name)
    _must_not_outlast(name, calls[-1].ended_s, CALLS_S_MAX)
    _must_name(incident.names, {call.model for call in calls}, tried.known, name)
    named = [replace(call, model=incident.names.get(call.model, call.model)) for call in calls]
    used = tried.models
    told = sorted({call.model for call in named})
    _must_concern(
        name, told, used, "Say with --as NAME=MODEL which model of the registry a name of the file stands for."
    )
    kept = [call for call in named if call.model in used]
    stories = tell(retrace(tried.setting, kept, incident.begins, progress))
    first, last = max(0.0, min(call.ended_s - call.latency_s for call in kept)), kept[-1].ended_s
    occurrences = [
        Occurrence.recorded(
            "recorded calls", _after(incident.begins, first), _after(incident.begins, last), counted(len(kept), "call")
        )
    ]
    premises = tried.premises.of_calls(told, [model for model in told if model not in used])
    return Played(
        stories,
        f"{counted(len(kept), 'recorded call')} of {few([m for m in told if m in used])}",
        occurrences,
        premises,
    )


def _verdicts(tried: Tried, incident: VerdictsFile, progress: Progress) -> Played:
    name = str(incident.file)
    verdicts = read_verdicts(_lines(incident.file), name)
    _must_not_outlast(name, verdicts[-1].at / SECOND, VERDICTS_S_MAX)
    told = sorted({verdict.model for verdict in verdicts})
    _must_concern(
        name, told, tried.models | set(tried.known.guard_subjects()), "Name the policies whose models it speaks of."
    )
    kept = watched(verdicts, tried.setting.policies)
    notes = [] if kept else [f"No policy watches an objective that {name} speaks of: nobody is touched."]
    stories = tell(repeat(tried.setting, verdicts, incident.begins, progress))
    ends = _after(incident.begins, verdicts[-1].at / SECOND)
    occurrences = [Occurrence.recorded("recorded verdicts", incident.begins, ends, counted(len(kept), "verdict"))]
    premises = tried.premises.of_verdicts(verdicts)
    return Played(stories, counted(len(kept), "recorded verdict"), occurrences, premises, notes)


def _after(begins: Micros, after_s: float) -> Micros:
    return Micros(begins + round(after_s * SECOND))


def _must_not_outlast(name: str, lasts_s: float, longest_s: int) -> None:
    if lasts_s > longest_s:
        lasts = duration_text(Micros(longest_s * SECOND))
        raise ConfigurationError(f"{name} tells of more than {lasts}.", "Cut it to the incident.")


def _must_concern(name: str, told: Sequence[str], used: set[str], mend: str) -> None:
    if not set(told) & used:
        raise ConfigurationError(
            f"{name} speaks of {few(told)}; the ladders hold {few(sorted(used))}: nothing of it concerns anybody.", mend
        )


def _must_name(names: Mapping[str, str], told: set[str], known: Known, file: str) -> None:
    """A name that is misspelt would leave its model well, unseen."""
    registered = {model.name for model in known.models}
    for name, model in names.items():
        for where, asked, known_there in ((file, name, told), ("the registry", model, registered)):
            if asked not in known_there:
                near = get_close_matches(asked, known_there, n=3) or sorted(known_there)
                raise ConfigurationError(
                    f"--as {name}={model}: {where} has no {asked}.", f"Write one of its names, such as {few(near)}."
                )


def _lines(file: Path) -> list[str]:
    """The lines of a file or of a pipe, which may be another command's output; never more of it than is allowed."""
    try:
        with file.open("rb") as recorded:
            content = recorded.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.", "Check the path.") from error
    if len(content) > FILE_BYTES_MAX:
        raise ConfigurationError(
            f"{file} has more than the {FILE_BYTES_MAX} bytes that are allowed.", "Cut it to the time of the incident."
        )
    try:
        return content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from error
