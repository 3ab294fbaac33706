"""The book: everything said on the policies topic that counts.

`take` is the only way in. It looks at signatures, audience and versions, never at a clock, so that every reader of the topic
holds the same book after the same records; what has expired is judged where it is used (`policy.admissible`).

Rules: versions only go up. A new trust root is signed under the old root and under itself, and every policy held is verified again
under it: what it no longer vouches for is gone. Denials and registrations stay: they only narrow, and replacing the key of who said
them must not widen anything. A tombstone
means nothing.
"""

from __future__ import annotations  # rpds maps take type parameters in annotations only

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from rpds import HashTrieMap, HashTrieSet

from interlock.records.documents import Denial, RoutePolicy
from interlock.records.head import Head
from interlock.records.models import Evidence, Registration
from interlock.records.rules import RouteRule
from interlock.records.sealing import open_sealed
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.identifiers import RouteId, digest
from interlock.vocabulary.limits import POLICY_BYTES_MAX
from interlock.vocabulary.reasons import Reason

EvidenceHeld = Mapping[tuple[str, str, str], Evidence]
"""Evidence that counts, by (model, version, profile): two routes of one policy may run two versions of a model."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class HeldPolicy:
    """A policy that counts.

    Attributes:
        verified: The policy, signed by governance and by the agent's owner.
        sealed: Its bytes as read.
        evidence: The evidence inside it that a validator signed, for the version on the ladder.
    """

    verified: Verified[RoutePolicy]
    sealed: bytes
    evidence: EvidenceHeld

    @property
    def value(self) -> RoutePolicy:
        """The policy."""
        return self.verified.value

    @property
    def event_id(self) -> bytes:
        """Its digest, as routing changes name it: 32 bytes."""
        return self.verified.event_id


@dataclass(frozen=True, slots=True)
class HeldDenial:
    """A denial that counts, and its bytes as read."""

    verified: Verified[Denial]
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Book:
    """The documents that are held. Persistent: `take` gives a new book and leaves the old one.

    Attributes:
        trust: The trust root.
        policies: By agent.
        denials: By model.
        registry: By model: governance's last word on it.
        floors: By agent: the highest version of its policy ever taken, whether or not a later root still vouches for it.
        users: By model or guard, as verdicts name them: the routes that use it.
        head: Over every document, see `records.head`.
        opened: The policies that were verified under this trust root for this book or one that shares its beginning, by the digest
            of their bytes: a process that decides for several shards verifies and holds a policy once. It decides nothing.
    """

    trust: TrustRoot
    policies: HashTrieMap[str, HeldPolicy]
    denials: HashTrieMap[str, HeldDenial]
    registry: HashTrieMap[str, Verified[Registration]]
    floors: HashTrieMap[str, int]
    users: HashTrieMap[str, HashTrieSet[RouteId]]
    head: Head
    opened: WeakValueDictionary[bytes, HeldPolicy] = field(
        default_factory=WeakValueDictionary, compare=False, repr=False
    )

    @classmethod
    def start(cls, trust: TrustRoot, root_id: bytes) -> Book:
        """A book that holds nothing but the trust root that the operator installed."""
        return cls(
            trust,
            HashTrieMap(),
            HashTrieMap(),
            HashTrieMap(),
            HashTrieMap(),
            HashTrieMap(),
            Head().put("root", root_id),
        )

    def rule(self, route: RouteId) -> RouteRule | None:
        """The rule of one route; None if no policy that is held names it."""
        held = self.policies.get(route.agent)
        return held.value.rule(route.slot, route.scope) if held else None

    def users_of(self, model: str) -> HashTrieSet[RouteId]:
        """Every route with the model on its ladder."""
        return self.users.get(model) or HashTrieSet()


@dataclass(frozen=True, slots=True)
class Taken:
    """A document was taken: the new book, and what it was."""

    book: Book
    value: TrustRoot | Registration | RoutePolicy | Denial
    event_id: bytes


def take(book: Book, sealed: bytes | None) -> Taken | Refused:
    """Take one record of the policies topic. Never raises; a repetition is refused as `NOT_NEWER`."""
    if sealed is None:
        return Refused(Reason.EMPTY)
    if len(sealed) > POLICY_BYTES_MAX:
        return Refused(Reason.TOO_LARGE, f"{len(sealed)} bytes, {POLICY_BYTES_MAX} are allowed")
    known = book.opened.get(digest(sealed))
    if known is not None:
        return _take_policy(book, known)
    opened: Verified[Any] | Refused = open_sealed(sealed, book.trust, TrustRoot, Registration, RoutePolicy, Denial)
    if isinstance(opened, Refused):
        return opened
    value = opened.value
    if isinstance(value, TrustRoot):
        return _take_root(book, sealed, value)
    if isinstance(value, RoutePolicy):
        held = HeldPolicy(opened.narrow(RoutePolicy), sealed, evidence_in(book.trust, value))
        return _take_policy(book, book.opened.setdefault(digest(sealed), held))
    if isinstance(value, Registration):
        return _take_registration(book, opened.narrow(Registration))
    return _take_denial(book, sealed, opened.narrow(Denial))


def _take_root(book: Book, sealed: bytes, root: TrustRoot) -> Taken | Refused:
    if root.deployment != book.trust.deployment:
        return Refused(Reason.WRONG_AUDIENCE, root.deployment)
    if root.version <= book.trust.version:
        other = root.version == book.trust.version and root != book.trust
        return Refused(Reason.EQUIVOCATION if other else Reason.NOT_NEWER, f"trust root {root.version}")
    if root.version != book.trust.version + 1:
        return Refused(Reason.ROOT_NOT_NEXT, f"trust root {root.version} after {book.trust.version}")
    under_itself = open_sealed(sealed, root, TrustRoot)
    if isinstance(under_itself, Refused):
        return under_itself
    renewed = Book.start(root, under_itself.event_id)
    for policy in book.policies.values():
        again = take(renewed, policy.sealed)
        renewed = again.book if isinstance(again, Taken) else renewed
    for denial in book.denials.values():
        renewed = _with_denial(renewed, denial)
    for registration in book.registry.values():
        renewed = _with_registration(renewed, registration)
    return Taken(replace(renewed, floors=book.floors), root, under_itself.event_id)


def _take_policy(book: Book, policy: HeldPolicy) -> Taken | Refused:
    value = policy.value
    if value.deployment != book.trust.deployment:
        return Refused(Reason.WRONG_AUDIENCE, value.deployment)
    held = book.policies.get(value.agent)
    if value.version <= (book.floors.get(value.agent) or 0):
        return Refused(_not_newer(value, policy.event_id, held), f"policy {value.version} of {value.agent}")
    policies = book.policies.insert(value.agent, policy)
    users = _users(book.users, held.value if held else None, value)
    head = book.head.put(f"policy/{value.agent}", policy.event_id)
    floors = book.floors.insert(value.agent, value.version)
    renewed = replace(book, policies=policies, floors=floors, users=users, head=head)
    return Taken(renewed, value, policy.event_id)


def _users(
    users: HashTrieMap[str, HashTrieSet[RouteId]], before: RoutePolicy | None, after: RoutePolicy
) -> HashTrieMap[str, HashTrieSet[RouteId]]:
    """The index by model, with one agent's old policy taken out and its new one put in."""
    for route, model in before.uses() if before else ():
        users = users.insert(model, (users.get(model) or HashTrieSet()).discard(route))
    for route, model in after.uses():
        users = users.insert(model, (users.get(model) or HashTrieSet()).insert(route))
    return users


def _not_newer(value: RoutePolicy, event_id: bytes, held: HeldPolicy | None) -> Reason:
    if held is None or value.version < held.value.version:
        return Reason.POLICY_OLDER
    return Reason.NOT_NEWER if event_id == held.event_id else Reason.EQUIVOCATION


def _take_registration(book: Book, registration: Verified[Registration]) -> Taken | Refused:
    value = registration.value
    if value.deployment != book.trust.deployment:
        return Refused(Reason.WRONG_AUDIENCE, value.deployment)
    held = book.registry.get(value.model.name)
    if held is not None and value.version <= held.value.version:
        same = value.version == held.value.version and registration.event_id != held.event_id
        return Refused(
            Reason.EQUIVOCATION if same else Reason.NOT_NEWER, f"entry {value.version} of {value.model.name}"
        )
    return Taken(_with_registration(book, registration), value, registration.event_id)


def _with_registration(book: Book, registration: Verified[Registration]) -> Book:
    model = registration.value.model.name
    head = book.head.put(f"model/{model}", registration.event_id)
    return replace(book, registry=book.registry.insert(model, registration), head=head)


def _take_denial(book: Book, sealed: bytes, denial: Verified[Denial]) -> Taken | Refused:
    if denial.value.model in book.denials:
        return Refused(Reason.NOT_NEWER, f"{denial.value.model} is denied already")
    return Taken(_with_denial(book, HeldDenial(denial, sealed)), denial.value, denial.event_id)


def _with_denial(book: Book, denial: HeldDenial) -> Book:
    model = denial.verified.value.model
    head = book.head.put(f"deny/{model}", denial.verified.event_id)
    return replace(book, denials=book.denials.insert(model, denial), head=head)


def evidence_in(trust: TrustRoot, policy: RoutePolicy) -> EvidenceHeld:
    """The evidence inside a policy that a validator signed for exactly the model, version and profile it stands beside."""
    ladders = [_evidence_on(trust, rule) for rule in policy.routes]
    if len(ladders) == 1:
        return ladders[0]  # shared by every agent with that ladder
    found: dict[tuple[str, str, str], Evidence] = {}
    for ladder in ladders:
        for about, said in ladder.items():
            found[about] = max(said, found.get(about, said), key=lambda held: (held.level, held.expires_at))
    return found


def _evidence_on(trust: TrustRoot, rule: RouteRule) -> EvidenceHeld:
    """The evidence on one ladder, verified once under a trust root."""
    known, found = rule.memo.get("evidence", (None, {}))
    if known is not trust:
        found = dict(_verified_on(trust, rule))
        rule.memo["evidence"] = (trust, found)
    return MappingProxyType(found)


def _verified_on(trust: TrustRoot, rule: RouteRule) -> Iterator[tuple[tuple[str, str, str], Evidence]]:
    for rung in rule.ladder:
        opened = open_sealed(rung.evidence, trust, Evidence)
        if isinstance(opened, Refused):
            continue
        said = opened.value
        about = (said.model, said.model_version, said.profile)
        if about == (rung.model.name, rung.model.version, rule.profile):
            yield about, said
