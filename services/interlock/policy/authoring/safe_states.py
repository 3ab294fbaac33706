"""The safe state as it is written: a word where the word says everything, a mapping where the state needs more.

safe_state: human_queue
safe_state: {read_only: {model: atlas-large}}
safe_state: {templated_reply: {text: "We shall call you back."}}
safe_state: {cached_response: {max_age: 10m}}
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from interlock.policy.authoring.document import Document
from interlock.policy.authoring.fields import ModelName, Passage, PositiveDuration, refuse, repeated
from interlock.records.rules import SafeReply, SafeState

_NEEDY = {
    SafeState.READ_ONLY: "{read_only: {model: atlas-large}}",
    SafeState.TEMPLATED_REPLY: '{templated_reply: {text: "We shall call you back."}}',
    SafeState.CACHED_RESPONSE: "{cached_response: {max_age: 10m}}",
}
"""The states that need more than their name."""


class ReadOnly(Document):
    """A named model of the ladder answers, its tools stripped."""

    model: ModelName = Field(examples=["atlas-large"])


class TemplatedReply(Document):
    """A text that governance signs with the policy."""

    text: Passage = Field(examples=['"We shall call you back."'])


class CachedResponse(Document):
    """An earlier answer to the same request, marked as such."""

    max_age: PositiveDuration = Field(examples=["10m"])


class SafeStateEntry(Document):
    """One safe state, and what it needs."""

    word: Literal[SafeState.SUSPEND, SafeState.HUMAN_QUEUE, SafeState.SAFE_SHUTDOWN] | None = None
    read_only: ReadOnly | None = Field(default=None, examples=["{model: atlas-large}"])
    templated_reply: TemplatedReply | None = Field(default=None, examples=['{text: "We shall call you back."}'])
    cached_response: CachedResponse | None = Field(default=None, examples=["{max_age: 10m}"])

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if isinstance(value, Mapping):
            return _only_one(value)
        state = next((state for state in SafeState if state == value), None)
        if state is None:
            refuse(f"the safe state {repeated(value)} is not known", f"Write one of: {', '.join(SafeState)}.")
        if state in _NEEDY:
            refuse(f"{state} needs more than its name", f"Write `safe_state: {_NEEDY[state]}`, with your own value.")
        return {"word": state}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A word, or a mapping with exactly one name in it; the field `word` itself is never written."""
        made = handler.resolve_ref_schema(handler(core_schema))
        needy = {str(state): _without_null(made["properties"][state]) for state in _NEEDY}
        words = {"type": "string", "enum": [str(state) for state in SafeState if state not in _NEEDY]}
        one = {
            "type": "object",
            "properties": needy,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return {"description": made["description"], "anyOf": [words, one]}

    @property
    def state(self) -> SafeState:
        """Which one it is."""
        return self.word or next(state for state in _NEEDY if getattr(self, state) is not None)

    @property
    def reply(self) -> SafeReply:
        """What it needs, as it is signed."""
        return SafeReply(
            model=self.read_only.model if self.read_only else "",
            text=self.templated_reply.text if self.templated_reply else "",
            cache_us=self.cached_response.max_age if self.cached_response else SafeReply().cache_us,
        )


def _without_null(part: dict[str, Any]) -> dict[str, Any]:
    return {**part["anyOf"][0], "examples": part["examples"]}


def _only_one(value: Mapping[str, Any]) -> Mapping[str, Any]:
    named = ", ".join(value) or "none"
    if len(value) != 1 or next(iter(value)) not in _NEEDY or next(iter(value.values())) is None:
        refuse(f"a safe state is one of its names with what it needs, not {named}", f"Write one of: {_forms()}.")
    return value


def _forms() -> str:
    words = [str(state) for state in SafeState if state not in _NEEDY]
    return ", ".join([*words, *_NEEDY.values()])
