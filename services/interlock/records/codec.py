"""Dataclasses to Avro and back.

The schema is looked up by the class's name, so a record and its schema cannot drift apart unnoticed: the contract test encodes
every class. cattrs does the mapping; a value outside its bounds makes the dataclass raise, which is answered as a `Reason`.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin
from weakref import WeakValueDictionary

from cattrs import Converter
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from interlock.records.audit import AuditRecord
from interlock.records.change import Acknowledgement, Check, Heartbeat, RoutingChange
from interlock.records.commands import Command
from interlock.records.documents import Denial, RoutePolicy
from interlock.records.health import GuardBeat, TelemetryBatch, Verdict
from interlock.records.models import Evidence, Registration
from interlock.records.rules import RouteRule
from interlock.records.state import StateMark, StateRecord
from interlock.records.telling import Breach, Finding, Notice, Ticket
from interlock.signing.statement import Statement
from interlock.signing.trust import TrustRoot
from interlock.vocabulary.limits import MOMENT_US_MAX
from interlock.vocabulary.payloads import PayloadType
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire import codec

T = TypeVar("T")

CLASS_OF: dict[PayloadType, type[Statement]] = {
    PayloadType.TRUST_ROOT: TrustRoot,
    PayloadType.REGISTRATION: Registration,
    PayloadType.EVIDENCE: Evidence,
    PayloadType.ROUTE_POLICY: RoutePolicy,
    PayloadType.DENIAL: Denial,
    PayloadType.COMMAND: Command,
    PayloadType.TELEMETRY: TelemetryBatch,
    PayloadType.GUARD_BEAT: GuardBeat,
    PayloadType.VERDICT: Verdict,
    PayloadType.AUDIT_RECORD: AuditRecord,
    PayloadType.ROUTING_CHANGE: RoutingChange,
    PayloadType.HEARTBEAT: Heartbeat,
    PayloadType.ACKNOWLEDGEMENT: Acknowledgement,
    PayloadType.STATE_RECORD: StateRecord,
    PayloadType.STATE_MARK: StateMark,
    PayloadType.TICKET: Ticket,
    PayloadType.NOTICE: Notice,
    PayloadType.BREACH: Breach,
    PayloadType.FINDING: Finding,
}
TYPE_OF = {record: kind for kind, record in CLASS_OF.items()}

_converter = Converter(detailed_validation=False)
_converter.register_unstructure_hook_func(
    lambda kind: kind == Mapping[int, int],  # Avro's maps have string keys
    lambda counts: {str(bucket): count for bucket, count in counts.items()},
)
_unstructure_change = make_dict_unstructure_fn(RoutingChange, _converter, verification=override(omit=True))


def _structure_micros(value: Any, _: type) -> Micros:
    """A time that a calendar can show: every reader of it, here and elsewhere, may then write it down."""
    if not isinstance(value, int) or not 0 <= value <= MOMENT_US_MAX:
        raise ValueError("a time is out of bounds")
    return Micros(value)


_converter.register_structure_hook(Micros, _structure_micros)

# Zero has two signs that are equal and are not written alike: what is equal must be one in every way.
_converter.register_structure_hook(float, lambda value, _: float(value) + 0.0)


def _structure_many(kind: Any, converter: Converter) -> Callable[[Any, Any], tuple[Any, ...]]:
    """A tuple of any length: what its items need is looked up once, and names, which Avro has as text, need nothing."""
    item, _ = get_args(kind)
    if item is str:
        return lambda value, _: tuple(value)
    structure = converter.get_structure_hook(item)
    return lambda value, _: tuple([structure(each, item) for each in value])


def _structure_member(kind: type[StrEnum], _: Converter) -> Callable[[Any, Any], StrEnum]:
    """One of a closed list of words; another one is out of bounds."""
    members = {member.value: member for member in kind}
    return lambda value, _: members[value]


def _is_many(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


def _is_word(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


_converter.register_structure_hook_factory(_is_many)(_structure_many)
_converter.register_structure_hook_factory(_is_word)(_structure_member)

_checks: WeakValueDictionary[tuple[Any, ...], Check] = WeakValueDictionary()


def _one_check(value: Any, _: type[Check]) -> Check:
    """A check; one that is equal to one held already is that one: a change shows dozens, and so does the next one."""
    said = value["model"], value["check"], value["passed"], value["detail"]
    held = _checks.get(said)
    return held if held is not None else _checks.setdefault(said, Check(*said))


_converter.register_structure_hook(Check, _one_check)

_rules: WeakValueDictionary[int, RouteRule] = WeakValueDictionary()
_structure_rule = make_dict_structure_fn(RouteRule, _converter)


def _one_rule(value: Any, kind: type[RouteRule]) -> RouteRule:
    """A route's rule; one that is equal to one held already is that one: thousands of agents may share a ladder."""
    rule = _structure_rule(value, kind)
    held = _rules.setdefault(hash(rule), rule)
    return held if held == rule else rule


_converter.register_structure_hook(RouteRule, _one_rule)


def encode(record: Any) -> bytes:
    """Encode a record dataclass under the schema of its name. Of a change the checks are encoded once, wherever else they stand."""
    if isinstance(record, RoutingChange):
        checks = [check.encoded for check in record.verification]
        return codec.encode_around("RoutingChange", _unstructure_change(record), "verification", checks)
    return codec.encode(type(record).__name__, _converter.unstructure(record))


def decode(data: bytes, record: type[T]) -> T | Reason:
    """Decode bytes that must hold a record of the given class. Never raises."""
    decoded = codec.decode(data)
    if isinstance(decoded, Reason):
        return decoded
    if decoded.name != record.__name__:
        return Reason.UNREADABLE
    try:
        return _converter.structure(decoded.fields, record)
    except (ValueError, TypeError, KeyError, BaseValidationError):
        return Reason.OUT_OF_BOUNDS
