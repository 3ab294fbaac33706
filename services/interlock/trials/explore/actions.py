"""What happens, in words; and that whatever is found on the way is found in what happened."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from interlock.trials.explore.invariants import Broken, raised_by_core

T = TypeVar("T")


class Action(NamedTuple):
    """Something that happened: its kind, and words that follow the name of who did it."""

    kind: str
    words: str


Move = tuple[Action, int]
"""An action, and the number of the process or router after it."""

Joint = tuple[Action, int, int]
"""An action that changes a topic, too: the numbers of the process and of the topic after it."""


def judged(action: Action, step: Callable[[], T]) -> T:
    """Make a step of a core and judge it; whatever is found is found in this action.

    Raises:
        Broken: An invariant does not hold, or a core raised, which must be total.
    """
    try:
        return step()
    except Broken as broken:
        broken.action = broken.action or action
        raise
    except Exception as error:
        found = raised_by_core(error)
        found.action = action
        raise found from error
