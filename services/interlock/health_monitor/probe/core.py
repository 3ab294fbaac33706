"""Which models are called, when, and what an answer is worth. Pure.

Every model on a ladder is called once an interval, whether it serves traffic or not. The calls are spread evenly over the
interval and have no jitter: models in the order of their names, each at its own place. A model that safety denied is not called;
nobody may use it, so nobody needs to know how it is.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from interlock.policy.book import Book
from interlock.records.health import Outcome
from interlock.records.models import Model
from interlock.records.outcomes import classify, error_code
from interlock.vocabulary.identifiers import ANY, RouteId
from interlock.vocabulary.time import Micros

ROUTE = RouteId("probe", "main", ANY)
"""In whose name the probe reports: it calls for no agent."""


def models_in(book: Book) -> dict[str, Model]:
    """Every model to be called, by name; where policies differ about one, as the policy that was issued last has it."""
    policies = sorted((held.value for held in book.policies.values()), key=lambda policy: policy.issued_at)
    found = {rung.model.name: rung.model for policy in policies for rule in policy.routes for rung in rule.ladder}
    return {name: model for name, model in found.items() if name not in book.denials}


def due(names: Iterable[str], last: Micros, now: Micros, interval: Micros) -> list[str]:
    """The models to be called now.

    Args:
        names: The models there are.
        last: When this was asked before.
        now: The time.
        interval: How often each is called.
    """
    ordered = sorted(names)
    return [
        name
        for place, name in enumerate(ordered)
        if (now - interval * place // len(ordered)) // interval > (last - interval * place // len(ordered)) // interval
    ]


def request_for(model: Model) -> dict[str, Any]:
    """The smallest chat completion there is: one word in, at most one token out."""
    return {
        "model": model.served_as,
        "messages": [{"role": "user", "content": "ping"}],
        "max_tokens": 1,
        "stream": False,
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP reply amounts to.

    Attributes:
        outcome: How the call ended. An answer by another model, or by one that does not say which it is, counts as `model_gone`:
            what was approved is not there any more. Gateways judge it the same.
        named: The model's name in the reply; None if it gave none.
    """

    outcome: Outcome
    named: str | None = None


def judge(model: Model, status: int, body: bytes) -> Answer:
    """Read a reply. Never raises, whatever the bytes."""
    outcome = classify(status, error_code(body))
    if outcome is not Outcome.OK:
        return Answer(outcome)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(Outcome.SERVER_ERROR)
    if not isinstance(document, dict) or isinstance(document.get("error"), dict):
        return Answer(Outcome.SERVER_ERROR)
    named = document.get("model")
    if not isinstance(named, str):
        return Answer(Outcome.MODEL_GONE)
    return Answer(Outcome.OK if model.answers_to(named) else Outcome.MODEL_GONE, named)
