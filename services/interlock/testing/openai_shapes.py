"""The documents that a server of the OpenAI API answers with: completions, chunks of them, errors. Pure."""

from typing import Any

_WORDS = ("a", "short", "answer", "of", "a", "few", "words.")
_PROMPT_TOKENS = 4

_CALL = {"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}

_ERRORS = {
    400: ("The content is not allowed.", "content_policy_violation"),
    401: ("Incorrect API key provided: {shown}.", "invalid_api_key"),
    404: ("The model does not exist.", "model_not_found"),
    429: ("Rate limit reached.", "rate_limit_exceeded"),
    500: ("The server had an error.", "server_error"),
}


def completion(frame: dict[str, Any], author: str, finish: str) -> dict[str, Any]:
    """A whole answer.

    Args:
        frame: Its `id`, `created` and `model`.
        author: Who signs the answer's text.
        finish: Its finish reason; `tool_calls`: it calls a tool, too.
    """
    message: dict[str, Any] = {"role": "assistant", "content": f"{author}: {' '.join(_WORDS)}", **_calls(finish)}
    tokens = len(_WORDS)
    usage = {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": tokens, "total_tokens": _PROMPT_TOKENS + tokens}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"object": "chat.completion", **frame, "choices": [choice], "usage": usage}


def chunks(frame: dict[str, Any], author: str, finish: str) -> list[dict[str, Any]]:
    """The same answer in the pieces of a stream; the last one finishes it."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": f"{author}:"}]
    deltas += [{"content": f" {word}"} for word in _WORDS]
    deltas += [calls] if (calls := _calls(finish, index=0)) else []
    pieces: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    pieces.append({"index": 0, "delta": {}, "finish_reason": finish})
    return [{"object": "chat.completion.chunk", **frame, "choices": [piece]} for piece in pieces]


def error(status: int, shown: str) -> dict[str, Any]:
    """An error; like some providers, it repeats the key that was shown."""
    message, code = _ERRORS[status]
    told = {"message": message.format(shown=shown), "type": code, "param": None, "code": code}
    return {"error": told}


def _calls(finish: str, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{**_CALL, **more}]} if finish == "tool_calls" else {}
