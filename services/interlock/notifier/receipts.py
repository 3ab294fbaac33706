"""What the notices topic says was told already: read once at the start, so that a restart goes on where it stood. Pure.

A notice counts if its signer was trusted when its change was made, or later: what was told stays told when a notifier's key is taken out of
the trust root, and of changes under a newer root that key says nothing. The deadline watch's breaches stand there, too. They say nothing of
channels, and what is late is told all the same.
"""

from collections.abc import Mapping, Sequence

from interlock.notifier.core import Progress, apply, both
from interlock.records.sealing import open_sealed
from interlock.records.telling import Breach, Notice
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused


class Receipts:
    """Progress by news and channel, from notices that a notifier signed."""

    def __init__(self) -> None:
        self._known: dict[bytes, dict[int, dict[str, Progress]]] = {}

    def take(self, sealed: bytes | None, roots: Sequence[TrustRoot]) -> Refused | None:
        """Take one record of the notices topic; why it does not count, if it does not.

        Args:
            sealed: The record.
            roots: Every trust root that was in force, the present one last.
        """
        refused: Refused | None = None
        for root in reversed(roots):
            opened = open_sealed(sealed, root, Notice, Breach)
            if not isinstance(opened, Refused):
                if isinstance(opened.value, Notice):
                    self._add(opened.value, root.version)
                return None
            refused = refused or opened
        return refused

    def claim(self, event_id: bytes, root_version: int) -> Mapping[str, Progress]:
        """Hand over what is known of some news, by channel, and forget it: from now on its telling knows better.

        Args:
            event_id: The news.
            root_version: The trust root under which it came to be: who was trusted only before that says nothing of it.
        """
        found: dict[str, Progress] = {}
        for version, channels in self._known.pop(event_id, {}).items():
            if version >= root_version:
                found |= {name: both(found.get(name, Progress()), progress) for name, progress in channels.items()}
        return found

    def clear(self) -> None:
        """Forget the rest: once the log was read to its end, only new changes come."""
        self._known.clear()

    def _add(self, notice: Notice, root_version: int) -> None:
        channels = self._known.setdefault(notice.event_id, {}).setdefault(root_version, {})
        channels[notice.channel] = apply(channels.get(notice.channel, Progress()), notice)
