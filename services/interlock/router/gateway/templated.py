"""The safe state `templated_reply`: a text that governance signed with the policy, in the form of a chat completion.

It is named so that nobody takes it for a model's: no model's name has a slash in it. A schema that the agent asked for is not kept to,
and tokens are counted as none, because no model was called.
"""

import json
from typing import Any

from interlock.vocabulary.time import SECOND, Micros

TEMPLATE_NAME = "interlock/templated_reply"
"""What stands where a model's name would."""


def completion(text: str, id: str, at: Micros) -> bytes:  # noqa: A002 - the field's own name
    """The text as a whole answer, JSON in UTF-8."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return json.dumps({**_frame("chat.completion", id, at), "choices": [choice], "usage": usage}).encode()


def stream(text: str, id: str, at: Micros) -> bytes:  # noqa: A002 - the field's own name
    """The text as a stream: one event says it, one finishes it, and the last is the end."""
    pieces: list[dict[str, Any]] = [
        {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    frame = _frame("chat.completion.chunk", id, at)
    events = [json.dumps({**frame, "choices": [piece]}).encode() for piece in pieces]
    return b"".join(b"data: " + event + b"\n\n" for event in (*events, b"[DONE]"))


def _frame(kind: str, id: str, at: Micros) -> dict[str, Any]:  # noqa: A002 - the field's own name
    return {"id": id, "object": kind, "created": at // SECOND, "model": TEMPLATE_NAME}
