"""Names of things, and how they become Kafka keys.

A *route* is what is decided: agent + slot + scope. Identifiers are plain lower-case ASCII, so that two names that look alike
are alike, and a key can be split again at its slashes.
"""

import hashlib
import re
from typing import NamedTuple

from interlock.vocabulary.limits import IDENTIFIER_CHARS_MAX

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]*")
ANY = "*"
"""The scope, or agent, that means all of them."""


def is_name(text: str) -> bool:
    """Whether the text can name an agent, a slot, a model, a reporter."""
    return len(text) <= IDENTIFIER_CHARS_MAX and _NAME.fullmatch(text) is not None


def is_scope(text: str) -> bool:
    """Whether the text can name a scope: a name, or `*` where there is only one."""
    return text == ANY or is_name(text)


class RouteId(NamedTuple):
    """Agent + slot + scope: the key of every decision."""

    agent: str
    slot: str
    scope: str

    @property
    def key(self) -> str:
        """The route as text, `agent/slot/scope`: its Kafka key and its name in every output."""
        return f"{self.agent}/{self.slot}/{self.scope}"

    @classmethod
    def parse(cls, text: str) -> "RouteId | None":
        """Read `agent/slot/scope`; `agent` alone means slot `main`, scope `*`. None if it is not a route's name."""
        parts = text.split("/")
        if len(parts) == 1:
            parts = [parts[0], "main", ANY]
        if len(parts) != 3 or not (is_name(parts[0]) and is_name(parts[1]) and is_scope(parts[2])):
            return None
        return cls(*parts)


class Order(NamedTuple):
    """How changes of a route are ordered: (root version, term, version), compared from the left."""

    root: int
    term: int
    version: int

    def __str__(self) -> str:
        return f"{self.root}.{self.term}.{self.version}"


def digest(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def shard_of(agent: str, shards: int) -> int:
    """The shard that decides an agent's routes: SHA-256(agent) mod the deployment's fixed number of shards."""
    return int.from_bytes(digest(agent.encode()), "big") % shards
