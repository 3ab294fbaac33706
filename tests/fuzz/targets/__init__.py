"""Where each target is. A module is imported only for one of its targets: a fault in one part hides no other's."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from fuzz.decoders import ENTRIES, RECORDS
from fuzz.target import Target

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wire": ("wire", "envelope", "trace-header"),
        "records": tuple(f"record-{name}" for name in (*RECORDS, *ENTRIES)),
        "believed": ("documents", "change", "heartbeat", "telemetry", "inputs", "log", "state-topic"),
        "gateway": ("request", "stream", "reply", "retry-after", "webhook-address"),
        "people": (
            *("sealed-file", "names", "settings", "private-key", "marks", "yaml", "policy-text"),
            *("recorded-calls", "recorded-verdicts"),
        ),
        "terminal": ("ticket",),
    }
)
"""The targets of each module."""

NAMES: tuple[str, ...] = tuple(name for names in MODULES.values() for name in names)
"""Every target."""


def load(name: str) -> Target:
    """The target of that name."""
    module = next(module for module, names in MODULES.items() if name in names)
    return next(target for target in import_module(f"fuzz.targets.{module}").TARGETS if target.name == name)
