"""What a service does beside its bus calls that outlives it: a mark on a disk, a message to people."""

from pathlib import Path

from interlock.notifier.webhook import Delivery
from interlock.records.documents import Webhook
from interlock.router.core.marks import Marks
from interlock.router.marks_file import MarksFile
from interlock.testing.killing.bus import Ports
from interlock.testing.killing.receiver import Receiver
from interlock.vocabulary.time import Micros


class KillableMarks(MarksFile):
    """A router's marks file. What was saved outlives the router, and nothing else.

    Args:
        path: The file.
        ports: What the process's ports share.
    """

    def __init__(self, path: Path, ports: Ports) -> None:
        super().__init__(path)
        self._ports = ports

    def save(self, marks: Marks) -> bool:
        """Write what is unsaved; whether it is on disk now."""
        about = "written" if marks.unsaved else "nothing"
        return self._ports.now("MarksFile.save", about, lambda: super(KillableMarks, self).save(marks))


class KillableSender:
    """A notifier's way to the people who must know.

    Args:
        receiver: Who is told.
        ports: What the process's ports share.
    """

    def __init__(self, receiver: Receiver, ports: Ports) -> None:
        self._receiver = receiver
        self._ports = ports

    async def send(self, webhook: Webhook, message_id: str, body: bytes, *, now: Micros, timeout_s: float) -> Delivery:
        """Make one attempt; see `notifier.telling.Sender`."""
        return await self._ports.soon("Sender.send", "", lambda: self._receiver.notice(webhook, message_id, body))


class KillableLastChannel:
    """A watch's way to its last channel.

    Args:
        receiver: Who is told.
        ports: What the process's ports share.
    """

    def __init__(self, receiver: Receiver, ports: Ports) -> None:
        self._receiver = receiver
        self._ports = ports

    async def send(self, to: Webhook, message_id: str, body: bytes, now: Micros) -> str:
        """Make one attempt; see `watch.breaches.Sender`."""
        return await self._ports.soon("Sender.send", "", lambda: self._receiver.last(message_id))
