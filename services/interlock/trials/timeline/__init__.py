"""What happened when, as a picture: one lane for each agent, a bar for each model it was served by, numbered marks for what happened.

    timeline = Timeline(start, end, [Lane("support", spans=[Span(start, end, "atlas", Kind.PRIMARY)], marks=[Mark(at, "atlas failed")])])
    Path("run.svg").write_text(svg(timeline))
    Console().print(text(timeline, width=100))

Colour is never the only carrier: every kind has its pattern (in a terminal its characters) and every bar its words. What others wrote is
made harmless: markup is escaped, control characters are replaced. Pure.
"""

from interlock.trials.timeline.drawn import svg
from interlock.trials.timeline.lanes import Kind, Lane, Mark, Span, Timeline
from interlock.trials.timeline.written import text

__all__ = ["Kind", "Lane", "Mark", "Span", "Timeline", "svg", "text"]
