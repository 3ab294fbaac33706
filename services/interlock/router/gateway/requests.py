"""What an agent may ask: everything but which model answers.

The client's `model` is overridden. A field or header that asks for routing is refused by name rather than dropped, so that nobody
believes it had an effect. Field names are compared without regard to case: some servers read JSON that way, and `"Model"` beside
our `"model"` would choose for them. Everything else is the agent's business and passes through.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from interlock.records.models import Model
from interlock.router.gateway.faults import Fault, routing_field

ROUTING_FIELDS = frozenset(
    {
        *("fallbacks", "models", "route", "provider", "providers", "preset"),  # OpenRouter, Anthropic
        *("context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"),  # LiteLLM
        *(
            "api_base",
            "base_url",
            "api_key",
            "user_config",
            "router_settings_override",
        ),  # LiteLLM: another server or key
    }
)
"""Fields with which peers let a caller choose, add or fall back to models."""

ROUTING_HEADERS = frozenset({"x-portkey-config", "x-portkey-custom-host", "x-portkey-provider", "x-ai-eg-model"})
"""Headers that do the same."""

_BETA_HEADER = "anthropic-beta"
_BETA_PREFIX = "server-side-fallback"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be sent to whichever model serves its route."""

    fields: Mapping[str, Any]
    streamed: bool

    def body_for(self, model: Model) -> bytes:
        """The body that the model's server gets: the agent's, with the approved model's name in it."""
        return json.dumps({**self.fields, "model": model.served_as}, ensure_ascii=False, allow_nan=False).encode()


def read_request(body: bytes, headers: Iterable[tuple[str, str]]) -> Request | Fault:
    """Read a chat completion request, or say why it is refused. Never raises.

    Args:
        body: The HTTP body.
        headers: The HTTP headers, as they came.
    """
    routing = _routing_header(headers)
    if routing is not None:
        return routing_field(routing)
    try:
        fields = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Fault(400, "invalid_json", "The body is not JSON.")
    if not isinstance(fields, dict):
        return Fault(400, "invalid_request", "The body must be a JSON object.")
    for name in fields:
        folded = name.casefold()
        if folded in ROUTING_FIELDS or (folded == "model" and name != "model"):
            return routing_field(name)
    streamed = fields.get("stream") or False
    if not isinstance(streamed, bool):
        return Fault(400, "invalid_request", "`stream` must be true or false.", "stream")
    return Request(fields, streamed)


def _routing_header(headers: Iterable[tuple[str, str]]) -> str | None:
    for name, value in headers:
        folded = name.lower()
        if folded in ROUTING_HEADERS:
            return folded
        if folded == _BETA_HEADER and any(beta.strip().lower().startswith(_BETA_PREFIX) for beta in value.split(",")):
            return folded
    return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
