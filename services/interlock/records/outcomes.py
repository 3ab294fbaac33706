"""From an HTTP reply of a model server to an outcome class: gateway and probe must call the same thing by the same name.

The provider's own word (the error's `code` or `type`) is asked before the status where one status means two things: a 429 for a
rate limit passes by itself, one for an empty account does not; a 400 may be the caller's mistake or a content policy's refusal.
A status that nobody foresaw counts against whoever the status's class names.
"""

import json

from interlock.records.health import Outcome

ERROR_BODY_BYTES_MAX = 65_536
"""An error's description longer than this is not one, and is not parsed."""

_QUOTA_CODES = frozenset({"insufficient_quota", "quota_exceeded", "billing_hard_limit_reached", "billing_not_active"})
_REFUSAL_CODES = frozenset({"content_filter", "content_policy", "content_policy_violation"})
_BY_STATUS = {
    401: Outcome.CREDENTIAL,
    402: Outcome.QUOTA,
    403: Outcome.CREDENTIAL,
    404: Outcome.MODEL_GONE,
    408: Outcome.TIMEOUT,
    410: Outcome.MODEL_GONE,
    429: Outcome.THROTTLED,
    504: Outcome.TIMEOUT,
}


def classify(status: int | None, code: str = "", *, timed_out: bool = False) -> Outcome:
    """Name the outcome of one call.

    Args:
        status: The HTTP status; None if no reply came.
        code: The provider's word for the error, see `error_code`; empty if it gave none.
        timed_out: Without a reply: whether the caller's patience ended, rather than the connection.
    """
    if status is None:
        return Outcome.TIMEOUT if timed_out else Outcome.CONNECTION
    if 200 <= status < 300:
        return Outcome.OK
    if 400 <= status < 500 and code in _REFUSAL_CODES:
        return Outcome.POLICY_REFUSAL
    if 400 <= status < 500 and code in _QUOTA_CODES:
        return Outcome.QUOTA
    if 400 <= status < 500:
        return _BY_STATUS.get(status, Outcome.CALLER_FAULT)
    return _BY_STATUS.get(status, Outcome.SERVER_ERROR)


def error_code(body: bytes) -> str:
    """The `code`, or else the `type`, of an OpenAI-style error body, in lower case; empty if it has neither. Never raises."""
    if len(body) > ERROR_BODY_BYTES_MAX:
        return ""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return ""
    said = (error.get("code"), error.get("type"))
    return next((word.lower() for word in said if isinstance(word, str) and word), "")
