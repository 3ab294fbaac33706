"""Two policies to be compared: each from YAML, from a signed file, or as it is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.cli.connection import Standing
from interlock.cli.policy.diff_text import listing, tally
from interlock.cli.policy.drafts import Surroundings, compile_file
from interlock.policy.authoring.diff import beginning, diff
from interlock.policy.authoring.differences import Difference, Direction
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.signatures import Lacking, claimed, lacking, needed, signed_by
from interlock.records.documents import RoutePolicy
from interlock.records.sealing import open_sealed
from interlock.runtime.opening import read_trust
from interlock.runtime.workspace import SEALED, sealed_bytes
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused
from interlock.vocabulary.errors import ConfigurationError, PeerError
from interlock.vocabulary.reasons import Reason
from interlock.vocabulary.time import Micros

_ALONE = "To narrow at once, one person is enough: `interlock suspend`, `disable` or `deny`."


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    Attributes:
        told: Where it is from, in words.
        policy: The policy; None if nothing is there.
        signatures: Who signed it and who has not yet, in words; empty if it is not signed.
    """

    told: str
    policy: RoutePolicy | None
    signatures: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of a policy, and who must sign that."""

    before: Side
    after: Side
    found: tuple[Difference, ...]
    signers: tuple[Lacking, ...]

    def document(self) -> dict[str, object]:
        """For a program."""
        sides = {"old": self.before, "new": self.after}
        return {
            "agent": _policy(self.after).agent,
            **{
                name: {"from": side.told, "version": side.policy.version if side.policy else None}
                for name, side in sides.items()
            },
            **{str(direction): sum(each.direction is direction for each in self.found) for direction in Direction},
            "differences": [
                {
                    "route": each.route or None,
                    "rung": each.rung or None,
                    "what": each.what,
                    "before": each.before,
                    "after": each.after,
                    "direction": str(each.direction),
                }
                for each in self.found
            ],
            "must_sign": [{"role": str(signer.role), "people": list(signer.people)} for signer in self.signers],
        }

    def heading(self) -> str:
        """Which two, for a person."""
        told = [
            f"{f'version {side.policy.version}' if side.policy else 'nothing'} ({side.told}{side.signatures})"
            for side in (self.before, self.after)
        ]
        return f"{_policy(self.after).agent}: {' -> '.join(told)}"

    def closing(self) -> str:
        """What it comes to, for a person."""
        if not self.found:
            return "They say the same."
        who = f"To be signed by {' and '.join(map(str, self.signers))}: two people."
        narrowed = any(each.direction is Direction.NARROWS for each in self.found)
        return "\n".join([tally(self.found), who, *([_ALONE] if narrowed else [])])


def compare(before: Side, after: Side, trust: TrustRoot) -> Compared:
    """Compare two policies.

    Raises:
        ConfigurationError: They are policies of two agents.
    """
    new = _policy(after)
    if before.policy is None:
        return Compared(before, after, beginning(new), needed(new, trust))
    if before.policy.agent != new.agent:
        what = f"{before.told} is a policy of {before.policy.agent}, {after.told} one of {new.agent}."
        raise ConfigurationError(what, "Compare two policies of one agent.")
    return Compared(before, after, diff(before.policy, new), needed(new, trust))


def read_side(path: Path, around: Surroundings, now: Micros) -> Side | list[Problem]:
    """Read a policy, as YAML or as a signed file.

    Returns:
        The policy, or why the YAML gives none.

    Raises:
        ConfigurationError: The file cannot be read, or holds no policy.
        PeerError: A signature in it does not hold.
    """
    if path.suffix == SEALED:
        return _signed(path, read_trust(around.root)[0])
    compiled = compile_file(path, around, now)
    return compiled if isinstance(compiled, list) else Side(str(path), compiled)


def published(agent: str, standing: Standing) -> Side:
    """The policy of an agent that counts now."""
    held = standing.book.policies.get(agent)
    return Side("published", held.value if held else None)


def _signed(path: Path, trust: TrustRoot) -> Side:
    try:
        sealed = sealed_bytes(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    policy = claimed(sealed)
    if not isinstance(policy, RoutePolicy):
        raise ConfigurationError(f"{path} holds no policy.", "Name a policy's YAML or its .sealed file.")
    opened = open_sealed(sealed, trust, RoutePolicy)
    if isinstance(opened, Refused) and opened.reason is not Reason.THRESHOLD_NOT_MET:
        raise PeerError(f"{path} does not count: {opened.reason} {opened.detail}".strip() + ".", opened.reason.mend)
    rest = " and ".join(map(str, lacking(sealed, policy, trust)))
    missing = f", missing {rest}" if rest else ""
    return Side(str(path), policy, f", signed by {' and '.join(signed_by(sealed, trust))}{missing}")


def _policy(side: Side) -> RoutePolicy:
    assert side.policy is not None, "what is compared with something is there"
    return side.policy


def show(compared: Compared) -> Sequence[object]:
    """What a person is shown, from the top."""
    return [compared.heading(), "", *([listing(compared.found)] if compared.found else []), compared.closing()]
