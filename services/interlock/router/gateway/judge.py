"""Whether an answer is the approved model's: the names in it are compared with those under which that model is known.

A provider that answers with another model than it was asked for has substituted it silently. Such an answer is withheld, and so is
one that names no model at all: it cannot be told from a substitution. Nothing of a stream is passed on before it has named its
model, which it does in its first event, and every later event that names one is looked at as well.

While a route is `read_only` no tool was offered, and an answer that calls one all the same is withheld from there on: an agent would
carry the call out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.records.health import Outcome
from interlock.records.models import Model
from interlock.router.gateway.events import DONE, data_of
from interlock.router.gateway.faults import (
    Failed,
    Fault,
    other_model,
    tool_call,
    unreachable,
    unreadable,
    upstream_error,
)

HELD_BYTES_MAX = 65_536
"""What is held of a stream that has not named its model."""

NAME_CHARS_MAX = 200
"""What is repeated of a name that a provider made up: it goes into errors, findings and telemetry."""

REFUSING_FINISHES = frozenset({"content_filter", "refusal"})
"""Finish reasons with which a provider declines. The call worked; the answer is no."""

ACTING_FINISHES = frozenset({"tool_calls", "function_call", "tool_use"})
"""Finish reasons with which a model waits for a tool."""

_CALLS = frozenset({"tool_calls", "function_call"})
_CALL_PARTS = frozenset({"tool_use", "tool_call", "function_call"})


class Judge:
    """Looks at one answer, whole or event by event.

    Args:
        model: The model that may answer.
        credential: The gateway's key for its server, to be hidden in errors.
        tools: Whether the answer may call tools.

    Attributes:
        named: The name that the answer bears; empty while it bears none.
        substitute: Whether that is the name of another model.
        acts: Whether the answer calls a tool.
    """

    def __init__(self, model: Model, credential: str, *, tools: bool = True) -> None:
        self.named = ""
        self.substitute = False
        self.acts = False
        self._tools = tools
        self._model = model
        self._credential = credential
        self._held = b""
        self._refused = False
        self._finished = False

    @property
    def outcome(self) -> Outcome:
        """The outcome of an answer that came to its end."""
        return Outcome.POLICY_REFUSAL if self._refused else Outcome.OK

    def error(self, status: int, body: bytes) -> Fault:
        """What the agent is told of a reply with the status of an error."""
        said = _read(body)
        return upstream_error(status, said.error if said else None, self._credential)

    def whole(self, body: bytes) -> Failed | None:
        """What is wrong with an answer that is one JSON document; None if it may be passed on."""
        said = _read(body)
        if said is None:
            return unreadable("answered with something that is not JSON")
        return self._look(said) or (None if self.named else self._no_name())

    def take(self, event: bytes) -> bytes | Failed:
        """The bytes that may be passed on after one more event of a stream; none while the model is not known."""
        data = data_of(event)
        self._finished = self._finished or data == DONE
        said = _read(data)
        wrong = self._look(said) if said else self._unread(data)
        if wrong is not None:
            return wrong
        if self.named:
            passed, self._held = self._held + event, b""
            return passed
        self._held += event
        return b"" if len(self._held) <= HELD_BYTES_MAX else self._no_name()

    def end(self, broken: Failed | None = None) -> Failed | None:
        """What is wrong with a stream that ended here, or broke; None if it was complete."""
        if self._finished and self.named:
            return None
        return broken or (unreachable() if self.named else self._no_name())

    def _look(self, said: "_Said") -> Failed | None:
        if said.error is not None:
            return Failed(Outcome.SERVER_ERROR, upstream_error(502, said.error, self._credential))
        self._finished = self._finished or bool(said.finishes)
        self._refused = self._refused or not REFUSING_FINISHES.isdisjoint(said.finishes)
        self.acts = self.acts or said.acts
        if said.model:
            self.named = said.model
            self.substitute = not self._model.answers_to(said.model)
        if self.substitute:
            return other_model(said.model, self._model)
        return tool_call(self._model) if said.acts and not self._tools else None

    def _unread(self, data: bytes) -> Failed | None:
        """What is wrong with data that are no JSON object: only where they might hide a call of a tool."""
        hidden = bool(data) and data != DONE and not self._tools
        return unreadable("sent an event that is not JSON") if hidden else None

    def _no_name(self) -> Failed:
        self.substitute = True
        return other_model("", self._model)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one JSON document says: the model's name or none, why its choices finished, whether it calls a tool, its error if it is one."""

    model: str
    finishes: frozenset[str]
    acts: bool
    error: Mapping[str, Any] | None


def _read(document: bytes) -> _Said | None:
    """Read a completion, or one chunk of it; None if it is no JSON object."""
    try:
        fields = json.loads(document)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    named, error = fields.get("model"), fields.get("error")
    choices = _objects(fields.get("choices"))
    finishes = frozenset(said for choice in choices if isinstance(said := choice.get("finish_reason"), str))
    return _Said(
        model=named[:NAME_CHARS_MAX] if isinstance(named, str) else "",
        finishes=finishes,
        acts=not ACTING_FINISHES.isdisjoint(finishes) or any(_calls(choice) for choice in choices),
        error=error if isinstance(error, dict) else None,
    )


def _calls(choice: Mapping[str, Any]) -> bool:
    """Whether a choice calls a tool, whole or in a piece of a stream, in OpenAI's form or as a part of its content."""
    for said in _objects([choice.get("message"), choice.get("delta")]):
        if any(value and name.casefold() in _CALLS for name, value in said.items()):
            return True
        if any(str(part.get("type")) in _CALL_PARTS for part in _objects(said.get("content"))):
            return True
    return False


def _objects(values: object) -> list[Mapping[str, Any]]:
    """The JSON objects in a list; none if it is no list."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
