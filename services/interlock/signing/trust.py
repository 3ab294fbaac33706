"""The trust root: keys, their owners, and the roles they hold.

A root is checked as a whole before it counts: one key under two owners, a threshold that nobody can meet, or a service key
that is a person's as well would undo the split of authority that everything rests on.
"""

from dataclasses import dataclass
from functools import cached_property

from interlock.signing.keys import is_public_key, keyid_of
from interlock.signing.roles import Role
from interlock.signing.statement import Statement
from interlock.vocabulary.identifiers import ANY, is_name
from interlock.vocabulary.time import Micros

PEOPLE = frozenset({Role.ROOT, Role.GOVERNANCE, Role.AGENT_OWNER, Role.VALIDATOR, Role.SAFETY, Role.OPERATOR})
"""Roles that people hold; the others are held by services, and no key may be on both sides."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A raw public key and who holds it: Ed25519 (32 bytes) or a compressed point of P-256 (33 bytes)."""

    keyid: str
    owner: str
    public_key: bytes


@dataclass(frozen=True)  # without slots, for what is made once: an owner may have many agents
class Grant:
    """A role given to keys; `agents` bounds an agent owner's grant and is empty for every other role."""

    role: str
    threshold: int
    keyids: tuple[str, ...]
    agents: tuple[str, ...] = ()

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(self.agents)

    def reaches(self, agent: str | None) -> bool:
        """Whether the grant holds for an agent; one that names agents never holds for all of them."""
        return not self.agents or (agent != ANY and agent in self._named)


@dataclass(frozen=True, slots=True)
class TrustRoot(Statement):
    """Who may say what, at one version.

    Raises:
        ValueError: The root contradicts itself; the text says where.
    """

    version: int
    deployment: str
    issued_at: Micros
    expires_at: Micros
    keys: tuple[TrustedKey, ...]
    grants: tuple[Grant, ...]

    def __post_init__(self) -> None:
        fault = _fault(self)
        if fault:
            raise ValueError(fault)

    def key(self, keyid: str) -> TrustedKey | None:
        """The key of that id, if it is trusted at all."""
        return next((key for key in self.keys if key.keyid == keyid), None)

    def grants_of(self, role: Role) -> tuple[Grant, ...]:
        """Every grant of a role: agent owners have one for each set of agents."""
        return tuple(grant for grant in self.grants if grant.role == role)

    def holders(self, role: Role, agent: str = ANY) -> frozenset[str]:
        """The owners who hold a role; of agent owners, those whose grant names the agent."""
        owner_of = {key.keyid: key.owner for key in self.keys}
        granted = (grant for grant in self.grants_of(role) if grant.reaches(agent))
        return frozenset(owner_of[keyid] for grant in granted for keyid in grant.keyids)


def _fault(root: TrustRoot) -> str | None:
    if root.version < 1 or root.expires_at <= root.issued_at:
        return "the version must be 1 or more and the end after the beginning"
    return _key_fault(root.keys) or _grant_fault(root)


def _key_fault(keys: tuple[TrustedKey, ...]) -> str | None:
    seen: set[bytes] = set()
    for key in keys:
        if not is_public_key(key.public_key):
            return f"{key.owner}'s key is neither Ed25519 (32 bytes) nor a compressed point of P-256 (33 bytes)"
        if key.keyid != keyid_of(key.public_key):
            return f"the id of {key.owner}'s key is not the SHA-256 of its bytes"
        if key.public_key in seen:
            return f"{key.owner}'s key is listed twice"
        if not is_name(key.owner):
            return f"{key.owner!r} cannot name an owner"
        seen.add(key.public_key)
    return None


def _grant_fault(root: TrustRoot) -> str | None:
    owners = {key.keyid: key.owner for key in root.keys}
    held_by_people: set[str] = set()
    held_by_services: set[str] = set()
    for grant in root.grants:
        unknown = [keyid for keyid in grant.keyids if keyid not in owners]
        if unknown:
            return f"role {grant.role} names the key {unknown[0][:12]}…, which is not listed"
        if not 1 <= grant.threshold <= len({owners[keyid] for keyid in grant.keyids}):
            return f"role {grant.role} asks for {grant.threshold} distinct owners and cannot have them"
        if (grant.role == Role.AGENT_OWNER) != bool(grant.agents):
            return f"role {grant.role}: agents are named for {Role.AGENT_OWNER}, and for it alone"
        (held_by_people if grant.role in PEOPLE else held_by_services).update(owners[keyid] for keyid in grant.keyids)
    if Role.ROOT not in {grant.role for grant in root.grants}:
        return "nobody holds the role root"
    both = held_by_people & held_by_services
    return f"{min(both)} holds a person's role and a service's" if both else None
