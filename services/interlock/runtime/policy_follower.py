"""Follows the policies topic and keeps the book that it makes.

Every service that judges by policy holds its own book, made from the signed records themselves: nobody is told by another
service what is approved.
"""

from collections.abc import Awaitable, Callable

from interlock.policy.book import Book, Taken, take
from interlock.runtime.bus import Reader, Record
from interlock.runtime.lifecycle import Stop
from interlock.signing.verifier import Refused
from interlock.vocabulary.reasons import Reason

Refusal = Callable[[Record, Refused], Awaitable[None]]


class PolicyFollower:
    """The book, and the loop that keeps it up to date.

    Attributes:
        roots: Every trust root that was in force, the present one last: what was signed under an older one is not forged for that.

    Args:
        reader: Reads the policies topic from its beginning.
        book: The book to start from: the installed trust root.
        refused: Is told of every record that does not count, repetitions excepted.
    """

    def __init__(self, reader: Reader, book: Book, refused: Refusal) -> None:
        self.book = book
        self.roots = [book.trust]
        self._reader = reader
        self._refused = refused

    async def catch_up(self) -> None:
        """Take everything that is on the topic now."""
        for record in await self._reader.read_to_end():
            await self._take(record)

    async def run(self, stop: Stop) -> None:
        """Take what comes, until asked to stop."""
        while not stop.is_set():
            for record in await self._reader.batch():
                await self._take(record)

    async def _take(self, record: Record) -> None:
        taken = take(self.book, record.value)
        if isinstance(taken, Taken):
            self.book = taken.book
            if self.book.trust is not self.roots[-1]:
                self.roots.append(self.book.trust)
        elif taken.reason is not Reason.NOT_NEWER:
            await self._refused(record, taken)
