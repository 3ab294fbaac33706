"""What an agent may ask: everything but which model answers.

The client's `model` is overridden. A field or header that asks for routing is refused by name rather than dropped, so that nobody
believes it had an effect. Field names are compared without regard to case: some servers read JSON that way, and `"Model"` beside
our `"model"` would choose for them. Everything else is the agent's business and passes through, but for tools while a route is
`read_only`.

What keeps the requests of one conversation on one model during a canary is the *request key*: the header `x-interlock-request-key`,
or else the `user` field, which most clients send already. It cannot choose more than one of two approved models, and what bears
none stays with the model that is to be left.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
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

TOOL_FIELDS = frozenset(
    {
        *("tools", "tool_choice", "functions", "function_call", "parallel_tool_calls"),  # OpenAI, now and before
        *("web_search_options", "plugins", "mcp_servers"),  # tools that the provider's side runs
    }
)
"""Fields with which a request lets a model act rather than answer."""

REQUEST_KEY_HEADER = "x-interlock-request-key"
"""What an agent names a conversation by, so that a canary keeps it on one model."""

REQUEST_KEY_CHARS_MAX = 256
"""A longer key names nothing: it is taken for none, so that a slip cannot cost a reply."""

NESTING_MAX = 100
"""Levels of a request: the deepest schemas of tools have some twenty. What is deeper might be read, and then not be written again."""

_BETA_HEADER = "anthropic-beta"
_BETA_PREFIX = "server-side-fallback"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be sent to whichever model serves its route.

    Attributes:
        fields: What it asks for.
        streamed: Whether events are asked for.
        key: What keeps it on one model with others during a canary; None: nothing does.
        body: The bytes as they came.
    """

    fields: Mapping[str, Any]
    streamed: bool
    key: str | None
    body: bytes

    def body_for(self, model: Model, *, read_only: bool = False) -> bytes:
        """The body that the model's server gets: the agent's, with the approved model's name in it.

        Args:
            model: Who is asked.
            read_only: Whether everything by which it could act is left out.
        """
        left_out = TOOL_FIELDS if read_only else frozenset[str]()
        fields = {name: value for name, value in self.fields.items() if name.casefold() not in left_out}
        return json.dumps({**fields, "model": model.served_as}, allow_nan=False).encode()

    def canonical(self) -> bytes:
        """The same bytes for every spelling of the same request; the `model` that the agent names makes no difference."""
        fields = {name: value for name, value in self.fields.items() if name != "model"}
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def read_request(body: bytes, headers: Iterable[tuple[str, str]]) -> Request | Fault:
    """Read a chat completion request, or say why it is refused. Never raises.

    Args:
        body: The HTTP body.
        headers: The HTTP headers, as they came.
    """
    known = [(name.lower(), value) for name, value in headers]
    routing = _routing_header(known)
    if routing is not None:
        return routing_field(routing)
    try:
        fields = json.loads(body, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return Fault(400, "invalid_json", "The body is not JSON.")
    if not isinstance(fields, dict):
        return Fault(400, "invalid_request", "The body must be a JSON object.")
    if _too_deep(fields):
        return Fault(400, "invalid_request", f"The body is nested more than {NESTING_MAX} levels deep.")
    for name in fields:
        folded = name.casefold()
        if folded in ROUTING_FIELDS or (folded == "model" and name != "model"):
            return routing_field(name)
    streamed = fields.get("stream") or False
    if not isinstance(streamed, bool):
        return Fault(400, "invalid_request", "`stream` must be true or false.", "stream")
    return Request(fields, streamed, _request_key(known, fields), body)


def _too_deep(fields: Mapping[str, Any]) -> bool:
    """Whether a document has more levels than `NESTING_MAX`; level by level, so that no depth is too much for this."""
    level: list[Any] = [fields]
    for _ in range(NESTING_MAX):
        inner = chain.from_iterable(each.values() if isinstance(each, dict) else each for each in level)
        level = [each for each in inner if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _request_key(headers: Iterable[tuple[str, str]], fields: Mapping[str, Any]) -> str | None:
    """The first of header and field that can be a key: printable, so that it is the same text wherever it is hashed."""
    named = next((value for name, value in headers if name == REQUEST_KEY_HEADER), None)
    for said in (named, fields.get("user")):
        if isinstance(said, str) and 0 < len(said) <= REQUEST_KEY_CHARS_MAX and said.isprintable():
            return said
    return None


def _routing_header(headers: Iterable[tuple[str, str]]) -> str | None:
    for name, value in headers:
        if name in ROUTING_HEADERS:
            return name
        if name == _BETA_HEADER and any(beta.strip().lower().startswith(_BETA_PREFIX) for beta in value.split(",")):
            return name
    return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """A number as it stands in JSON; one that no float can hold could not be sent on."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
