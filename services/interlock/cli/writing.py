"""Writing an order down and signing it: at once, or by two people at two machines.

`--out FILE` writes the signed order instead of publishing it; `--add FILE` signs the order in a file along. Whoever adds his
signature names the order again: he signs what he typed, not what a file may say.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.policy.authoring.signatures import add_signatures, claimed
from interlock.records.commands import Command, ReviewOutcome, Verb
from interlock.signing.keys import SigningKey
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import SECOND, Micros

COUNTS_FOR_US = Micros(300 * SECOND)
"""How long an order that ends at once may still be carried out: longer than a decision service takes to be replaced."""

COLLECT_US = Micros(3_600 * SECOND)
"""The same for an order that travels from one person to another."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person typed.

    Attributes:
        about: The proposal, the canary or the change.
        lasting: How long it lasts; None: it ends at once.
    """

    verb: Verb
    agent: str
    route: str = ""
    model: str = ""
    about: str = ""
    outcome: ReviewOutcome = ReviewOutcome.NONE
    ticket: str = ""
    reason: str = ""
    lasting: Micros | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An order, and its signed bytes."""

    command: Command
    sealed: bytes


def write(draft: Draft, deployment: str, now: Micros, keys: Sequence[SigningKey], *, travels: bool = False) -> Written:
    """Make the order and sign it.

    Args:
        draft: What was typed.
        deployment: Whose order it is.
        now: When it is given.
        keys: Who signs.
        travels: Whether others will sign it later.

    Raises:
        ConfigurationError: What was typed cannot be ordered.
    """
    lasting = draft.lasting or (COLLECT_US if travels else COUNTS_FOR_US)
    try:
        command = Command(
            id=f"{draft.verb}-{uuid.uuid4().hex[:12]}",
            deployment=deployment,
            verb=draft.verb,
            agent=draft.agent,
            route=draft.route,
            model=draft.model,
            about=draft.about,
            outcome=draft.outcome,
            ticket=draft.ticket,
            reason=draft.reason,
            issued_at=now,
            expires_at=Micros(now + lasting),
        )
    except ValueError as error:
        raise ConfigurationError(f"This cannot be ordered: {error}.", "Check the names and the reason.") from None
    return Written(command, add_signatures(command, None, *keys))


def sign_along(draft: Draft, file: Path, keys: Sequence[SigningKey]) -> Written:
    """Add signatures to the order in a file, if it is the one that was typed.

    Raises:
        ConfigurationError: The file cannot be read, or holds no order or another one.
    """
    try:
        sealed = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}.", "Name the file that --out wrote."
        ) from error
    command = claimed(sealed)
    if not isinstance(command, Command):
        raise ConfigurationError(f"{file} holds no order.", "Name the file that --out wrote.")
    if not _same(draft, command):
        told = f"{command.describe()}, ticket {command.ticket!r}, reason {command.reason!r}"
        raise ConfigurationError(f"{file} holds another order: {told}.", "Type the order that you want to sign.")
    return Written(command, add_signatures(command, sealed, *keys))


def _same(draft: Draft, command: Command) -> bool:
    """Whether the order is what was typed; a ticket or reason that was not typed again may be anything."""
    typed = (draft.verb, draft.agent, draft.route, draft.model, draft.about, draft.outcome)
    held = (command.verb, command.agent, command.route, command.model, command.about, command.outcome)
    return typed == held and draft.ticket in {"", command.ticket} and draft.reason in {"", command.reason}
