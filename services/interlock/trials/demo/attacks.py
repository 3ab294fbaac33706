"""Changes that nobody ordered, as attackers make them: what a router must refuse, and why.

Each is made from the genuine change that is in force, so that it is wrong in one thing only. Pure: where they are put is the
story's part.
"""

from dataclasses import dataclass, replace

from interlock.records.change import RoutingChange
from interlock.records.codec import TYPE_OF, encode
from interlock.records.sealing import encode_envelope, seal
from interlock.signing.envelope import Signature
from interlock.signing.keys import SigningKey, sign
from interlock.vocabulary.identifiers import Order
from interlock.vocabulary.reasons import Reason

UNAPPROVED = "unapproved_model"
"""The kind of attack that only the router's own look at the signed policy can stop."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One forged record.

    Attributes:
        kind: What kind of forgery it is.
        story: The same for people.
        sealed: Its bytes.
        expected: The reason for which it must be refused.
    """

    kind: str
    story: str
    sealed: bytes
    expected: Reason


@dataclass(frozen=True, slots=True)
class Loot:
    """What the attackers have.

    Attributes:
        decision: The decision service's real key: stolen.
        other_service: The real key of another service: stolen, too.
        replayable: The signed bytes of a change that was in force before.
    """

    decision: SigningKey
    other_service: SigningKey
    replayable: bytes


def attacks(current: RoutingChange, *, approved: str, unapproved: str, loot: Loot) -> list[Attack]:
    """The forgeries of the story.

    Args:
        current: The genuine change in force.
        approved: A model on the route's ladder: who names it can only be refused for who he is.
        unapproved: A model that is not on it.
        loot: What the attackers have.
    """
    stranger = SigningKey.generate()
    wanted = following(current, approved)
    return [
        Attack("forged_stranger", "a change signed by a stranger", seal(wanted, stranger), Reason.NO_SIGNATURE),
        Attack(
            "forged_signature",
            "a change signed by a stranger in decision's name",
            _in_the_name_of(loot.decision, stranger, wanted),
            Reason.BAD_SIGNATURE,
        ),
        Attack(
            "forged_role",
            "a change signed by another service's real key",
            seal(wanted, loot.other_service),
            Reason.ROLE_NOT_ALLOWED,
        ),
        Attack("replayed", "an old change, replayed word for word", loot.replayable, Reason.NOT_NEWER),
        Attack(
            UNAPPROVED,
            f"a change to {unapproved}, signed by decision's real key, stolen",
            seal(following(current, unapproved), loot.decision),
            Reason.NOT_ON_LADDER,
        ),
    ]


def following(current: RoutingChange, target: str) -> RoutingChange:
    """The order that would come next after the one in force, to another model: all else as it stands there."""
    order = Order(current.root_version, current.term, current.version + 1)
    return replace(
        current,
        id=f"{current.route.key}@{order}",
        version=order.version,
        source=current.target,
        target=target,
        safe_state=None,
    )


def _in_the_name_of(owner: SigningKey, stranger: SigningKey, change: RoutingChange) -> bytes:
    envelope = sign(TYPE_OF[type(change)], encode(change), stranger)
    forged = tuple(Signature(owner.keyid, signature.sig) for signature in envelope.signatures)
    return encode_envelope(replace(envelope, signatures=forged))
