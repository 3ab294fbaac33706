"""Two policies of one agent that are to be published in one go: which of them should be, and what its people must do first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.cli.policy.parcels import Parcel
from interlock.policy.authoring.signatures import claimed, signed_by
from interlock.records.documents import RoutePolicy
from interlock.records.sealing import event_id_of_sealed
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.reasons import Reason


@dataclass(frozen=True, slots=True)
class Rivals:
    """Why neither is published, and what to do."""

    refused: Refused
    mend: str


def rivalry(parcels: Sequence[Parcel], trust: TrustRoot) -> Mapping[str, Rivals]:
    """By agent, what is to be said where two different policies of it are here."""
    found: dict[str, dict[bytes, tuple[Parcel, RoutePolicy]]] = {}
    for parcel in parcels:
        record = claimed(parcel.sealed)
        if isinstance(record, RoutePolicy):
            found.setdefault(record.agent, {})[event_id_of_sealed(parcel.sealed)] = (parcel, record)
    return {agent: _told(list(drafts.values()), trust) for agent, drafts in found.items() if len(drafts) > 1}


def _told(drafts: Sequence[tuple[Parcel, RoutePolicy]], trust: TrustRoot) -> Rivals:
    files = " and ".join(parcel.file for parcel, _ in drafts)
    refused = Refused(Reason.EQUIVOCATION, f"{files} are policies for one agent")
    first, policy = min(drafts, key=lambda draft: draft[1].issued_at)
    if any(replace(other, issued_at=policy.issued_at) != policy for _, other in drafts):
        return Rivals(refused, "Publish one policy for each agent; `interlock policy diff` tells how they differ.")
    signed = signed_by(first.sealed, trust)
    others = {owner for parcel, _ in drafts for owner in signed_by(parcel.sealed, trust)} - signed.keys()
    who = " and ".join(sorted(others)) or "whoever is missing"
    mend = f"They are two drafts of one policy. {first.file} was compiled first: have {who} sign it along, `interlock policy sign FILE.yaml --with {first.file}`."
    return Rivals(refused, mend)
