"""What can go wrong with a request, in the words that an agent is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.records.health import Outcome
from interlock.records.models import Model
from interlock.records.outcomes import classify
from interlock.router.answers import Stop
from interlock.vocabulary.limits import TICKET_BYTES_MAX

SAFE_STATE_CODE = "interlock_safe_state"
SAFE_SHUTDOWN_CODE = "interlock_safe_shutdown"
NOT_KEPT_CODE = "interlock_ticket_not_kept"
TOO_LARGE_CODE = "request_too_large"
TOOL_CALL_CODE = "interlock_tool_call"
OTHER_MODEL_CODE = "interlock_other_model"
ROUTING_FIELD_CODE = "interlock_routing_field"

TEXT_CHARS_MAX = 2_000
"""How much of a provider's error text is passed on."""

_HIDDEN = "[hidden]"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request brings no answer, in OpenAI's terms.

    Attributes:
        status: The HTTP status.
        code: What a program can match on.
        message: What a person reads.
        param: The field of the request at fault, if it is one.
    """

    status: int
    code: str
    message: str
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A call of a model that brought no usable answer: its outcome, and what the agent is told."""

    outcome: Outcome
    fault: Fault


def unknown_key() -> Fault:
    """The request's key belongs to no agent."""
    message = "This API key belongs to no agent of this gateway. Send the agent's own key as a bearer token."
    return Fault(401, "invalid_api_key", message)


def routing_field(name: str) -> Fault:
    """The request asks for routing."""
    message = (
        f"{name!r} asks for routing, which is decided by signed policy alone. Send the request again without it; "
        "the reply's x-interlock-model header names the model that answered."
    )
    return Fault(400, ROUTING_FIELD_CODE, message, name)


def safe_state(stop: Stop) -> Fault:
    """No model may answer: status 403, which client libraries do not try again."""
    message = (
        f"{stop.route.key} is in its safe state ({stop.state}): no approved model may serve it now. Reason: {stop.reason}. "
        "Asking again does not help until the route is changed."
    )
    return Fault(403, SAFE_STATE_CODE, message)


def safe_shutdown(stop: Stop) -> Fault:
    """The route is being shut down: whoever comes now is told to stay away, not to come again."""
    message = (
        f"{stop.route.key} is shut down safely: requests in hand are finished and no more are taken. Reason: {stop.reason}. "
        "Do not ask again; the agent's owner or an operator must order `resume`."
    )
    return Fault(503, SAFE_SHUTDOWN_CODE, message)


def too_large(bytes_max: int) -> Fault:
    """The request is larger than the gateway reads."""
    return Fault(413, TOO_LARGE_CODE, f"The request is larger than the {bytes_max:,} bytes that this gateway takes.")


def ticket_too_large(stop: Stop, size: int) -> Fault:
    """The request would go to a person, and is larger than what is kept for one."""
    message = (
        f"{stop.route.key} sends its requests to a person (human_queue), who gets no more than {TICKET_BYTES_MAX:,} bytes; "
        f"this request has {size:,}. It was not kept: send a shorter one."
    )
    return Fault(413, TOO_LARGE_CODE, message)


def not_kept(stop: Stop) -> Fault:
    """The request should go to a person, and could not be kept for one: it is not known to be safe, so no ticket is given."""
    message = (
        f"{stop.route.key} sends its requests to a person (human_queue), but this one could not be kept: nobody will answer it. "
        "Send it again later, or take it to a person yourself."
    )
    return Fault(503, NOT_KEPT_CODE, message)


def late() -> Failed:
    """The server's time was over before it said anything."""
    message = "The model's server did not answer in time."
    return Failed(classify(None, timed_out=True), Fault(504, "upstream_timeout", message))


def unreachable() -> Failed:
    """There is no connection, or it broke."""
    message = "The model's server cannot be reached, or closed the connection."
    return Failed(classify(None), Fault(502, "upstream_unreachable", message))


def stalled(patience: str) -> Failed:
    """The server fell silent in the middle of its answer, for that long."""
    message = f"The model's server stopped in the middle of its answer for {patience}."
    return Failed(Outcome.STREAM_STALL, Fault(504, "upstream_stalled", message))


def unreadable(what: str) -> Failed:
    """The reply is no reply to what was asked."""
    return Failed(Outcome.SERVER_ERROR, Fault(502, "upstream_unreadable", f"The model's server {what}."))


def no_credential(model: Model) -> Failed:
    """The gateway has no key for the model's server."""
    message = f"The gateway has no credential for {model.name}; its operator has been told."
    return Failed(Outcome.CREDENTIAL, Fault(502, "interlock_no_credential", message))


def other_model(named: str, model: Model) -> Failed:
    """Another model answered, or one that did not say which it is: what was approved is gone."""
    who = f"named itself {named!r}" if named else "did not name itself"
    message = f"{model.name} is approved here, but the model that answered {who}. Its answer was withheld."
    return Failed(Outcome.MODEL_GONE, Fault(502, OTHER_MODEL_CODE, message))


def tool_call(model: Model) -> Failed:
    """A model called a tool although none was offered: the agent would carry the call out."""
    message = f"{model.name} called a tool although the route is read_only. The rest of its answer was withheld."
    return Failed(Outcome.SCHEMA_FAILURE, Fault(502, TOOL_CALL_CODE, message))


def upstream_error(status: int, error: Mapping[str, Any] | None, credential: str) -> Fault:
    """A provider's own error, handed on with its status.

    Args:
        status: The provider's HTTP status; 502 is told where it is none of an error.
        error: The error object in its body, if there was one.
        credential: The gateway's key for that provider: providers repeat keys in their errors, and agents must not see it.
    """
    told = error or {}
    message = str(told.get("message") or f"The model's server answered with status {status}.")
    code, param = told.get("code"), told.get("param")
    return Fault(
        status=status if status >= 400 else 502,
        code=_hide(str(code), credential) if code else "upstream_error",
        message=_hide(message, credential),
        param=_hide(param, credential) if isinstance(param, str) else None,
    )


def _hide(text: str, credential: str) -> str:
    return (text.replace(credential, _HIDDEN) if credential else text)[:TEXT_CHARS_MAX]
