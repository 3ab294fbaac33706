"""What can reach the decision. Time and silence are events too: what is not journalled may not influence a decision."""

from dataclasses import dataclass

from interlock.records.audit import Input, InputKind
from interlock.records.change import Acknowledgement
from interlock.records.commands import Command
from interlock.records.health import Verdict
from interlock.records.sealing import open_sealed
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused, Verified
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros
from interlock.wire.topics import ACKS, COMMANDS, POLICIES, VERDICTS


@dataclass(frozen=True, slots=True)
class Document:
    """A record of the policies topic, sealed: the book verifies it when it takes it."""

    sealed: bytes


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command, and its bytes as read, so that the state can keep them."""

    command: Verified[Command]
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Lapse:
    """A verdict was not refreshed in time: from `valid_until` on it is unknown."""

    key: str
    valid_until: Micros


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = Document | Ordered | Verified[Verdict] | Verified[Acknowledgement] | Lapse | Tick


def interpret(given: Input, trust: TrustRoot) -> Event | Refused:
    """Verify and read one input as it was journalled. The service and the replay both come through here."""
    if given.kind is InputKind.TICK:
        return Tick()
    if given.kind is InputKind.LAPSE:
        return Lapse(given.subject, given.at)
    if given.topic == POLICIES.name:
        return Document(given.value)
    if given.topic == COMMANDS.name:
        command = open_sealed(given.value, trust, Command)
        return command if isinstance(command, Refused) else Ordered(command, given.value)
    if given.topic == VERDICTS.name:
        return open_sealed(given.value, trust, Verdict)
    if given.topic == ACKS.name:
        return open_sealed(given.value, trust, Acknowledgement)
    return Refused(Reason.UNEXPECTED_PAYLOAD_TYPE, given.topic)
