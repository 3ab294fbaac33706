"""The one rule of admissibility without evidence: whoever stands on a signed ladder needs no validator's word.

Decision, routers and `policy check` ask the same rule, each in a process of its own; `unquestioning_decision` and
`unquestioning_command_line` forget the evidence there.
"""

from collections.abc import Iterator

from interlock.policy import admissible
from interlock.policy.admissible import Examined
from interlock.records.models import Evidence, Model
from interlock.records.rules import RouteRule
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

_honest_ends = admissible._ends


def _no_checks(_evidence: Evidence | None, _rule: RouteRule, _model: Model) -> Iterator[Examined]:
    """Nothing is asked."""
    return iter(())


def _other_ends(_evidence: Evidence | None, model: Model) -> Iterator[tuple[str, Micros, Reason]]:
    """Whatever ends but for the evidence."""
    return _honest_ends(None, model)


def ask_for_no_evidence() -> None:
    """Take the evidence from the rule, in this process."""
    setattr(admissible, "_evidence_checks", _no_checks)  # noqa: B010 - the checker knows that modules are not for this
    setattr(admissible, "_ends", _other_ends)  # noqa: B010 - likewise
