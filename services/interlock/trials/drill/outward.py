"""How each safe state looks to an agent: what the gateway must answer when no model may. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.records.rules import SafeState
from interlock.router.gateway.faults import SAFE_SHUTDOWN_CODE, SAFE_STATE_CODE
from interlock.router.gateway.safe_states import HUMAN_QUEUE_CODE
from interlock.trials.steady_client import Reply


@dataclass(frozen=True, slots=True)
class Form:
    """An answer that no model gave.

    Attributes:
        status: The HTTP status.
        code: The code of its error object; empty: it is an answer.
        words: What that is, for people.
    """

    status: int
    code: str
    words: str


FORMS: Mapping[SafeState, Form] = {
    SafeState.SUSPEND: Form(403, SAFE_STATE_CODE, "a refusal that client libraries do not repeat"),
    SafeState.HUMAN_QUEUE: Form(202, HUMAN_QUEUE_CODE, "a ticket, and the request is kept for a person"),
    SafeState.CACHED_RESPONSE: Form(403, SAFE_STATE_CODE, "a refusal, but for what was answered before"),
    SafeState.TEMPLATED_REPLY: Form(200, "", "the text that governance signed"),
    SafeState.SAFE_SHUTDOWN: Form(503, SAFE_SHUTDOWN_CODE, "told to stay away, and the connection is closed"),
}
"""By safe state, what a request is answered with that was never asked before. In `read_only` a model does answer."""


def otherwise(state: SafeState, reply: Reply, text: str) -> str:
    """In what a reply is not the form of a safe state; empty: it is.

    Args:
        state: The safe state.
        reply: What the agent was answered.
        text: What governance signed for `templated_reply`.
    """
    form = FORMS[state]
    if reply.state != state:
        return f"it is marked {reply.state or 'with no state'!r}"
    if reply.status != form.status:
        return f"it has the status {reply.status}, not {form.status}"
    if reply.model:
        return f"it names {reply.model} as the model that answered"
    if form.code and code_of(reply.said) != form.code:
        return f"its code is {code_of(reply.said)!r}, not {form.code}"
    if state is SafeState.TEMPLATED_REPLY and text.encode() not in reply.said:
        return "it is not the text that was signed"
    if state is SafeState.HUMAN_QUEUE and not reply.ticket:
        return "it bears no ticket"
    if state is SafeState.SAFE_SHUTDOWN and reply.told.get("x-should-retry") != "false":
        return "it does not tell client libraries to stay away"
    return ""


def code_of(said: bytes) -> str:
    """The code of an error object; empty where there is none."""
    try:
        return str(json.loads(said)["error"]["code"])
    except (ValueError, TypeError, KeyError):
        return ""
