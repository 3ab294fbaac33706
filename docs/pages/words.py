"""The pages of the vocabulary: reasons and limits."""

from interlock.vocabulary import limits as vocabulary
from interlock.vocabulary.reasons import Reason
from pages.markdown import table
from pages.source import constants


def reasons() -> str:
    """Why something was refused, parked or left undone: the word in answers, findings, logs and metrics, and what to do about it."""
    return table(("reason", "what to do"), [(f"`{reason}`", reason.mend) for reason in Reason])


def limits() -> str:
    """Every limit, and why it is where it is. The unit is the end of the name; `US` is microseconds."""
    rows = [(f"`{each.name}`", f"{each.value:,}", each.doc) for each in constants(vocabulary)]
    return table(("limit", "value", "why"), rows)
