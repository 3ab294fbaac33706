"""Where the notices are read from after a restart: not from the first one ever. Pure.

What is said of a change is said after the change is in the log. So if the notices ended at N, and *afterwards* the log ended at L, then
all that is said of changes from L on stands from N on. N may be committed as soon as reading the log, too, would begin at L or beyond.
Reading the log begins at a claim (`runtime.audit_trail`), so this comes to pass with the next claim of every shard, and until then the
last N that was committed will do.
"""

from collections.abc import Mapping

from interlock.runtime.bus import Position

Offsets = Mapping[Position, int]


class Bookmark:
    """The notices that are done with.

    Attributes:
        done: The offsets from which they are read after a restart; empty: as committed before.
    """

    def __init__(self) -> None:
        self.done: Offsets = {}
        self._pair: tuple[Offsets, Offsets] | None = None

    def move(self, notices: Offsets, log: Offsets, log_done: Offsets) -> None:
        """Both were read to their ends once more.

        Args:
            notices: Where the notices ended when that was asked.
            log: Where the log ended when that was asked, after the notices had been.
            log_done: Where reading the log would begin after a restart.
        """
        held, until = self._pair or (notices, log)
        if all(log_done.get(where, 0) >= end for where, end in until.items()):
            self.done = held
            self._pair = (notices, log)
        else:
            self._pair = (held, until)
