"""What the notices topic says was told already: read once at the start, so that a restart goes on where it stood. Pure.

The deadline watch's breaches stand there, too. They say nothing of channels, and what is late is told all the same.
"""

from collections.abc import Mapping

from interlock.notifier.core import Progress, apply
from interlock.records.sealing import open_sealed
from interlock.records.telling import Breach, Notice
from interlock.signing.trust import TrustRoot
from interlock.signing.verifier import Refused


class Receipts:
    """Progress by news and channel, from notices that a notifier signed."""

    def __init__(self) -> None:
        self._known: dict[bytes, dict[str, Progress]] = {}

    def take(self, sealed: bytes | None, trust: TrustRoot) -> Refused | None:
        """Take one record of the notices topic; why it does not count, if it does not."""
        opened = open_sealed(sealed, trust, Notice, Breach)
        if isinstance(opened, Refused):
            return opened
        notice = opened.value
        if isinstance(notice, Breach):
            return None
        assert isinstance(notice, Notice)
        channels = self._known.setdefault(notice.event_id, {})
        channels[notice.channel] = apply(channels.get(notice.channel, Progress()), notice)
        return None

    def claim(self, event_id: bytes) -> Mapping[str, Progress]:
        """Hand over what is known of some news, by channel, and forget it: from now on its telling knows better."""
        return self._known.pop(event_id, {})

    def clear(self) -> None:
        """Forget the rest: once the log was read to its end, only new changes come."""
        self._known.clear()
