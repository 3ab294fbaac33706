"""Stand-ins: the deployment's own trust root, but for the keys of those who have not signed yet.

A draft is not signed, and decision takes only what is. So for the simulation alone everybody but the validators is replaced by a
stand-in of the same name, role and threshold, whose key is made here and never leaves the process. The validators' keys stay: the
evidence inside a policy is theirs, and must hold. What comes of it is believed by nobody else, since no other trust root knows the keys.

A service that the root does not name is added, as a deployment could do nothing without it; a guard is not: one that the root does not
name cannot beat, in the simulation or later.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from interlock.policy.book import Book, Taken, take
from interlock.records.documents import RoutePolicy
from interlock.records.models import Registration
from interlock.records.sealing import event_id_of, seal
from interlock.signing.keys import SigningKey
from interlock.signing.roles import Role
from interlock.signing.statement import Statement
from interlock.signing.trust import Grant, TrustedKey, TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import ANY, digest
from interlock.vocabulary.limits import SIGNATURES_MAX

_REAL = frozenset({Role.ROOT, Role.VALIDATOR})
"""Whose real keys stay."""

_SERVICES = {Role.HEALTH: "health", Role.PROBE: "probe", Role.REPORTER: "reporter"}
"""Without these nothing is known of any model."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A deployment as the simulation has it.

    Attributes:
        root: Its trust root.
        keys: The stand-ins' keys, by role and owner.
    """

    root: TrustRoot
    keys: Mapping[tuple[str, str], SigningKey]

    @classmethod
    def of(cls, root: TrustRoot) -> "StandIn":
        """The stand-in for a deployment."""
        granted = _with_services(root)
        owner_of = {key.keyid: key.owner for key in granted.keys}
        grants: list[Grant] = []
        keys: dict[tuple[str, str], SigningKey] = {}
        for grant in granted.grants:
            if grant.role in _REAL:
                grants.append(grant)
                continue
            held = {owner: _key(grant.role, owner) for owner in _once(owner_of[keyid] for keyid in grant.keyids)}
            keys |= {(grant.role, owner): key for owner, key in held.items()}
            grants.append(replace(grant, keyids=tuple(key.keyid for key in held.values())))
        real = {keyid for grant in grants if grant.role in _REAL for keyid in grant.keyids}
        trusted = [key for key in root.keys if key.keyid in real]
        trusted += [TrustedKey(key.keyid, owner, key.public) for (_, owner), key in keys.items()]
        return cls(replace(root, keys=tuple(trusted), grants=tuple(grants)), keys)

    def book(self) -> Book:
        """A book that holds nothing yet."""
        return Book.start(self.root, event_id_of(self.root))

    def owner(self, role: Role) -> str:
        """Some owner who holds a role."""
        return next(owner for held, owner in self.keys if held == role)

    def owners(self, role: Role, agent: str = ANY) -> list[str]:
        """Everybody who holds a role, for an agent; at most so many as may sign one record beside another role's."""
        return sorted(self.root.holders(role, agent))[: SIGNATURES_MAX // 2]

    def seal(self, record: Statement, role: Role, owner: str = "") -> bytes:
        """Sign a record with the key of a holder of a role; by default of the first one."""
        return self.seal_by(record, [(role, owner or self.owner(role))])

    def seal_by(self, record: Statement, signers: Iterable[tuple[Role, str]]) -> bytes:
        """Sign a record with several keys."""
        return seal(record, *(self.keys[signer] for signer in signers))

    def policy(self, policy: RoutePolicy) -> bytes:
        """A policy, signed by everybody who may: how many it takes is for the trust root to say."""
        return self.seal_by(policy, [(role, owner) for role in _APPROVERS for owner in self.owners(role, policy.agent)])

    def registration(self, entry: Registration) -> bytes:
        """An entry of the registry, signed by governance."""
        return self.seal_by(entry, [(Role.GOVERNANCE, owner) for owner in self.owners(Role.GOVERNANCE)])

    def check(self, book: Book, sealed: bytes, what: str) -> Book:
        """The book with one more document.

        Raises:
            ConfigurationError: It would not count even if everybody signed it.
        """
        taken = take(book, sealed)
        if isinstance(taken, Taken):
            return taken.book
        raise _unusable(taken, what)


_APPROVERS = (Role.GOVERNANCE, Role.AGENT_OWNER)


def _unusable(refused: Refused, what: str) -> ConfigurationError:
    detail = f" ({refused.detail})" if refused.detail else ""
    return ConfigurationError(
        f"{what} could not count, whoever signed it: {refused.reason}{detail}.", refused.reason.mend
    )


def _key(role: str, owner: str) -> SigningKey:
    """A stand-in's key: the same in every simulation, so that the same question has the same answer."""
    return SigningKey.from_seed(digest(f"interlock simulation: {role} {owner}".encode()))


def _with_services(root: TrustRoot) -> TrustRoot:
    missing = {role: owner for role, owner in _SERVICES.items() if not root.grants_of(role)}
    keys = {role: _key(role, f"simulated-{owner}") for role, owner in missing.items()}
    trusted = (TrustedKey(key.keyid, f"simulated-{missing[role]}", key.public) for role, key in keys.items())
    granted = (Grant(role, 1, (key.keyid,)) for role, key in keys.items())
    return replace(root, keys=(*root.keys, *trusted), grants=(*root.grants, *granted))


def _once(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))
