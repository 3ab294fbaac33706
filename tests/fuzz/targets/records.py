"""Signed payloads: each class by itself, as `records.codec.decode` reads it. An input is the datum; the header is put before it."""

from collections.abc import Callable
from typing import Any

from fuzz.chance import Dice
from fuzz.decoders import ENTRIES, RECORDS
from fuzz.shapes import HEADER_BYTES, MAGIC, vary_datum
from fuzz.target import Target, broken
from fuzz.targets.world import payloads
from interlock.records import state
from interlock.records.codec import CLASS_OF, decode, encode
from interlock.signing.statement import Statement
from interlock.vocabulary.reasons import Reason
from interlock.wire.schemas import known_schemas

_CLASSES: dict[str, type[Any]] = {
    **{kind.__name__: kind for kind in CLASS_OF.values()},
    **{name: getattr(state, name) for name in ENTRIES},
}


def header(name: str) -> bytes:
    """The ten bytes before a datum of a class."""
    return MAGIC + known_schemas()[name].fingerprint


def _feed(name: str) -> Callable[[bytes], None]:
    kind, begins = _CLASSES[name], header(name)

    def feed(datum: bytes) -> None:
        found = decode(begins + datum, kind)
        if isinstance(found, Reason):
            if found not in {Reason.UNREADABLE, Reason.OUT_OF_BOUNDS}:
                raise broken(f"decode answered {found}")
            return
        if not isinstance(found, kind):
            raise broken(f"decode made a {type(found).__name__} of a {name}")
        if decode(encode(found), kind) != found:
            raise broken("what was decoded is encoded as something else")
        if isinstance(found, Statement):
            said = (found.said_by(), found.concerns())
            if not all(word is None or isinstance(word, str) for word in said):
                raise broken("a record says who speaks, or of whom, in something else than text")

    return feed


def _seeds(name: str) -> Callable[[], list[bytes]]:
    return lambda: [payload[HEADER_BYTES:] for payload in payloads(name)]


def _mutate(name: str) -> Callable[[bytes, Dice], bytes]:
    schema = known_schemas()[name].parsed
    return lambda datum, dice: vary_datum(schema, datum, dice)


TARGETS = tuple(
    Target(
        f"record-{name}",
        _feed(name),
        _seeds(name),
        _mutate(name),
        guide=("interlock.records", "interlock.signing.trust", "interlock.vocabulary"),
    )
    for name in (*RECORDS, *ENTRIES)
)
