"""Reading a source as one kind of document.

Each document is refused as a whole if it has a field that is not named in its class: a misspelt safeguard must never be a
safeguard that silently does nothing. Nothing about what a model can do, how it is identified or what it does with data has a
default: what is not written is not known.
"""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from interlock.policy.authoring.problems import Problem, explain
from interlock.policy.authoring.source import Source


class Document(BaseModel):
    """What people write, or a part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


D = TypeVar("D", bound=Document)


def parse(source: Source, document: type[D]) -> D | list[Problem]:
    """Read a source as one kind of document, or say everything that is wrong with it, from the top of the file."""
    try:
        return document.model_validate(source.data)
    except ValidationError as error:
        found = [source.problem(path, what, mend) for path, what, mend in explain(document, error)]
        return sorted(found, key=lambda problem: problem.line)
