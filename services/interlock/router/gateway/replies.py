"""The form of what an agent is told: marks on every reply, errors and lists in OpenAI's shape.

The marks are headers, so a client that knows nothing of Interlock is undisturbed and one that does needs no other source.
"""

import json
from typing import Any

from interlock.records.rules import SafeState
from interlock.router.answers import Serve, Stop
from interlock.router.gateway.faults import Fault
from interlock.vocabulary.identifiers import RouteId

NORMAL = "normal"
"""The state of a route that is in no safe state."""

_KINDS = {202: "human_queue", 401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def marks(answer: Serve | Stop) -> dict[str, str]:
    """The headers that say which model serves a request and why it is that one; where a route stops none does.

    `x-interlock-state` is `normal` or the name of the safe state; `x-interlock-canary` is there only while a canary runs.
    """
    told = {"x-interlock-agent": answer.route.agent, "x-interlock-change": answer.change_id}
    if isinstance(answer, Stop):
        return {**told, "x-interlock-state": answer.state}
    state = SafeState.READ_ONLY if answer.read_only else NORMAL
    canary = {"x-interlock-canary": answer.canary} if answer.canary else {}
    return {**told, **canary, **by(answer.model.name, substituted=answer.substituted), "x-interlock-state": state}


def by(model: str, *, substituted: bool) -> dict[str, str]:
    """The headers that say which model gave an answer."""
    return {"x-interlock-model": model, "x-interlock-substituted": "true" if substituted else "false"}


def error_body(fault: Fault) -> bytes:
    """A fault as OpenAI's clients expect to read it, JSON in UTF-8."""
    return json.dumps({"error": fault_object(fault)}).encode()


def fault_object(fault: Fault) -> dict[str, Any]:
    """The error object itself."""
    kind = _KINDS.get(fault.status, "invalid_request_error" if fault.status < 500 else "api_error")
    return {"message": fault.message, "type": kind, "param": fault.param, "code": fault.code}


def error_event(fault: Fault) -> bytes:
    """A fault as the last event of a stream that has begun."""
    return b"data: " + error_body(fault) + b"\n\n"


def model_list(route: RouteId, answer: Serve | Stop) -> dict[str, Any]:
    """What `/v1/models` tells an agent: its own name, and the model that serves it now; nothing in a safe state."""
    if isinstance(answer, Stop):
        return {"object": "list", "data": []}
    owners = {route.agent: "interlock", answer.model.name: answer.model.provider}
    entries = [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name, owner in owners.items()]
    return {"object": "list", "data": entries}
