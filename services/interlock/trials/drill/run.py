"""One run of the drill: the exercises, act by act, in one deployment, and what came of them.

    drilled = await play(Drill(folder, only=("8.1",)), tell=print)

Not handled here: how the outcome is shown (`report`, `filing`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.testing.webhook_receiver import Received
from interlock.trials.drill.catalogue import selected
from interlock.trials.drill.exercise import Act, Outcome
from interlock.trials.drill.field import Field
from interlock.trials.drill.ground import Drill, broker_of, open_field
from interlock.trials.drill.temptation import temptation
from interlock.trials.drill.together import together
from interlock.trials.steady_client import Reply
from interlock.trials.witness import NotSeen, Witness
from interlock.vocabulary.time import Micros


@dataclass(frozen=True, slots=True)
class Drilled:
    """A run that is over.

    Attributes:
        drill: What was to be drilled.
        outcomes: What came of each test.
        began: When the first act began.
        ended: When the last one was over.
        witness: Everything that was seen on the topics.
        replies: By agent, what it was answered.
        notices: What the governance function's webhook received.
    """

    drill: Drill
    outcomes: Sequence[Outcome]
    began: Micros
    ended: Micros
    witness: Witness
    replies: Mapping[str, Sequence[Reply]]
    notices: Sequence[Received]

    @property
    def passed(self) -> bool:
        """Whether every test is passed."""
        return all(outcome.passed for outcome in self.outcomes)


async def play(drill: Drill, tell: Callable[[str], None]) -> Drilled:
    """Play the selected exercises in a deployment of their own; everything started is stopped again.

    Args:
        drill: What is to be drilled, and where.
        tell: Is told what happens, a line at a time.

    Raises:
        ConfigurationError: There is no such test, or something that is needed cannot be used.
        InfrastructureError: The broker cannot be reached, or a process ended; its last words are in the error.
    """
    outcomes = [Outcome(exercise) for exercise in selected(drill.only)]
    tell(f"starting a deployment on {drill.broker}")
    async with (
        broker_of(drill) as broker,
        open_field(drill, [outcome.exercise for outcome in outcomes], broker, tell) as field,
    ):
        began = field.now
        for act in Act:
            await together(_play(act, outcome, field) for outcome in outcomes if act in outcome.exercise.acts)
        for outcome in outcomes:
            outcome.add(temptation(outcome.exercise.cast, field))
        ended = field.now
        tell("stopping everything")
    return Drilled(
        drill,
        outcomes,
        began,
        ended,
        field.witness,
        replies={agent: tuple(client.replies) for agent, client in field.clients.items()},
        notices=tuple(field.governance.requests),
    )


async def _play(act: Act, outcome: Outcome, field: Field) -> None:
    """Play one act of an exercise, unless it failed before."""
    if outcome.stopped:
        return

    def tell(line: str) -> None:
        outcome.story.append((field.now, line))
        field.tell(f"{outcome.exercise.id}  {line}")

    try:
        seen = await outcome.exercise.acts[act](replace(field, tell=tell))
    except NotSeen as error:
        outcome.stop(error.message)
        tell(f"failed: {error.message}")
        return
    outcome.add(seen)
    tell(f"failed: {outcome.line}" if seen.faults else seen.summary)
