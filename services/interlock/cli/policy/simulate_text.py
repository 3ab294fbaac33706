"""How a simulation is told to a person: the picture, what became of each route, and what it rests on."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from interlock.cli.answer import plain
from interlock.cli.policy.simulated import Played
from interlock.trials.simulate.picture import name_of
from interlock.trials.simulate.story import Story
from interlock.trials.timeline import Timeline, text
from interlock.trials.timeline.axis import elapsed
from interlock.vocabulary.time import Micros


def show(console: Console, timeline: Timeline, played: Played) -> None:
    """Print the answer."""
    console.print(text(timeline, console.width))
    console.print()
    for story in played.stories:
        console.print(_became(story))
    console.print()
    for line in (*played.notes, *findings(played.stories)):
        console.print(Text(plain(line), "bold"))
    console.print(Text("\nThis rests on:", "dim"))
    for premise in played.premises:
        console.print(Text(f"- {plain(premise)}", "dim"))


def findings(stories: Sequence[Story]) -> list[str]:
    """What a person must not overlook."""
    stopped = [f"{name_of(story.route)} ({_length(story.safe_us)})" for story in stories if story.safe_us]
    begun = [story for story in stories if story.begins_stopped]
    away = [
        f"{name_of(story.route)} ({story.stays[-1].place.in_words()})"
        for story in stories
        if not story.at_home and not story.begins_stopped
    ]
    bare = [name_of(story.route) for story in stories if not story.has_fallback]
    said = [f"In a safe state: {', '.join(stopped)}."] if stopped else ["No agent comes into a safe state."]
    said += [f"Not back on its primary when all is over: {', '.join(away)}."] if away else []
    said += [f"No fallback at all: {', '.join(bare)}."] if bare else []
    said += [f"{name_of(story.route)} never begins: {story.began_because}." for story in begun]
    if not any(story.touched for story in stories):
        said.insert(0, "Nobody is touched.")
    return said


def _became(story: Story) -> Text:
    """What became of one route, in two lines."""
    path = " → ".join(story.rungs) if story.has_fallback else f"{story.rungs[0]}, no fallback"
    served = ", ".join(f"{model} {_length(lasted)}" for model, lasted in story.served_us().items())
    said = Text.assemble((name_of(story.route), "bold"), f"  {story.workflow}: {path}\n")
    said.append(f"  served by {served}; " if served else "  served by nobody; ")
    said.append("never in a safe state; " if not story.safe_us else "")
    said.append(f"in a safe state for {_length(story.safe_us)}; " if story.safe_us else "", "bold red")
    return said.append(f"in the end: {story.stays[-1].place.in_words()}", "" if story.at_home else "yellow")


def _length(lasted: int) -> str:
    return elapsed(Micros(lasted))
