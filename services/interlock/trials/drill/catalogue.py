"""Which exercises there are, in the standard's order."""

from collections.abc import Sequence

from interlock.trials.drill import (
    broader,
    degradation,
    notification,
    primary_failure,
    records,
    terminal,
    unapproved,
)
from interlock.trials.drill.exercise import Exercise
from interlock.vocabulary.errors import ConfigurationError

EXERCISES = (
    primary_failure.EXERCISE,
    unapproved.EXERCISE,
    broader.EXERCISE,
    terminal.EXERCISE,
    records.EXERCISE,
    degradation.EXERCISE,
    notification.EXERCISE,
)


def selected(only: Sequence[str]) -> list[Exercise]:
    """The exercises with these numbers, in the standard's order; all, if none is named.

    Raises:
        ConfigurationError: There is no exercise with such a number.
    """
    known = [exercise.id for exercise in EXERCISES]
    for number in only:
        if number not in known:
            raise ConfigurationError(f"There is no test {number!r}.", f"Name one of: {', '.join(known)}.")
    return [exercise for exercise in EXERCISES if not only or exercise.id in only]
