"""The page of settings: every key of every service's settings file."""

import inspect
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Any

from pydantic import BaseModel

from interlock.decision.settings import DecisionSettings
from interlock.health_monitor.probe.settings import ProbeSettings
from interlock.health_monitor.settings import HealthMonitorSettings
from interlock.notifier.settings import NotifierSettings
from interlock.router.gateway.settings import GatewaySettings
from interlock.runtime import fields, settings
from interlock.runtime.first_settings import OPERATOR
from interlock.runtime.settings import ServiceSettings
from interlock.vocabulary.time import Micros, duration_text
from interlock.watch.settings import WatchSettings
from pages.markdown import table
from pages.source import attributes, body, constants, summary

FILES: Mapping[str, type[ServiceSettings]] = MappingProxyType(
    {
        "decision": DecisionSettings,
        "health-monitor": HealthMonitorSettings,
        "probe": ProbeSettings,
        "notifier": NotifierSettings,
        "watch": WatchSettings,
        "gateway": GatewaySettings,
    }
)
"""The class of each service's file in a workspace's `settings/`."""

_KINDS = {repr(each.value): each for each in constants(fields)}
_PLAIN = {str: "text", int: "whole number", Path: "path"}
_BOUNDS = (("ge", "at least"), ("le", "at most"), ("pattern", "as"), ("min_length", "length at least"))


def page() -> str:
    """One TOML file for each service, overridden from the environment, read once at the start."""
    shared = _rows(ServiceSettings)
    sections = [f"## Every file, and settings/{OPERATOR}.toml", summary(ServiceSettings), _table(shared)]
    for name, kind in FILES.items():
        own = [row for row in _rows(kind) if row not in shared]
        sections += [f"## settings/{name}.toml", f"{summary(kind)} Beside the keys of every file:", _table(own)]
        for inner in _tables(kind):
            sections += [f"### {inner.__name__}", summary(inner), _table(_rows(inner))]
    text = "\n\n".join(sections)
    kinds = [(f"`{each.name}`", each.doc) for each in _KINDS.values() if f"`{each.name}`" in text]
    return "\n\n".join([body(settings), table(("kind of value", "how it is written"), kinds), text])


Row = tuple[str, str, str, str]


def _table(rows: list[Row]) -> str:
    return table(("key", "kind", "default", "what it is"), rows)


def _rows(kind: type[BaseModel]) -> list[Row]:
    docs, hints = attributes(kind), typing.get_type_hints(kind, include_extras=True)
    return [
        (f"`{key}`", _kind(hints[key]) + _bounds(field.metadata), _default(hints[key], field), docs[key])
        for key, field in kind.model_fields.items()
    ]


def _tables(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """The settings classes that stand inside one, as a table or as a list of tables."""
    hints = [field.annotation for field in kind.model_fields.values()]
    found = [inner for hint in hints for inner in (hint, *typing.get_args(hint))]
    return [inner for inner in found if inspect.isclass(inner) and issubclass(inner, BaseModel)]


def _kind(hint: Any) -> str:
    if repr(hint) in _KINDS:
        return f"`{_KINDS[repr(hint)].name}`"
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in inner)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin in {typing.Annotated, typing.Union, UnionType}:
        return _kind(inner[0])
    return _PLAIN.get(hint) or f"[`{hint.__name__}`](#{hint.__name__.lower()})"


def _bounds(metadata: list[Any]) -> str:
    rules = [rule for each in metadata for rule in (each, *getattr(each, "metadata", ()))]
    return "".join(
        f", {word} `{getattr(rule, name)}`" for name, word in _BOUNDS for rule in rules if getattr(rule, name, None)
    )


def _default(hint: Any, field: Any) -> str:
    value = field.default
    if field.is_required():
        return "must be set"
    if value is None or isinstance(value, BaseModel):
        return "none" if value is None else "as below"
    if hint == fields.Duration:
        value = duration_text(Micros(value))
    return f"`{json.dumps(value if isinstance(value, int) else str(value))}`"
